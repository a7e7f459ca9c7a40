"""A connection to SQLite that goes to its thread once for each statement.

The driver's own goes there for making a cursor, for executing, for fetching and for closing. Each way there and back
takes longer than a statement that finds a row by its key.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable, Sequence
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final, Self, cast

import aiosqlite
from sqlalchemy import Connection

_Work = SimpleQueue[tuple[asyncio.Future[Any] | None, Callable[[], Any]]]
"""What a connection's thread is given: who waits for the result, and what is to be done."""

_TRY_SECONDS: Final = 0.1
"""How long a thread that cannot be called back waits for the lock."""
_LOOK_SECONDS: Final = 0.0005
_LAST: Final = object()
"""What the last thing that a connection's thread does returns."""
_PRIMARY_CODE: Final = 0xFF
"""The bits of an error code of SQLite that say what it is; the others say of which kind."""


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

    def stop(self) -> None:
        """Closes the connection in its thread and ends that, after what it was given before; nobody waits for it."""
        self._running = False
        _queue(self).put_nowait((None, self._close_there))

    def _close_there(self) -> object:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        return _LAST

    def __del__(self) -> None:
        """Closes what nobody has: SQLAlchemy drops a connection whose opener was cancelled before it was theirs."""
        if self._connection is not None:
            _queue(self).put_nowait((None, partial(_close, self._connection)))


class _Writer(_Connection):
    """A connection that writes, and does not give way to a neighbour that writes without a break.

    SQLite itself looks after the lock with longer and longer pauses, and between two transactions of another process it
    is free for less than a millisecond.
    """

    async def there(self, work: Any) -> None:  # noqa: ANN401 - takes the connection of the standard library
        """Does something in the connection's thread, as soon as nobody else writes."""
        await super().there(partial(_as_soon_as_free, work))


class _Reader(_Connection):
    """A connection that only reads: its transaction begins with its first statement, and nobody waits for its end."""

    _begins = False

    def begin(self) -> None:
        """Begins a transaction, on the way of the next statement."""
        self._begins = True

    async def there(self, work: Any) -> None:  # noqa: ANN401 - takes the connection of the standard library
        """Does something in the connection's thread, in the transaction."""
        begins, self._begins = self._begins, False
        await super().there(partial(_first_begin, work) if begins else work)

    async def rollback(self) -> None:
        """Lets go of what was read; the next statement is done after it, in the same thread."""
        self._begins = False
        self._tx.put_nowait((None, self._conn.rollback))  # pyright: ignore[reportUnknownMemberType]


def _close(connection: sqlite3.Connection) -> object:
    connection.close()
    return _LAST


def _work(given: _Work) -> None:
    """Does what a connection is given, in its thread, and all the same where who wanted it has gone with their loop."""
    result: object = None
    while result is not _LAST:
        future, function = given.get()
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it
            result = None
            _tell(future, error=error)
        else:
            _tell(future, result)


def _tell(future: asyncio.Future[Any] | None, result: object = None, error: BaseException | None = None) -> None:
    def tell() -> None:
        if future is None or future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    if future is not None:
        with contextlib.suppress(RuntimeError):
            # The loop is closed: nobody waits any more.
            future.get_loop().call_soon_threadsafe(tell)


def _as_soon_as_free(work: Any, connection: sqlite3.Connection) -> None:  # noqa: ANN401 - as above
    give_up = time.monotonic() + _TRY_SECONDS
    while True:
        try:
            return work(connection)
        except sqlite3.OperationalError as error:
            if not is_locked(error) or time.monotonic() > give_up:
                raise
        time.sleep(_LOOK_SECONDS)


def is_locked(error: BaseException | None) -> bool:
    """Returns whether somebody else writes."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(code, int) and code & _PRIMARY_CODE == sqlite3.SQLITE_BUSY


def _first_begin(work: Any, connection: sqlite3.Connection) -> None:  # noqa: ANN401 - takes the connection
    connection.execute("BEGIN")
    work(connection)


async def connect(database: str, **options: Any) -> aiosqlite.Connection:  # noqa: ANN401 - of the standard library
    """Returns an open connection for transactions that write."""
    return await _opened(_Writer(partial(sqlite3.connect, database, timeout=0, **options), iter_chunk_size=64))


async def connect_to_read(database: str, **options: Any) -> aiosqlite.Connection:  # noqa: ANN401 - as above
    """Returns an open connection for transactions that only read."""
    return await _opened(_Reader(partial(sqlite3.connect, database, **options), iter_chunk_size=64))


def begin_to_read(connection: Connection) -> None:
    """Begins a transaction of SQLAlchemy's on a connection that only reads."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, _Reader)  # noqa: S101 - for the types
    driver.begin()


async def _opened(made: _Connection) -> aiosqlite.Connection:
    # A process may end while a statement runs, and a loop before one does.
    made._thread = Thread(target=_work, args=(_queue(made),), daemon=True)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return await made


def _queue(of: aiosqlite.Connection) -> _Work:
    return cast("_Work", of._tx)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
