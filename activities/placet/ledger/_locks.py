"""Locks of PostgreSQL that go with a transaction; on SQLite whoever writes is alone anyway."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

LOG: Final = 7117
"""Held from the first event of a transaction to its commit."""
SCHEMA: Final = 7118
AGENTS: Final = 7119

HOLD: Final = text("SELECT pg_advisory_xact_lock(:key)")


async def hold(connection: AsyncConnection, key: int) -> None:
    """Waits until nobody else holds the lock, and holds it until the transaction ends."""
    if connection.dialect.name == "postgresql":
        await connection.execute(HOLD, {"key": key})
