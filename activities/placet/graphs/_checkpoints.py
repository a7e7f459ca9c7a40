"""Where graphs keep their checkpoints: LangGraph's own savers, beside the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final, Protocol

import aiosqlite
from langgraph.checkpoint.serde import _msgpack
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from sqlalchemy import URL

from placet.graphs._pinned import Pin, Pinned
from placet.graphs._pruning import EVERY, KEPT, Stored, superfluous
from placet.graphs.errors import CheckpointsUnavailableError, GraphError

_SUFFIX: Final = "-graphs"
_BUSY_SECONDS: Final = 5.0
_BEGAN: Final = (
    "SELECT 1 FROM checkpoints WHERE thread_id = ? AND checkpoint_ns <> ''"
    " AND json_extract(CAST(metadata AS TEXT), '$.parents.\"\"') = ? LIMIT 1"
)


_STORED: Final = (
    "SELECT checkpoint_ns, checkpoint_id, parent_checkpoint_id,"
    " json_extract(CAST(metadata AS TEXT), '$.parents.\"\"'),"
    " json_extract(CAST(metadata AS TEXT), '$.counters_since_delta_snapshot') IS NOT NULL"
    " FROM checkpoints WHERE thread_id = ?"
)
_DELETE: Final = tuple(
    f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id = ?"  # noqa: S608 - two names
    for table in ("writes", "checkpoints")
)


class Store(Protocol):
    """The database of checkpoints, open in one loop."""

    def saver(self, pin: Pin) -> Pinned:
        """Returns a saver that reads from this checkpoint."""
        ...

    async def prune(self, thread_id: str, head: str, keep: int) -> None:
        """Deletes what is older than so many checkpoints before the head."""
        ...

    async def close(self) -> None:
        """Lets go of its connections."""
        ...


class Checkpoints:
    """The database of checkpoints; opened once in each loop that uses it."""

    def __init__(self, ledger: URL) -> None:
        """Keeps checkpoints beside this ledger: in a file of their own for SQLite, in its database for PostgreSQL.

        Raises:
            GraphError: Something imported LangGraph before it was told to make no types that no graph names.
        """
        if not _msgpack.STRICT_MSGPACK_ENABLED:
            message = "LangGraph was imported before LANGGRAPH_STRICT_MSGPACK=true was set"
            raise GraphError(message)
        self._url = ledger
        self._opened: dict[asyncio.AbstractEventLoop, asyncio.Task[Store]] = {}

    @asynccontextmanager
    async def saver(self, pin: Pin) -> AsyncGenerator[Pinned]:
        """Gives a saver for one superstep, in the loop that this is awaited in.

        Raises:
            CheckpointsUnavailableError: The database cannot be used.
        """
        store = await self._store()
        yield store.saver(pin)

    async def prune(self, thread_id: str, head: str, keep: int = 0) -> None:
        """Deletes the checkpoints of a thread that nobody will read again.

        Args:
            thread_id: The thread.
            head: The checkpoint that counts, as the workflow has recorded it; it stays.
            keep: How many before it stay, too.

        Raises:
            CheckpointsUnavailableError: The database cannot be used.
        """
        store = await self._store()
        try:
            await store.prune(thread_id, head, keep)
        except Exception as error:
            message = f"old checkpoints cannot be deleted: {error}"
            raise CheckpointsUnavailableError(message) from error

    async def prune_behind(self, thread_id: str, head: str, step: int, *, stepped: bool) -> None:
        """Deletes what is old of a run that goes on: once in a few supersteps, or after each segment.

        Raises:
            CheckpointsUnavailableError: The database cannot be used.
        """
        if step and (step % EVERY == 0 or not stepped):
            await self.prune(thread_id, head, KEPT)

    async def _store(self) -> Store:
        loop = asyncio.get_running_loop()
        if loop not in self._opened:
            self._opened[loop] = loop.create_task(self._open())
        try:
            return await self._opened[loop]
        except Exception as error:
            self._opened.pop(loop, None)
            message = f"the database of checkpoints cannot be opened: {error}"
            raise CheckpointsUnavailableError(message) from error

    async def close(self) -> None:
        """Closes the connections of the running loop."""
        opened = self._opened.pop(asyncio.get_running_loop(), None)
        if opened is not None:
            await (await opened).close()

    async def _open(self) -> Store:
        if self._url.get_backend_name() == "sqlite":
            return await SqliteStore.opened(sqlite_file(self._url))
        from placet.graphs._postgres import PostgresStore  # noqa: PLC0415 - an extra

        return await PostgresStore.opened(self._url)


def sqlite_file(ledger: URL) -> str:
    """Returns the file beside a ledger's: `ledger.db` has `ledger-graphs.db`."""
    path = ledger.database or ""
    folder, slash, name = path.rpartition("/")
    stem, dot, ending = name.rpartition(".")
    return f"{folder}{slash}{stem}{_SUFFIX}{dot}{ending}" if stem else f"{path}{_SUFFIX}"


class SqliteStore:
    """One file of SQLite, and one connection that the savers of a loop share."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._lock = asyncio.Lock()

    @classmethod
    async def opened(cls, file: str) -> SqliteStore:
        """Returns the store with its tables made."""
        connection = await aiosqlite.connect(file, timeout=_BUSY_SECONDS)
        await connection.execute("PRAGMA synchronous = FULL")
        store = cls(connection)
        saver = store.saver(Pin("", None))
        saver.is_setup = False
        await saver.setup()
        return store

    def saver(self, pin: Pin) -> SqliteSaver:
        """Returns a saver that reads from this checkpoint."""
        saver = SqliteSaver(self._connection)
        saver.pin, saver.lock, saver.is_setup = pin, self._lock, True
        return saver

    async def prune(self, thread_id: str, head: str, keep: int) -> None:
        """Deletes what is older than so many checkpoints before the head."""
        async with self._lock:
            rows = await self._connection.execute_fetchall(_STORED, (thread_id,))
            gone = superfluous([Stored(*row) for row in rows], head, keep)
            for statement in _DELETE:
                await self._connection.executemany(statement, [(thread_id, *one) for one in gone])
            await self._connection.commit()

    async def close(self) -> None:
        """Closes the file."""
        await self._connection.close()


class SqliteSaver(Pinned, AsyncSqliteSaver):
    """LangGraph's saver for SQLite, pinned."""

    async def subgraph_began(self) -> bool:
        """Returns whether a subgraph has stored something since the pinned checkpoint."""
        with self.pin.watched():
            async with self.lock, self.conn.execute(_BEGAN, (self.pin.thread_id, self.pin.head)) as cursor:
                return await cursor.fetchone() is not None
