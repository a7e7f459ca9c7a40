"""What the gateway's tests share: an app over a real ledger and a Temporal in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from placet.api import create_app
from placet.engine.settings import Settings
from placet.ledger import Ledger
from placet_testing.fake_temporal import FakeClock, FakeTemporal
from placet_testing.gateway import QUICK, FakeConfig, FakePolicy, Site, people


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncGenerator[Ledger]:
    made = Ledger.at(str(tmp_path / "ledger.db"))
    await made.migrate()
    await made.seal_key()
    yield made
    await made.close()


@pytest.fixture
async def make_site(ledger: Ledger, tmp_path: Path) -> AsyncGenerator[Callable[..., Site]]:
    sites: list[Site] = []

    def make(config: FakeConfig | None = None, **replaced: Any) -> Site:
        clock = FakeClock()
        temporal = FakeTemporal(clock, ledger)
        settings = Settings(data=tmp_path, temporal_ui="http://127.0.0.1:8080")
        given: dict[str, Any] = {
            "ledger": ledger,
            "temporal": temporal,
            "clock": clock,
            "limits": QUICK,
            "policy": FakePolicy(),
            **replaced,
        }
        app = create_app(settings, config or FakeConfig(people()), **given)
        site = Site(app, clock, ledger, temporal)
        sites.append(site)
        return site

    yield make
    for site in sites:
        for client in site.clients:
            await client.aclose()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """A gateway with people."""
    return make_site()


@pytest.fixture
def local_site(make_site: Callable[..., Site]) -> Site:
    """A gateway of local mode."""
    return make_site(FakeConfig(None))
