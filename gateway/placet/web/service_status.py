"""What keeps decisions from taking effect now: a banner on every page, where it is true."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, cast

from placet.api.health.readiness import Readiness, readiness

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from placet.api.services import Services

FRESH: Final = 5.0
"""Seconds for which a look counts as one of now."""
STALE: Final = 30.0
"""Seconds after which nothing is said of it any more."""
PATIENCE: Final = 0.25
"""Seconds that a page waits for a look."""
TEMPORAL: Final = (
    "Decisions cannot be made now: the workflow service, Temporal, does not answer. What is here is the last known "
    "state; try again when this notice has gone."
)
WORKER: Final = "No worker is running. Decisions are recorded, and take effect as soon as one starts."


class ServiceStatus:
    """Knows what is there, as of a moment ago."""

    def __init__(self, passed: Callable[[], float] = time.monotonic) -> None:
        self._passed = passed
        self._known: tuple[float, Readiness] | None = None
        self._looking: asyncio.Task[None] | None = None

    @property
    def trouble(self) -> str | None:
        """What to tell everybody; None where all is well, or nobody knows."""
        if self._known is None or self._passed() - self._known[0] > STALE:
            return None
        known = self._known[1]
        if not known.temporal.ok:
            return TEMPORAL
        return None if known.worker.ok else WORKER

    async def look(self, services: Services) -> None:
        """Looks, unless somebody has just done so; a page does not wait for what does not answer."""
        if self._known is not None and self._passed() - self._known[0] < FRESH:
            return
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(services))
        await asyncio.wait((self._looking,), timeout=PATIENCE)

    async def _look(self, services: Services) -> None:
        found = await readiness(services.temporal, services.ledger, services.clock, services.sightings)
        self._known = (self._passed(), found)


def service_status_of(request: Request) -> ServiceStatus:
    """Returns the one of the gateway."""
    state = request.app.state
    if not hasattr(state, "service_status"):
        state.service_status = ServiceStatus()
    return cast("ServiceStatus", state.service_status)
