"""Checkpoints in the ledger's own database, where that is PostgreSQL."""

from __future__ import annotations

from typing import Any, Final

from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import URL

from placet.graphs._pinned import Pin, Pinned
from placet.graphs._pruning import Stored, superfluous

_CONNECTIONS: Final = 4
_LOCK: Final = 0x706C6163
"""One process at a time makes the tables."""
_BEGAN: Final = (
    "SELECT 1 FROM checkpoints WHERE thread_id = %s AND checkpoint_ns <> ''"
    " AND metadata -> 'parents' ->> '' = %s LIMIT 1"
)
_STORED: Final = (
    "SELECT checkpoint_ns AS namespace, checkpoint_id AS id, parent_checkpoint_id AS parent,"
    " metadata -> 'parents' ->> '' AS root, metadata -> 'counters_since_delta_snapshot' IS NOT NULL AS in_parts"
    " FROM checkpoints WHERE thread_id = %s"
)
_DELETE_WRITES: Final = (
    "DELETE FROM checkpoint_writes WHERE thread_id = %s AND checkpoint_ns = %s AND checkpoint_id = %s"
)
_DELETE: Final = "DELETE FROM checkpoints WHERE thread_id = %s AND checkpoint_ns = %s AND checkpoint_id = %s"
_DELETE_BLOBS: Final = (
    "DELETE FROM checkpoint_blobs AS b WHERE thread_id = %s AND NOT EXISTS (SELECT 1 FROM checkpoints AS c"
    " WHERE c.thread_id = b.thread_id AND c.checkpoint_ns = b.checkpoint_ns"
    " AND c.checkpoint -> 'channel_versions' ->> b.channel = b.version)"
)
"""Of a channel there is one for each of its versions, which checkpoints share."""

Pool = AsyncConnectionPool[AsyncConnection[DictRow]]


class PostgresStore:
    """A few connections to PostgreSQL."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @classmethod
    async def opened(cls, url: URL) -> PostgresStore:
        """Returns the store with its tables made."""
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        settings: dict[str, Any] = {
            "autocommit": True,
            "prepare_threshold": 0,
            "row_factory": dict_row,
            "application_name": "placet graphs",
        }
        pool: Pool = AsyncConnectionPool(address, min_size=1, max_size=_CONNECTIONS, open=False, kwargs=settings)
        await pool.open(wait=True, timeout=5)
        async with pool.connection() as connection:
            await connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            try:
                await AsyncPostgresSaver(connection).setup()
            finally:
                await connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
        return cls(pool)

    def saver(self, pin: Pin) -> PostgresSaver:
        """Returns a saver that reads from this checkpoint."""
        saver = PostgresSaver(self._pool)
        saver.pin = pin
        return saver

    async def prune(self, thread_id: str, head: str, keep: int) -> None:
        """Deletes what is older than so many checkpoints before the head."""
        async with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            await cursor.execute(_STORED, (thread_id,))
            gone = superfluous([Stored(**row) for row in await cursor.fetchall()], head, keep)
            if not gone:
                return
            for statement in (_DELETE_WRITES, _DELETE):
                await cursor.executemany(statement, [(thread_id, *one) for one in gone])
            await cursor.execute(_DELETE_BLOBS, (thread_id,))

    async def close(self) -> None:
        """Closes the connections."""
        await self._pool.close()


class PostgresSaver(Pinned, AsyncPostgresSaver):
    """LangGraph's saver for PostgreSQL, pinned."""

    async def subgraph_began(self) -> bool:
        """Returns whether a subgraph has stored something since the pinned checkpoint."""
        with self.pin.watched():
            async with self._cursor() as cursor:
                await cursor.execute(_BEGAN, (self.pin.thread_id, self.pin.head))
                return await cursor.fetchone() is not None
