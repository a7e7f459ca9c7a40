"""Connections to SQLite and PostgreSQL, and what their errors mean."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncGenerator
from typing import Any, Final

from sqlalchemy import URL, ExceptionContext, event
from sqlalchemy.exc import DataError as RefusedDataError
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.exc import IntegrityError as RefusedRowError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from placet.engine.ledger_address import ledger_address
from placet.ledger._sqlite import begin_to_read, connect, connect_to_read, is_locked
from placet.ledger.errors import LedgerError, LedgerUnavailableError

LIMIT_SECONDS: Final = 5.0
"""No call of the ledger takes longer, but for what a driver needs to let go of a connection."""
_LOCK_MILLISECONDS: Final = 3_500
"""How long a writer waits for another one."""
_READERS: Final = 4
_POSTGRES_CONNECTIONS: Final = 8
_POSTGRES: Final = {
    "application_name": "placet",
    "connect_timeout": 3,
    # A server that has vanished from the network is noticed before the call's own limit.
    "tcp_user_timeout": 4_000,
    "keepalives_idle": 10,
    "options": " ".join(
        (
            "-c statement_timeout=4500",
            f"-c lock_timeout={_LOCK_MILLISECONDS}",
            "-c idle_in_transaction_session_timeout=15000",
            "-c timezone=UTC",
        )
    ),
}
_UNDEFINED_TABLE: Final = "42P01"
_READ_ONLY_TRANSACTION: Final = "25006"


class Database:
    """Two pools on one database: writers one after the other, readers beside them."""

    def __init__(self, url: str) -> None:
        """Connects at the first use.

        Args:
            url: A path of SQLite, or a SQLAlchemy URL of SQLite or PostgreSQL, with or without a driver.

        Raises:
            LedgerError: It is neither, or the driver is not there.
        """
        self.url = _address(url)
        self.times_unavailable = 0
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        try:
            self._writer = self._sqlite(writes=True) if self.is_sqlite else self._postgres()
        except ModuleNotFoundError as error:
            message = f"The driver {error.name} is not installed: pip install 'placet[postgres]'."
            raise LedgerError(message) from error
        self._reader = self._sqlite(writes=False) if self.is_sqlite else self._snapshots(self._writer)

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncConnection]:
        """Opens a transaction that writes; it is committed where the block ends without an error.

        Raises:
            LedgerUnavailableError: The database cannot be used now, or the answer to the commit was lost.
        """
        async with self._counted(), self._writer.begin() as connection:
            if self.is_sqlite:
                await _begin_immediate(connection)
            yield connection

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection]:
        """Opens a transaction that reads one state of the database.

        Raises:
            LedgerUnavailableError: The database cannot be used now.
        """
        async with self._counted(), self._reader.connect() as connection:
            yield connection

    async def close(self) -> None:
        """Closes every connection."""
        await self._reader.dispose()
        await self._writer.dispose()

    @contextlib.asynccontextmanager
    async def _counted(self) -> AsyncGenerator[None]:
        try:
            async with _bounded():
                yield
        except LedgerUnavailableError:
            self.times_unavailable += 1
            raise

    def _sqlite(self, *, writes: bool) -> AsyncEngine:
        engine = create_async_engine(
            self.url,
            pool_size=1 if writes else _READERS,
            max_overflow=0,
            pool_timeout=LIMIT_SECONDS,
            connect_args={"async_creator_fn": connect}
            if writes
            else {"async_creator_fn": connect_to_read, "timeout": _LOCK_MILLISECONDS / 1000},
        )
        event.listen(engine.sync_engine, "connect", _prepare_writer if writes else _prepare_reader)
        if not writes:
            event.listen(engine.sync_engine, "begin", begin_to_read)
        return engine

    def _postgres(self) -> AsyncEngine:
        engine = create_async_engine(
            self.url,
            pool_size=_POSTGRES_CONNECTIONS,
            max_overflow=0,
            pool_timeout=LIMIT_SECONDS,
            pool_pre_ping=True,
            connect_args=_POSTGRES,
        )
        event.listen(engine.sync_engine, "handle_error", _let_go_of_what_cannot_write)
        return engine

    def _snapshots(self, engine: AsyncEngine) -> AsyncEngine:
        """Returns the same pool for transactions that see one state and change nothing."""
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _address(url: str) -> URL:
    try:
        return ledger_address(url)
    except ValueError as error:
        message = f"The ledger's address is wrong: {error}."
        raise LedgerError(message) from error


def _prepare_writer(connection: Any, record: object) -> None:  # noqa: ANN401 - the driver's
    del record
    # The driver must not begin transactions by itself.
    connection.isolation_level = None
    _pragmas(connection, "synchronous=FULL", "foreign_keys=ON")


def _prepare_reader(connection: Any, record: object) -> None:  # noqa: ANN401 - the driver's
    del record
    connection.isolation_level = None
    _pragmas(connection, "query_only=ON")


def _pragmas(connection: Any, *settings: str) -> None:  # noqa: ANN401 - the driver's
    cursor = connection.cursor()
    for setting in settings:
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _let_go_of_what_cannot_write(context: ExceptionContext) -> None:
    """Lets the pool connect anew: a session that began while the database took no writes would never take one."""
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY_TRANSACTION:
        context.is_disconnect = True


async def _begin_immediate(connection: AsyncConnection) -> None:
    """Begins to write; where another process does, it waits in a way that a caller can give up."""
    give_up = time.monotonic() + _LOCK_MILLISECONDS / 1000
    while True:
        try:
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            if not is_locked(error.orig) or time.monotonic() > give_up:
                raise
            # A caller may give up here.
            await asyncio.sleep(0)
        else:
            return


@contextlib.asynccontextmanager
async def _bounded() -> AsyncGenerator[None]:
    """Ends what takes too long, and says what the database's errors mean for who calls.

    Raises:
        LedgerUnavailableError: Trying again may help.
        LedgerError: It will not: what was to be written is not what the tables take.
    """
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            yield
    except (TimeoutError, PoolTimeoutError) as error:
        message = f"no answer within {LIMIT_SECONDS:g} s"
        raise LedgerUnavailableError(message) from error
    except (RefusedRowError, RefusedDataError) as error:
        message = f"The ledger refused a row: {_first_line(error.orig)}"
        raise LedgerError(message) from error
    except DBAPIError as error:
        raise _meaning_of(error) from error
    except (OSError, sqlite3.Error) as error:
        raise LedgerUnavailableError(_first_line(error)) from error


def _meaning_of(error: DBAPIError) -> LedgerError:
    reason = _first_line(error.orig)
    missing = getattr(error.orig, "sqlstate", None) == _UNDEFINED_TABLE or "no such table" in reason
    if missing:
        return LedgerUnavailableError("it has no tables yet; `placet worker`, `gateway` and `up` make them")
    if isinstance(error, ProgrammingError):
        return LedgerError(f"The ledger did not understand: {reason}")
    return LedgerUnavailableError(reason)


def _first_line(error: BaseException | None) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
