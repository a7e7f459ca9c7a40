"""A connection to SQLite that goes to its thread once for each statement.

The driver's own goes there for making a cursor, for executing, for fetching and for closing. Each way there and back
takes longer than a statement that finds a row by its key.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import Any, Self

import aiosqlite


class _Statement:
    """What SQLAlchemy takes for the driver's cursor: one statement and all of its rows."""

    arraysize = 1

    def __init__(self, connection: _Connection) -> None:
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self._connection = connection
        self._rows: list[Any] = []

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Self:
        """Executes a statement and takes its rows."""
        await self._connection.there(partial(self._execute, sql, parameters))
        return self

    async def executemany(self, sql: str, parameters: Sequence[Sequence[Any]]) -> Self:
        """Executes a statement once for each of the parameters."""
        await self._connection.there(partial(self._execute_many, sql, parameters))
        return self

    async def fetchall(self) -> list[Any]:
        """Returns the rows that were not fetched before."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Forgets the rows."""
        self._rows = []

    def _execute(self, sql: str, parameters: Sequence[Any], connection: sqlite3.Connection) -> None:
        self._take(connection.execute(sql, parameters))

    def _execute_many(self, sql: str, parameters: Sequence[Sequence[Any]], connection: sqlite3.Connection) -> None:
        self._take(connection.executemany(sql, parameters))

    def _take(self, cursor: sqlite3.Cursor) -> None:
        self.description = cursor.description
        self._rows = cursor.fetchall() if cursor.description else []
        # Only now: what a statement that returns rows has changed is counted with its last row.
        self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        cursor.close()


class _Connection(aiosqlite.Connection):
    """The driver's connection with our statements."""

    def cursor(self) -> _Statement:  # pyright: ignore[reportIncompatibleMethodOverride] - as SQLAlchemy calls it
        """Returns a statement that was not executed yet."""
        return _Statement(self)

    async def there(self, work: Any) -> None:  # noqa: ANN401 - takes the connection of the standard library
        """Does something in the connection's thread."""
        await self._execute(lambda: work(self._conn))  # pyright: ignore[reportUnknownMemberType]


async def connect(database: str, **options: Any) -> aiosqlite.Connection:  # noqa: ANN401 - of the standard library
    """Returns an open connection."""
    made = _Connection(partial(sqlite3.connect, database, **options), iter_chunk_size=64)
    # A process may end while a statement runs.
    made._thread.daemon = True  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - as SQLAlchemy does
    return await made
