"""Following a thread until it rests: until all that is open waits for people, or the run has ended."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import structlog

from placet.langgraph_api.threads.snapshot import snapshot_of
from placet.ledger import LedgerError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Generator, Sequence

    from placet.api.identity import Caller
    from placet.api.services import Services
    from placet.contracts.events import Event
    from placet.langgraph_api.threads.snapshot import Snapshot
    from placet.ledger import ThreadRow

BEAT: Final = 5.0
"""Seconds between two signs of life; clients that saw two of them miss the third after three times as long."""
_BEGIN: Final = 1.0
"""Seconds that the follower of the log has to find it; where the ledger is down, looking again must do."""
_AGAIN: Final = 0.5
"""Seconds until the ledger is asked again."""
_GRAPH: Final = 1.0
"""Seconds between looks at a graph of which one branch goes on while another waits: no event tells of its rest."""
_CHECK: Final = 1.0
"""Seconds between looks at whether the caller may still follow."""

_log = structlog.stdlib.get_logger(__name__)


async def following(
    services: Services, caller: Caller, thread: ThreadRow, answered: Collection[str] = (), *, stays: bool = False
) -> AsyncGenerator[Snapshot | None]:
    """Yields the thread after each of its events, and None after each silence.

    Ends behind the snapshot in which the thread rests, unless the caller stays; where the caller's key or session is
    revoked or runs out; and where the process stops.

    Args:
        services: Where to look.
        caller: Who follows.
        thread: The thread.
        answered: What the caller has just decided on.
        stays: Whether to wait for what goes on from there, the next run included.
    """
    if services.stopping.is_set():
        return
    woken, loop = asyncio.Event(), asyncio.get_running_loop()
    run_id, quiet_since = "", loop.time()

    def hear(events: Sequence[Event]) -> None:
        if any(not run_id or event.run_id == run_id or _starts_on(thread, event) for event in events):
            woken.set()

    with services.feed.listening(hear), _watched(services, caller) as gone:
        with suppress(TimeoutError):
            async with asyncio.timeout(_BEGIN):
                await services.feed.begun()
        while not services.stopping.is_set() and not gone.is_set():
            # Before the reading: what is told of while it is read must wake who goes to sleep after it.
            woken.clear()
            try:
                snapshot = await snapshot_of(services, caller, thread, answered)
            except LedgerError as error:
                _log.warning("thread_not_followed", error=str(error))
                await asyncio.sleep(_AGAIN)
                continue
            run_id = snapshot.run.id if snapshot.run else ""
            yield snapshot
            if snapshot.resting and not stays:
                return
            partly = not snapshot.resting and snapshot.run is not None and bool(snapshot.run.pending)
            if await _any_of(woken, gone, services.stopping, seconds=_GRAPH if partly else BEAT):
                quiet_since = loop.time()
            elif loop.time() - quiet_since >= BEAT - _GRAPH / 2:
                quiet_since = loop.time()
                yield None


def _starts_on(thread: ThreadRow, event: Event) -> bool:
    return event.type == "run.started" and event.data.get("thread_id") == thread.id


@contextmanager
def _watched(services: Services, caller: Caller) -> Generator[asyncio.Event]:
    """Gives an event that is set once the caller may not be here any more."""
    gone = asyncio.Event()

    async def watch() -> None:
        while not gone.is_set():
            await asyncio.sleep(_CHECK)
            try:
                if await services.auth.admission.gone((caller,)):
                    gone.set()
            except LedgerError as error:
                _log.warning("admission_not_checked", error=str(error))

    watching = asyncio.create_task(watch())
    try:
        yield gone
    finally:
        watching.cancel()


async def _any_of(*events: asyncio.Event, seconds: float) -> bool:
    """Returns whether one of several things happened before the time was over."""
    tasks = {asyncio.create_task(event.wait()) for event in events}
    try:
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)
    finally:
        for task in tasks:
            task.cancel()
