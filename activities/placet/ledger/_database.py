"""Connections to SQLite and PostgreSQL, and what their errors mean."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncGenerator
from typing import Final

from sqlalchemy import Connection, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from placet.ledger.errors import LedgerUnavailableError

LIMIT_SECONDS: Final = 6.0
"""No call of the ledger takes longer."""
_BUSY_MILLISECONDS: Final = 4_000
_POSTGRES_OPTIONS: Final = "-c statement_timeout=5000 -c lock_timeout=4000 -c timezone=UTC"


class Database:
    """Two pools on one database: writers one after the other, readers beside them."""

    def __init__(self, url: str) -> None:
        """Connects at the first use.

        Args:
            url: A SQLAlchemy URL; `sqlite:///…` and `postgresql://…` are given their async drivers.
        """
        parsed = make_url(url if "://" in url else f"sqlite:///{url}")
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        driver = "sqlite+aiosqlite" if self.is_sqlite else "postgresql+psycopg"
        self.url = parsed.set(drivername=driver)
        self._writer = self._engine(writes=True)
        self._reader = self._engine(writes=False)

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncGenerator[AsyncConnection]:
        """Opens a transaction that writes; it is committed where the block ends without an error.

        Raises:
            LedgerUnavailableError: The database takes nothing now; the transaction did not happen.
        """
        async with _bounded(), self._writer.begin() as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncGenerator[AsyncConnection]:
        """Opens a transaction that reads one state of the database.

        Raises:
            LedgerUnavailableError: The database gives nothing now.
        """
        async with _bounded(), self._reader.connect() as connection:
            yield connection

    async def close(self) -> None:
        """Closes every connection."""
        await self._writer.dispose()
        await self._reader.dispose()

    def _engine(self, *, writes: bool) -> AsyncEngine:
        if not self.is_sqlite:
            return create_async_engine(
                self.url,
                pool_size=8,
                pool_timeout=LIMIT_SECONDS,
                pool_pre_ping=True,
                connect_args={"connect_timeout": 3, "options": _POSTGRES_OPTIONS},
            )
        engine = create_async_engine(
            self.url,
            pool_size=1 if writes else 4,
            max_overflow=0,
            pool_timeout=LIMIT_SECONDS,
            connect_args={"timeout": _BUSY_MILLISECONDS / 1000},
        )
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_immediate if writes else _begin)
        return engine


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    """Sets up a SQLite connection; the driver must not begin transactions by itself."""
    del record
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
    with contextlib.suppress(sqlite3.OperationalError):
        cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


@contextlib.asynccontextmanager
async def _bounded() -> AsyncGenerator[None]:
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            yield
    except (TimeoutError, PoolTimeoutError, OSError) as error:
        reason = f"no answer in time ({type(error).__name__})"
        raise LedgerUnavailableError(reason) from error
    except (DBAPIError, sqlite3.Error) as error:
        raise LedgerUnavailableError(str(getattr(error, "orig", error))) from error
