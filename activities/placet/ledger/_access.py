"""Sessions of people who signed in by a browser, and the keys that were revoked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, or_, select, update

from placet.ledger._database import Database
from placet.ledger._events import insert_once
from placet.ledger._tables import revoked_keys, sessions

KEPT: Final = timedelta(days=30)
"""How long an ended session can still be looked up, for who asks what a decision's credential was."""


@dataclass(frozen=True)
class SessionRow:
    """Somebody's session.

    Attributes:
        id: SHA-256 of the secret in the cookie, as hex: who reads the ledger cannot sign in with it.
        way: How they signed in: `oidc` or `account`.
        groups: What the provider said of their groups then.
        roles: The roles that the provider's groups gave them then.
        authenticated_at: When they last proved who they are.
        idle_end: When the session ends unless it is used before.
        ends_at: When it ends in any case.
    """

    id: str
    user: str
    way: str
    name: str | None
    groups: tuple[str, ...]
    roles: tuple[str, ...]
    created_at: datetime
    authenticated_at: datetime
    seen_at: datetime
    idle_end: datetime
    ends_at: datetime
    revoked_at: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Returns whether somebody may still act in it."""
        return self.revoked_at is None and now < self.idle_end and now < self.ends_at


@dataclass(frozen=True)
class RevokedKey:
    """A key that lets nobody in any more."""

    digest: str
    user: str
    by: str
    at: datetime


class Access:
    """What the gateways share about who may come in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_session(self, session: SessionRow) -> None:
        """Keeps a new session, and forgets those that ended long ago."""
        row = {**vars(session), "groups": list(session.groups), "roles": list(session.roles)}
        async with self._database.write() as connection:
            await connection.execute(delete(sessions).where(sessions.c.ends_at < session.created_at - KEPT))
            await insert_once(connection, sessions, row)

    async def session(self, session_id: str) -> SessionRow | None:
        """Returns a session, open or not."""
        async with self._database.read() as connection:
            found = (await connection.execute(select(sessions).where(sessions.c.id == session_id))).mappings().first()
        if found is None:
            return None
        kept: dict[str, Any] = {**found, "groups": tuple(found["groups"]), "roles": tuple(found["roles"])}
        return SessionRow(**kept)

    async def touch_session(self, session_id: str, seen_at: datetime, idle_end: datetime) -> None:
        """Notes that a session is used; one that was revoked stays so."""
        change = update(sessions).where(sessions.c.id == session_id)
        async with self._database.write() as connection:
            await connection.execute(change.values(seen_at=seen_at, idle_end=idle_end))

    async def revoke_session(self, session_id: str, at: datetime) -> None:
        """Ends a session; the first to do so is kept."""
        change = update(sessions).where(sessions.c.id == session_id, sessions.c.revoked_at.is_(None))
        async with self._database.write() as connection:
            await connection.execute(change.values(revoked_at=at))

    async def revoke_sessions_of(self, user: str, at: datetime) -> int:
        """Ends every session of somebody, and returns how many that were."""
        change = update(sessions).where(sessions.c.user == user, sessions.c.revoked_at.is_(None))
        async with self._database.write() as connection:
            return (await connection.execute(change.values(revoked_at=at))).rowcount

    async def ended_sessions(self, prefixes: Collection[str], now: datetime) -> frozenset[str]:
        """Returns which of these beginnings of session ids belong to sessions that have ended."""
        if not prefixes:
            return frozenset()
        over = or_(sessions.c.revoked_at.is_not(None), sessions.c.idle_end <= now, sessions.c.ends_at <= now)
        named = or_(*(sessions.c.id.startswith(prefix) for prefix in prefixes))
        async with self._database.read() as connection:
            ids = (await connection.execute(select(sessions.c.id).where(over, named))).scalars().all()
        return frozenset(prefix for prefix in prefixes if any(one.startswith(prefix) for one in ids))

    async def revoke_key(self, key: RevokedKey) -> None:
        """Lets nobody in with a key any more, for ever; the first to revoke it is kept."""
        async with self._database.write() as connection:
            await insert_once(connection, revoked_keys, vars(key))

    async def revoked_keys(self) -> dict[str, RevokedKey]:
        """Returns every revoked key by its digest."""
        async with self._database.read() as connection:
            rows = (await connection.execute(select(revoked_keys))).all()
        return {row.digest: RevokedKey(row.digest, row.user, row.by, row.at) for row in rows}
