"""The small HTTP port on which a worker shows its metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client import Metric as Family
from prometheus_client.registry import Collector

from placet.engine.errors import SettingsError
from placet.engine.settings import Address
from placet.telemetry._ledger_metrics import LedgerMetrics

SETTING: Final = "PLACET_METRICS"


class _ReadAtScrape(Collector):
    """The ledger's figures for the thread that answers scrapes: the ledger lives in the worker's loop."""

    def __init__(self, figures: LedgerMetrics, loop: asyncio.AbstractEventLoop) -> None:
        self._figures = figures
        self._loop = loop

    def describe(self) -> Iterable[Family]:
        """Names nothing: a registry that asks would read what is not there yet."""
        return ()

    def collect(self) -> Iterable[Family]:
        """Yields the figures, read now where they are old."""
        self._figures.refresh_from_thread(self._loop)
        yield from self._figures.collect()


@asynccontextmanager
async def exposed(registry: CollectorRegistry, figures: LedgerMetrics, address: Address) -> AsyncGenerator[None]:
    """Shows the metrics on every path of the address until the block ends.

    Raises:
        SettingsError: Nobody can listen there.
    """
    registry.register(_ReadAtScrape(figures, asyncio.get_running_loop()))
    try:
        server, _ = start_http_server(address.port, address.host, registry)
    except OSError as error:
        raise SettingsError(SETTING, str(address), str(error)) from error
    try:
        yield
    finally:
        # Not in this thread: a scrape that is being answered may wait for this loop.
        await asyncio.to_thread(server.shutdown)
        server.server_close()
