"""Which databases are ledgers."""

from __future__ import annotations

from pathlib import Path

import pytest

from placet.engine.errors import SettingsError
from placet.engine.ledger_address import ledger_address
from placet.engine.settings import Settings
from placet.ledger import Ledger, LedgerError


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("foo", "sqlite+aiosqlite:///foo"),
        ("/srv/ledger.db", "sqlite+aiosqlite:////srv/ledger.db"),
        ("sqlite:///kept/ledger.db", "sqlite+aiosqlite:///kept/ledger.db"),
        ("sqlite+pysqlite:///ledger.db", "sqlite+aiosqlite:///ledger.db"),
        ("postgres://p@db/placet", "postgresql+psycopg://p@db/placet"),
        ("postgresql://p@db:5433/placet?sslmode=require", "postgresql+psycopg://p@db:5433/placet?sslmode=require"),
        ("postgresql+asyncpg:///placet", "postgresql+psycopg:///placet"),
    ],
)
def test_a_path_or_a_url_is_a_ledger_with_the_driver_that_is_used_here(text: str, url: str) -> None:
    assert ledger_address(text).render_as_string() == url


@pytest.mark.parametrize(
    "text",
    [
        "mysql://placet:hush@db/placet",
        "sqlite://",
        "sqlite:///:memory:",
        ":memory:",
        "sqlite://hush/ledger.db",
        "sqlite://who:hush@/ledger.db",
        "postgresql://placet:hush@db:port/placet",
        "://hush",
    ],
)
def test_everything_else_is_refused_by_settings_and_ledger_alike_without_a_password(text: str, tmp_path: Path) -> None:
    environment = {"PLACET_LEDGER_URL": text, "PLACET_DATA": str(tmp_path), "TEMPORAL_CONFIG_FILE": "/dev/null"}
    with pytest.raises(SettingsError, match="PLACET_LEDGER_URL") as refused:
        Settings.from_environment(environment)
    with pytest.raises(LedgerError, match="postgresql://user@host/database") as unread:
        Ledger.at(text)
    assert "placet:hush" not in f"{refused.value}{unread.value}"
