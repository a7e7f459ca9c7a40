"""Waiting for an approval to end: told by the one follower of the log that serves everybody in this process."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from placet.contracts.events import APPROVAL_ENDS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from datetime import datetime

    from placet.api.decisions.delivery import Clock
    from placet.api.feed.feed import Feed
    from placet.contracts.approvals import Approval
    from placet.contracts.events import Event

LONGEST: Final = 300.0
"""Seconds that one request waits, at most."""
RECHECK: Final = 5.0
"""Seconds between looks at the approval itself, in case the log did not say."""
_BEGIN: Final = 1.0
"""Seconds that the follower has to find the log; where the ledger is down, looking again must do."""


@asynccontextmanager
async def watching(feed: Feed, approval_id: str) -> AsyncGenerator[asyncio.Event]:
    """Gives an event that is set whenever the log says that the approval has ended.

    What is read inside is read after the follower has found the end of the log, so no end is missed.
    """
    woken = asyncio.Event()

    def hear(events: Sequence[Event]) -> None:
        if any(event.approval_id == approval_id and event.type in APPROVAL_ENDS for event in events):
            woken.set()

    with feed.listening(hear):
        with suppress(TimeoutError):
            async with asyncio.timeout(_BEGIN):
                await feed.begun()
        yield woken


async def until_ended(
    feed: Feed,
    read: Callable[[], Awaitable[Approval]],
    seconds: float,
    *,
    approval_id: str,
    clock: Clock,
    stopping: asyncio.Event,
) -> Approval | None:
    """Returns the approval once it has ended, or None when the time is over or the process stops.

    Args:
        feed: Who wakes us.
        read: Reads the approval.
        seconds: How long to wait.
        approval_id: Of the approval.
        clock: The time by which the deadline passes.
        stopping: Set when the process stops.
    """
    loop = asyncio.get_running_loop()
    give_up = loop.time() + seconds
    async with watching(feed, approval_id) as woken:
        while True:
            # Before the reading: an end that is told of while it is read must wake who goes to sleep after it.
            woken.clear()
            approval = await read()
            if approval.status != "pending":
                return approval
            left = give_up - loop.time()
            if left <= 0 or stopping.is_set():
                return None
            await _first_of(woken, stopping, min(left, _recheck(approval.expires_at, clock())))


def _recheck(expires_at: datetime | None, now: datetime) -> float:
    """Returns when to look again: right at the deadline, else every few seconds."""
    if expires_at is None or expires_at <= now:
        return RECHECK
    return min(RECHECK, (expires_at - now).total_seconds() + 0.01)


async def _first_of(one: asyncio.Event, other: asyncio.Event, seconds: float) -> None:
    tasks = {asyncio.create_task(one.wait()), asyncio.create_task(other.wait())}
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
