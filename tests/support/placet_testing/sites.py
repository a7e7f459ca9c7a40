"""A gateway in memory as fixtures: an app over a real ledger and a Temporal in memory."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from placet.api import create_app
from placet.contracts.config import Config
from placet.engine.settings import Settings
from placet.ledger import Ledger
from placet_testing.fake_temporal import FakeClock, FakeTemporal
from placet_testing.gateway import QUICK, FakePolicy, Site, config_of, people


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that is ready: migrating one takes longer than most tests."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.db"

    async def migrate() -> None:
        made = Ledger.at(str(path))
        await made.migrate()
        await made.seal_key()
        await made.close()

    asyncio.run(migrate())
    return path


@pytest.fixture
async def ledger(migrated: Path, tmp_path: Path) -> AsyncGenerator[Ledger]:
    path = tmp_path / "ledger.db"
    for part in migrated.parent.glob("ledger.db*"):
        shutil.copy(part, tmp_path / part.name)
    made = Ledger.at(str(path))
    yield made
    await made.close()


@pytest.fixture
async def make_site(ledger: Ledger, tmp_path: Path) -> AsyncGenerator[Callable[..., Site]]:
    sites: list[Site] = []

    def make(config: Config | None = None, *, having: dict[str, Any] | None = None, **replaced: Any) -> Site:
        clock = FakeClock()
        temporal = FakeTemporal(clock, ledger)
        settings = Settings(data=tmp_path, temporal_ui="http://127.0.0.1:8080", **(having or {}))
        given: dict[str, Any] = {
            "ledger": ledger,
            "temporal": temporal,
            "clock": clock,
            "limits": QUICK,
            "policy": FakePolicy(),
            **replaced,
        }
        app = create_app(settings, config or config_of(people()), **given)
        site = Site(app, clock, ledger, temporal)
        sites.append(site)
        return site

    yield make
    for site in sites:
        await site.app.state.services.feed.close()
        for client in site.clients:
            await client.aclose()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """A gateway with people."""
    return make_site()


@pytest.fixture
def local_site(make_site: Callable[..., Site]) -> Site:
    """A gateway of local mode."""
    return make_site(config_of(None))
