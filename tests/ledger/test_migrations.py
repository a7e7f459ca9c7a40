"""The schema: made once, by whoever comes first, and the same as the tables say."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
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
    print("ready", flush=True)
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


def migrating(ledger_url: str) -> subprocess.Popen[str]:
    """Starts a process that migrates when it is told to."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", _MIGRATE, ledger_url]
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def tell(*processes: subprocess.Popen[str]) -> None:
    """Tells processes to migrate now, once all of them are ready."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()


def test_processes_that_migrate_at_once_all_find_a_ledger(ledger_url: str) -> None:
    processes = [migrating(ledger_url) for _ in range(5)]
    tell(*processes)
    for process in processes:
        _, said = process.communicate(timeout=50)
        assert process.returncode == 0, said


def test_a_process_killed_while_it_migrates_leaves_all_or_nothing(ledger_url: str) -> None:
    for delay in (0.0, 0.01, 0.03, 0.06, 0.1):
        process = migrating(ledger_url)
        tell(process)
        # Wherever it is by then: before, in the middle, or after.
        time.sleep(delay)
        process.kill()
        process.communicate(timeout=20)
    test_the_migrations_make_what_the_tables_say(ledger_url)


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
