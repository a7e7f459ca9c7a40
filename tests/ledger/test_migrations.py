"""The schema: made once, by whoever comes first, and the same as the tables say."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, column, create_engine, make_url, table, update

from placet.ledger import Ledger, LedgerTooNewError, LedgerUnavailableError
from placet.ledger._migrate import VERSION_TABLE
from placet.ledger._tables import metadata
from placet_testing.ledger_samples import an_approval

_MIGRATE = """
import asyncio, sys
from placet.ledger import Ledger
async def main():
    ledger = Ledger.at(sys.argv[1])
    sys.stdin.read(1)
    await ledger.migrate()
    await ledger.ping()
    await ledger.close()
asyncio.run(main())
"""


def _engine_url(ledger_url: str) -> str:
    return ledger_url.replace("+aiosqlite", "")


def test_the_migrations_make_what_the_tables_say(ledger_url: str) -> None:
    asyncio.run(Ledger.at(ledger_url).migrate())

    def differences(connection: Connection) -> object:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return compare_metadata(context, metadata)

    engine = create_engine(_engine_url(ledger_url))
    with engine.connect() as connection:
        assert differences(connection) == []
    engine.dispose()


async def test_migrating_again_changes_nothing(ledger: Ledger) -> None:
    asked = an_approval()
    await ledger.record(asked, 0, ())
    await ledger.migrate()
    assert await ledger.asked(asked.id) == asked


def test_processes_that_migrate_at_once_all_find_a_ledger(ledger_url: str) -> None:
    command = [sys.executable, "-c", _MIGRATE, ledger_url]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(5)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    for process in processes:
        _, said = process.communicate(timeout=50)
        assert process.returncode == 0, said.decode()


async def test_two_ledgers_of_one_process_migrate_at_once(ledger_url: str, tmp_path: Path) -> None:
    ledgers = [Ledger.at(ledger_url), Ledger.at(str(tmp_path / "one.db")), Ledger.at(str(tmp_path / "two.db"))]
    await asyncio.gather(*(ledger.migrate() for ledger in ledgers for _ in range(2)))
    for ledger in ledgers:
        await ledger.ping()
        await ledger.close()


async def test_a_ledger_of_a_later_version_is_left_alone(ledger: Ledger, ledger_url: str) -> None:
    engine = create_engine(_engine_url(ledger_url))
    with engine.begin() as connection:
        connection.execute(update(table(VERSION_TABLE, column("version_num"))).values(version_num="9999"))
    engine.dispose()
    with pytest.raises(LedgerTooNewError, match="9999"):
        await ledger.migrate()


async def test_without_tables_it_is_unavailable_and_says_what_to_do(ledger_url: str) -> None:
    ledger = Ledger.at(ledger_url)
    with pytest.raises(LedgerUnavailableError, match="no tables yet"):
        await ledger.ping()
    await ledger.migrate()
    await ledger.ping()
    await ledger.close()


async def test_a_file_is_made_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "of 100%" / "deeper" / "ledger.db"
    ledger = Ledger.at(str(path))
    await ledger.migrate()
    await ledger.ping()
    await ledger.close()
    assert make_url(f"sqlite:///{path}").database == str(path)
    assert path.exists()
