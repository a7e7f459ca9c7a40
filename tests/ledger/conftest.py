"""Every test of the ledger runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from placet.ledger import Ledger


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def ledger(ledger_url: str) -> AsyncIterator[Ledger]:
    """A ledger with nothing in it."""
    ledger = Ledger.at(ledger_url)
    await ledger.migrate()
    yield ledger
    await ledger.close()


@pytest.fixture
async def another(ledger_url: str) -> AsyncIterator[Callable[[], Ledger]]:
    """Opens the same database once more, as another process does."""
    opened: list[Ledger] = []

    def open_it() -> Ledger:
        opened.append(Ledger.at(ledger_url))
        return opened[-1]

    yield open_it
    for ledger in opened:
        await ledger.close()
