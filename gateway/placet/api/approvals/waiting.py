"""Waiting for an approval to end: one look at the ledger's log for everybody who waits in this process."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from placet.ledger import LedgerError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from datetime import datetime

    from placet.api.decisions.delivery import Clock
    from placet.contracts.approvals import Approval
    from placet.contracts.events import Event, EventType

LONGEST: Final = 300.0
"""Seconds that one request waits, at most."""
POLL: Final = 0.25
AFTER_AN_ERROR: Final = 1.0
RECHECK: Final = 5.0
"""Seconds between looks at the approval itself, in case the log did not say."""
BATCH: Final = 500
ENDS: Final[tuple[EventType, ...]] = (
    "approval.decided",
    "approval.expired",
    "approval.cancelled",
    "approval.superseded",
)

_log = structlog.stdlib.get_logger(__name__)


class EventLog(Protocol):
    """What waiting needs of the ledger."""

    async def tail(self) -> str | None:
        """Returns the cursor of the last event."""
        ...

    async def events_after(self, cursor: str | None, limit: int, *, types: Sequence[str] | None = None) -> list[Event]:
        """Returns the events behind a cursor, in the order of the log."""
        ...


class Endings:
    """Wakes who waits for an approval; follows the log only while somebody does."""

    def __init__(self, log: EventLog, poll: float = POLL) -> None:
        self._log = log
        self._poll = poll
        self._waiters: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._follower: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    async def idle(self) -> None:
        """Returns once nothing follows the log."""
        if self._follower is not None:
            await asyncio.wait({self._follower})

    @asynccontextmanager
    async def watching(self, approval_id: str) -> AsyncGenerator[asyncio.Event]:
        """Gives an event that is set whenever the log says that the approval has ended.

        What is read inside is read after the follower's first look at the log, so no end is missed.

        Raises:
            LedgerError: The log cannot be read.
        """
        woken = asyncio.Event()
        self._waiters[approval_id].add(woken)
        try:
            async with self._starting:
                if self._follower is None or self._follower.done():
                    self._follower = asyncio.create_task(self._follow(await self._log.tail()))
            yield woken
        finally:
            self._waiters[approval_id].discard(woken)
            if not self._waiters[approval_id]:
                del self._waiters[approval_id]

    async def _follow(self, cursor: str | None) -> None:
        while self._waiters:
            await asyncio.sleep(self._poll)
            try:
                events = await self._log.events_after(cursor, BATCH, types=ENDS)
            except LedgerError as error:
                _log.warning("log_not_followed", error=str(error))
                await asyncio.sleep(AFTER_AN_ERROR)
                continue
            for event in events:
                for woken in self._waiters.get(event.approval_id or "", ()):
                    woken.set()
            cursor = events[-1].id if events else cursor


async def until_ended(
    endings: Endings,
    read: Callable[[], Awaitable[Approval]],
    seconds: float,
    *,
    approval_id: str,
    clock: Clock,
    stopping: asyncio.Event,
) -> Approval | None:
    """Returns the approval once it has ended, or None when the time is over or the process stops.

    Args:
        endings: Who wakes us.
        read: Reads the approval.
        seconds: How long to wait.
        approval_id: Of the approval.
        clock: The time by which the deadline passes.
        stopping: Set when the process stops.
    """
    loop = asyncio.get_running_loop()
    give_up = loop.time() + seconds
    async with endings.watching(approval_id) as woken:
        while True:
            approval = await read()
            if approval.status != "pending":
                return approval
            left = give_up - loop.time()
            if left <= 0 or stopping.is_set():
                return None
            woken.clear()
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
