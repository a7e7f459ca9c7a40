"""Whether what the gateway needs is there now: Temporal, the ledger, and a worker that lives."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, Protocol

from pydantic import BaseModel

from placet.api.errors import TemporalError
from placet.ledger import LedgerError

if TYPE_CHECKING:
    from placet.api.decisions.delivery import Clock
    from placet.api.ports import TaskQueue

LIMIT: Final = 3.0
"""Seconds for each look."""
POLLS_AGAIN_WITHIN: Final = timedelta(seconds=75)
"""A worker's poll ends after 60 s and begins anew; who has not been seen for longer does not live."""

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


async def readiness(queue: TaskQueue, ledger: Pinged, clock: Clock) -> Readiness:
    """Returns what is there now."""
    (temporal, worker), record = await asyncio.gather(_temporal_and_worker(queue, clock), _ledger(ledger))
    everything = temporal.ok and worker.ok and record.ok
    status: Literal["ready", "not_ready"] = "ready" if everything else "not_ready"
    return Readiness(status=status, temporal=temporal, ledger=record, worker=worker)


async def _temporal_and_worker(queue: TaskQueue, clock: Clock) -> tuple[Part, Part]:
    try:
        async with asyncio.timeout(LIMIT):
            pollers = await queue.pollers()
    except (TemporalError, TimeoutError) as error:
        unknown = Part(ok=False, detail="Temporal cannot say")
        return Part(ok=False, detail=str(error) or "no answer"), unknown
    oldest = clock() - POLLS_AGAIN_WITHIN
    alive = [poller for poller in pollers if poller.last_seen >= oldest and _may_live(poller.identity)]
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
