"""Whether what the gateway needs is there now: Temporal, the ledger, and a worker that lives."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, Protocol

from pydantic import BaseModel

from placet.api.errors import TemporalError
from placet.ledger import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from placet.api.decisions.delivery import Clock
    from placet.api.ports import Poller, TaskQueue

LIMIT: Final = 3.0
"""Seconds for each look."""
POLLS_AGAIN_WITHIN: Final = timedelta(seconds=75)
"""A worker's poll ends after 60 s and begins anew; who has not been seen for longer does not live."""
FORGOTTEN_AFTER: Final = timedelta(minutes=5)
"""Temporal lists nobody who has not polled for so long: where it seems to, one of the clocks is wrong."""

_PROCESS: Final = re.compile(r"(?P<pid>\d+)@(?P<host>\S+)$")
"""How workers name themselves: the SDK's default, with or without a name before it."""


class Part(BaseModel):
    """One thing that is needed."""

    ok: bool
    detail: str


class Readiness(BaseModel):
    """Whether the gateway can do its work; each part by its name."""

    status: Literal["ready", "not_ready"]
    temporal: Part
    ledger: Part
    worker: Part


class Pinged(Protocol):
    """What readiness needs of the ledger."""

    async def ping(self) -> None:
        """Raises LedgerError where the ledger does not answer."""
        ...


class Sightings:
    """Tells by the polls themselves whether a worker lives: a clock that is an hour off must not take the gateway down.

    Temporal says by its own clock when each worker polled last. Only at the first sight is that compared with the
    clock here, and only where both can be right; from then on a worker lives as long as what Temporal says of it moves
    on.
    """

    def __init__(self, passed: Callable[[], float] = time.monotonic) -> None:
        self._passed = passed
        self._kept: dict[str, _Sighting] = {}

    def living(self, pollers: Sequence[Poller], now: datetime) -> list[Poller]:
        """Returns those that live, and forgets whom Temporal has forgotten."""
        self._kept = {poller.identity: self._see(poller, now) for poller in pollers}
        return [poller for poller in pollers if self._lives(self._kept[poller.identity]) and _may_live(poller.identity)]

    def _see(self, poller: Poller, now: datetime) -> _Sighting:
        kept = self._kept.get(poller.identity)
        if kept is not None and kept.poll == poller.last_seen:
            return kept
        is_recent = kept is not None or not POLLS_AGAIN_WITHIN < now - poller.last_seen < FORGOTTEN_AFTER
        return _Sighting(poller.last_seen, self._passed(), is_recent)

    def _lives(self, sighting: _Sighting) -> bool:
        return sighting.is_recent and self._passed() - sighting.at <= POLLS_AGAIN_WITHIN.total_seconds()


@dataclass(frozen=True)
class _Sighting:
    """A poll, when it was first heard of, and whether it was a new one then."""

    poll: datetime
    at: float
    is_recent: bool


async def readiness(queue: TaskQueue, ledger: Pinged, clock: Clock, sightings: Sightings) -> Readiness:
    """Returns what is there now."""
    (temporal, worker), record = await asyncio.gather(_temporal_and_worker(queue, clock, sightings), _ledger(ledger))
    everything = temporal.ok and worker.ok and record.ok
    status: Literal["ready", "not_ready"] = "ready" if everything else "not_ready"
    return Readiness(status=status, temporal=temporal, ledger=record, worker=worker)


async def _temporal_and_worker(queue: TaskQueue, clock: Clock, sightings: Sightings) -> tuple[Part, Part]:
    try:
        async with asyncio.timeout(LIMIT):
            pollers = await queue.pollers()
    except (TemporalError, TimeoutError) as error:
        unknown = Part(ok=False, detail="Temporal cannot say")
        return Part(ok=False, detail=str(error) or "no answer"), unknown
    alive = sightings.living(pollers, clock())
    detail = f"{len(alive)} polling" if alive else "nobody polls the task queue"
    return Part(ok=True, detail="reached"), Part(ok=bool(alive), detail=detail)


def _may_live(identity: str) -> bool:
    """Returns False for a worker of this machine whose process is gone: Temporal remembers it for minutes."""
    named = _PROCESS.search(identity)
    if named is None or named["host"] != socket.gethostname():
        return True
    try:
        os.kill(int(named["pid"]), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


async def _ledger(ledger: Pinged) -> Part:
    try:
        async with asyncio.timeout(LIMIT):
            await ledger.ping()
    except (LedgerError, TimeoutError) as error:
        return Part(ok=False, detail=str(error) or "no answer")
    return Part(ok=True, detail="reached")
