"""A ledger that cannot be used says so within seconds, and works again when it can."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from placet.contracts.records import RequestedEntry
from placet.ledger import ApprovalQuery, Ledger, LedgerError, LedgerUnavailableError
from placet_testing.ledger_samples import NOON, an_approval

ASKED = (RequestedEntry(),)
END_SESSIONS = (
    b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    b" WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
PATIENCE = 6.5
"""Seconds: five, and what a busy machine needs to let go of a connection."""


async def write(ledger: Ledger) -> None:
    await ledger.record(an_approval(), 0, ASKED)


async def fails(action: Callable[[], object], seconds: float = PATIENCE) -> str:
    began = time.monotonic()
    with pytest.raises(LedgerUnavailableError) as caught:
        await action()  # pyright: ignore[reportGeneralTypeIssues]
    assert time.monotonic() - began < seconds
    return str(caught.value)


class TestSqlite:
    """A file."""

    @pytest.fixture
    async def path(self, tmp_path: Path) -> Path:
        """A ledger with one approval."""
        ledger = Ledger.at(str(tmp_path / "ledger.db"))
        await ledger.migrate()
        await write(ledger)
        await ledger.close()
        return tmp_path / "ledger.db"

    @pytest.fixture
    async def ledger(self, path: Path) -> AsyncIterator[Ledger]:
        """The ledger at that path."""
        ledger = Ledger.at(str(path))
        yield ledger
        await ledger.close()

    async def test_a_writer_waits_for_another_and_reads_go_on(self, ledger: Ledger, path: Path) -> None:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(write(ledger))
        assert len((await ledger.approvals(ApprovalQuery(), NOON)).items) == 1
        assert not waiting.done()
        other.execute("COMMIT")
        other.close()
        await waiting
        assert len((await ledger.approvals(ApprovalQuery(), NOON)).items) == 2

    async def test_a_lock_that_stays_is_an_error_and_wedges_nothing(self, ledger: Ledger, path: Path) -> None:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        said = await asyncio.gather(*(fails(lambda: write(ledger)) for _ in range(3)))
        assert any("locked" in one for one in said)
        assert len((await ledger.approvals(ApprovalQuery(), NOON)).items) == 1
        other.execute("COMMIT")
        other.close()
        await write(ledger)
        assert len((await ledger.approvals(ApprovalQuery(), NOON)).items) == 2

    async def test_a_caller_who_gives_up_wedges_nothing(self, ledger: Ledger, path: Path) -> None:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await write(ledger)
        assert time.monotonic() - began < 1
        other.execute("COMMIT")
        other.close()
        await write(ledger)

    async def test_a_full_disk_is_an_error_and_nothing_is_half_written(self, path: Path) -> None:
        ledger = Ledger.at(str(path))
        with sqlite3.connect(path) as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.close()
        before = (await ledger.events_after(None), await ledger.count_approvals(ApprovalQuery(), NOON))
        async with ledger._database.write() as inside:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            await inside.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
        big = an_approval(title="x" * 500, metadata={"much": "x" * 100_000})
        assert "full" in await fails(lambda: ledger.record(big, 0, ASKED))
        assert (await ledger.events_after(None), await ledger.count_approvals(ApprovalQuery(), NOON)) == before
        await ledger.close()

    async def test_a_file_that_is_no_database_is_an_error(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.db"
        path.write_bytes(b"This is a letter to a friend. " * 100)
        ledger = Ledger.at(str(path))
        assert "not a database" in await fails(ledger.migrate)
        assert "not a database" in await fails(ledger.ping)
        assert "not a database" in await fails(lambda: write(ledger))
        await ledger.close()

    async def test_a_file_that_is_read_only_can_be_read(self, path: Path) -> None:
        ledger = Ledger.at(f"sqlite:///file:{path}?mode=ro&uri=true")
        assert len((await ledger.approvals(ApprovalQuery(), NOON)).items) == 1
        assert "readonly" in await fails(lambda: write(ledger))
        await ledger.close()

    async def test_a_folder_that_is_not_there_is_an_error(self, tmp_path: Path) -> None:
        ledger = Ledger.at(str(tmp_path / "none" / "ledger.db"))
        assert "unable to open" in await fails(ledger.ping)
        await ledger.close()
        # The driver's thread says goodbye to this test's event loop.
        for thread in threading.enumerate():
            if "_connection_worker_thread" in thread.name:
                await asyncio.to_thread(thread.join)

    async def test_readers_cannot_write(self, ledger: Ledger) -> None:
        with pytest.raises(LedgerError, match="readonly"):
            async with ledger._database.read() as connection:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
                await connection.exec_driver_sql("DELETE FROM events")

    async def test_what_is_committed_survives_a_power_cut(self, ledger: Ledger) -> None:
        """FULL: a commit returns when the disk has it. WAL: who reads is not in the way."""
        async with ledger._database.write() as connection:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            settings = [
                (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
        assert settings == ["wal", 2, 1]


class TestPostgres:
    """A server."""

    @pytest.fixture
    async def ledger(self, postgres_url: str) -> AsyncIterator[Ledger]:
        """A ledger with one approval."""
        ledger = Ledger.at(postgres_url)
        await ledger.migrate()
        await write(ledger)
        yield ledger
        await ledger.close()

    @pytest.fixture
    async def other(self, postgres_url: str) -> AsyncIterator[psycopg.AsyncConnection]:
        """Somebody else's connection to the same database."""
        address = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
        async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
            yield connection

    async def test_a_lock_that_stays_is_an_error_and_wedges_nothing(
        self, ledger: Ledger, other: psycopg.AsyncConnection
    ) -> None:
        async with other.transaction():
            await other.execute("LOCK TABLE events IN EXCLUSIVE MODE")
            said = await asyncio.gather(*(fails(lambda: write(ledger)) for _ in range(3)))
            assert any("lock timeout" in one or "statement timeout" in one for one in said)
            assert len((await ledger.approvals(ApprovalQuery(), NOON)).items) == 1
        await write(ledger)
        assert len((await ledger.approvals(ApprovalQuery(), NOON)).items) == 2

    async def test_a_database_that_takes_no_writes_can_be_read(
        self, ledger: Ledger, other: psycopg.AsyncConnection
    ) -> None:
        name = (await (await other.execute("SELECT current_database()")).fetchone() or ("",))[0]
        await other.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'.encode())
        fresh = Ledger.at(str(ledger._database.url))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        assert "read-only" in await fails(lambda: write(fresh))
        assert len((await fresh.approvals(ApprovalQuery(), NOON)).items) == 1
        await fresh.close()

    async def test_connections_that_died_are_replaced(self, ledger: Ledger, other: psycopg.AsyncConnection) -> None:
        await asyncio.gather(*(write(ledger) for _ in range(4)))
        await other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'placet'")
        await asyncio.gather(*(write(ledger) for _ in range(4)))
        assert len((await ledger.approvals(ApprovalQuery(), NOON)).items) == 9

    async def test_a_connection_that_dies_in_a_transaction_is_an_error(
        self, ledger: Ledger, other: psycopg.AsyncConnection
    ) -> None:
        async with other.transaction():
            await other.execute("LOCK TABLE events IN EXCLUSIVE MODE")
            waiting = asyncio.create_task(fails(lambda: write(ledger)))
            held = "SELECT pid, pg_sleep(0.01) FROM pg_stat_activity WHERE wait_event = 'relation'"
            while await (await other.execute(held)).fetchone() is None:
                pass
            kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'placet'"
            await other.execute(kill)
            await waiting
        assert len((await ledger.approvals(ApprovalQuery(), NOON)).items) == 1

    async def test_readers_cannot_write(self, ledger: Ledger) -> None:
        with pytest.raises(LedgerUnavailableError, match="read-only"):
            async with ledger._database.read() as connection:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
                await connection.exec_driver_sql("DELETE FROM events")

    async def test_a_caller_who_gives_up_wedges_nothing(self, ledger: Ledger, other: psycopg.AsyncConnection) -> None:
        async with other.transaction():
            await other.execute("LOCK TABLE events IN EXCLUSIVE MODE")
            for _ in range(10):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await write(ledger)
        await asyncio.gather(*(write(ledger) for _ in range(10)))

    async def test_sessions_of_a_time_without_writes_do_not_outlast_it(
        self, ledger: Ledger, other: psycopg.AsyncConnection, postgres_url: str
    ) -> None:
        """As after a failover, or where a provider stops writes on a full disk: a session keeps what it began with."""
        name = make_url(postgres_url).database
        await other.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'.encode())
        await other.execute(END_SESSIONS)
        said = await asyncio.gather(*(fails(lambda: write(ledger)) for _ in range(8)))
        assert all("read-only" in one for one in said)
        assert len((await ledger.approvals(ApprovalQuery(), NOON)).items) == 1
        await other.execute("SET default_transaction_read_only = off")
        await other.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only'.encode())
        await write(ledger)
        assert len((await ledger.approvals(ApprovalQuery(), NOON)).items) == 2


async def test_a_server_that_is_not_there_is_an_error(unused_tcp_port: int) -> None:
    ledger = Ledger.at(f"postgresql://placet:secret@127.0.0.1:{unused_tcp_port}/placet")
    for action in (ledger.ping, ledger.migrate, lambda: write(ledger)):
        assert "secret" not in await fails(action)
    await ledger.close()


async def test_a_server_that_says_nothing_is_an_error() -> None:
    """Somebody listens and never answers: a firewall, a stopped process."""
    held: list[asyncio.StreamWriter] = []

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)
        await asyncio.sleep(60)

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    ledger = Ledger.at(f"postgresql://placet@127.0.0.1:{port}/placet")
    await fails(ledger.ping)
    await fails(lambda: write(ledger))
    await ledger.close()
    for writer in held:
        writer.close()
    server.close()
