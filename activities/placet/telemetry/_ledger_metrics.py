"""What the ledger says to who watches it, asked at a scrape and kept for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import structlog
from prometheus_client import Metric as Family
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from placet.ledger import OVERDUE, LedgerError, PendingFigure
from placet.telemetry.catalogue import (
    AGES,
    APPROVALS_OLDEST,
    APPROVALS_OVERDUE,
    APPROVALS_PENDING,
    LEDGER_FAILURES,
    Metric,
    Names,
)

KEPT: Final = timedelta(seconds=10)
"""How often the ledger is asked, at most."""
LIMIT: Final = timedelta(seconds=3)
"""How long a scrape waits for the ledger."""

_log = structlog.get_logger("placet.telemetry")


class Watched(Protocol):
    """What is read of the ledger."""

    @property
    def times_unavailable(self) -> int:
        """How often it could not be used."""
        ...

    async def pending(self, ages: Mapping[str, timedelta | None], now: datetime) -> list[PendingFigure]:
        """Returns how many approvals wait."""
        ...


class Ledger(Protocol):
    """Whose figures these are."""

    @property
    def figures(self) -> Watched:
        """What it says of itself."""
        ...


def _utc_now() -> datetime:
    return datetime.now(UTC)


class LedgerMetrics(Collector):
    """The ledger's figures.

    Where the ledger does not answer they are left out: no figure is better than an old one that looks new.
    """

    def __init__(self, ledger: Ledger, agents: Names, clock: Callable[[], datetime] = _utc_now) -> None:
        """Asks this ledger.

        Args:
            ledger: Whose figures.
            agents: Which agents have a label of their own; anybody may ask under any name.
            clock: Tells the time from which ages are counted.
        """
        self._ledger = ledger
        self._agents = agents
        self._clock = clock
        self._read_at: datetime | None = None
        self._figures: Sequence[PendingFigure] | None = None
        self._reading = asyncio.Lock()

    async def refresh(self) -> None:
        """Asks the ledger, unless it was asked a moment ago."""
        async with self._reading:
            now = self._clock()
            if self._read_at is not None and now - self._read_at < KEPT:
                return
            self._read_at = now
            self._figures = await self._read(now)

    def refresh_from_thread(self, loop: asyncio.AbstractEventLoop) -> None:
        """Does the same for a scrape that another thread answers."""
        asking = asyncio.run_coroutine_threadsafe(self.refresh(), loop)
        try:
            asking.result(2 * LIMIT.total_seconds())
        except TimeoutError:
            asking.cancel()

    def describe(self) -> Iterable[Family]:
        """Names nothing: a registry that asks would read what is not there yet."""
        return ()

    def collect(self) -> Iterable[Family]:
        """Yields the figures as they were read last."""
        yield _family(LEDGER_FAILURES, {(): self._ledger.figures.times_unavailable})
        if self._figures is None:
            return
        waiting = [figure for figure in self._figures if figure.age != OVERDUE]
        overdue = [figure for figure in self._figures if figure.age == OVERDUE]
        yield _family(APPROVALS_PENDING, self._sums(waiting, lambda one: (one.kind, one.age)))
        yield _family(APPROVALS_OVERDUE, self._sums(overdue, lambda one: (one.kind,)))
        oldest = min((figure.oldest for figure in waiting), default=None)
        waited = (self._read_at - oldest).total_seconds() if oldest and self._read_at else 0.0
        yield _family(APPROVALS_OLDEST, {(): max(0.0, waited)})

    async def _read(self, now: datetime) -> Sequence[PendingFigure] | None:
        try:
            async with asyncio.timeout(LIMIT.total_seconds()):
                return await self._ledger.figures.pending(AGES, now)
        except (LedgerError, TimeoutError) as error:
            _log.warning("metrics.ledger_not_read", error=str(error))
            return None

    def _sums(
        self, figures: Iterable[PendingFigure], named: Callable[[PendingFigure], tuple[str, ...]]
    ) -> dict[tuple[str, ...], float]:
        sums: dict[tuple[str, ...], float] = {}
        for figure in figures:
            labels = (self._agents(figure.agent), *named(figure))
            sums[labels] = sums.get(labels, 0) + figure.count
        return sums


def _family(metric: Metric, samples: Mapping[tuple[str, ...], float]) -> Family:
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.help, labels=metric.labels)
    for labels, value in samples.items():
        family.add_metric(labels, value)
    return family
