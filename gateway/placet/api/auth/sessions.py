"""Sessions of browsers: a random secret in a signed cookie, and a row in the ledger that says if it counts."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from placet.api.auth.cookies import SESSION, drop_cookie, read_cookie, set_cookie
from placet.ledger import LedgerError, SessionRow

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from placet.api.auth.proven import Proven
    from placet.api.auth.secrets import Signer
    from placet.api.decisions.delivery import Clock

TOKEN_PREFIX: Final = "placet_session_"  # noqa: S105 - no secret
"""Begins the token of a command line; a browser's cookie begins otherwise."""
CREDENTIAL_LENGTH: Final = 12
"""Characters of a digest that name a key or session: enough to tell them apart, too few to find one."""
_SECRET_BYTES: Final = 32
_SEEN_AGAIN: Final = timedelta(minutes=1)
"""How much later a session has to be used for that to be written down."""
_REMEMBERED: Final = 10_000
"""Sessions that this process remembers for when the ledger cannot be read."""
_TRUSTED: Final = timedelta(minutes=1)
"""How long it believes what it remembers."""

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class Lifetimes:
    """How long a session lasts.

    Attributes:
        idle: While nobody uses it.
        absolute: In any case.
    """

    idle: timedelta = timedelta(hours=8)
    absolute: timedelta = timedelta(hours=24)


class SessionRecords(Protocol):
    """What sessions need of the ledger."""

    async def open_session(self, session: SessionRow) -> None:
        """Keeps a new session."""
        ...

    async def session(self, session_id: str) -> SessionRow | None:
        """Returns a session, open or not."""
        ...

    async def touch_session(self, session_id: str, seen_at: datetime, idle_end: datetime) -> None:
        """Notes that it is used."""
        ...

    async def revoke_session(self, session_id: str, at: datetime) -> None:
        """Ends it."""
        ...


class Sessions:
    """Opens sessions, finds the one that a request belongs to, and ends them."""

    def __init__(self, records: SessionRecords, signer: Signer, clock: Clock, lifetimes: Lifetimes) -> None:
        self._records = records
        self._signer = signer
        self._clock = clock
        self._lifetimes = lifetimes
        self._remembered: OrderedDict[str, tuple[SessionRow, datetime]] = OrderedDict()

    async def open(
        self, request: Request, response: Response, proven: Proven, *, before: str | None = None
    ) -> SessionRow:
        """Begins a new session in the browser that asked; one that it had before ends, so none can be planted.

        Args:
            request: Of the browser.
            response: Takes the cookie.
            proven: Who has come.
            before: The id of the session that the browser had, where its cookie does not come along.
        """
        await self._revoke(request)
        if before is not None:
            await self._revoke_id(before)
        now = self._clock()
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        ends_at = now + self._lifetimes.absolute
        session = SessionRow(
            id=_id_of(secret),
            user=proven.user,
            way=proven.way,
            name=proven.name,
            groups=tuple(sorted(proven.groups)),
            roles=tuple(sorted(proven.roles)),
            created_at=now,
            authenticated_at=proven.at or now,
            seen_at=now,
            idle_end=min(now + self._lifetimes.idle, ends_at),
            ends_at=ends_at,
        )
        await self._records.open_session(session)
        signed = await self._signer.signed("cookie", secret)
        set_cookie(request, response, SESSION, signed, lasts=self._lifetimes.absolute)
        return session

    async def lend(self, request: Request, session_id: str) -> bool:
        """Begins a session for a command line, as whoever is signed in in the browser that asks; not twice under an id.

        Args:
            request: Of the browser.
            session_id: The SHA-256 of a token that only the command line knows.
        """
        own = await self.find(request)
        if own is None:
            return False
        now = self._clock()
        ends_at = now + self._lifetimes.absolute
        idle_end = min(now + self._lifetimes.idle, ends_at)
        lent = replace(own, id=session_id, created_at=now, seen_at=now, idle_end=idle_end, ends_at=ends_at)
        await self._records.open_session(lent)
        return True

    async def find(self, request: Request) -> SessionRow | None:
        """Returns the open session that a request belongs to.

        Raises:
            LedgerError: It cannot be read, and this process has not seen it within the last minute.
        """
        session_id = await self.id_of(request)
        if session_id is None:
            return None
        session = await self._read(session_id)
        if session is None or not session.is_open(self._clock()):
            self._remembered.pop(session_id, None)
            return None
        return await self._touched(session)

    async def close(self, request: Request) -> bool:
        """Ends the session of a request, and returns whether there was one."""
        known = await self.find(request) is not None
        await self._revoke(request)
        return known

    async def end(self, request: Request, response: Response) -> None:
        """Ends the session of a request for every gateway, and takes the cookie away."""
        await self._revoke(request)
        drop_cookie(request, response, SESSION)

    async def _revoke(self, request: Request) -> None:
        session_id = await self.id_of(request)
        if session_id is not None:
            await self._revoke_id(session_id)

    async def _revoke_id(self, session_id: str) -> None:
        await self._records.revoke_session(session_id, self._clock())
        self._remembered.pop(session_id, None)

    async def id_of(self, request: Request) -> str | None:
        """Returns the id of the session that a request names, open or not."""
        if "authorization" in request.headers:
            token = bearer_of(request)
            return _id_of(token) if token.startswith(TOKEN_PREFIX) else None
        given = read_cookie(request, SESSION)
        secret = await self._signer.verified("cookie", given) if given else None
        return _id_of(secret) if secret else None

    async def _read(self, session_id: str) -> SessionRow | None:
        """Reads the ledger; while that is down, what was read a moment ago counts."""
        now = self._clock()
        try:
            session = await self._records.session(session_id)
        except LedgerError:
            known = self._remembered.get(session_id)
            if known is None or now - known[1] > _TRUSTED:
                raise
            return known[0]
        if session is not None:
            self._remembered[session_id] = (session, now)
            self._remembered.move_to_end(session_id)
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return session

    async def _touched(self, session: SessionRow) -> SessionRow:
        now = self._clock()
        if now - session.seen_at < min(_SEEN_AGAIN, self._lifetimes.idle / 4):
            return session
        idle_end = min(now + self._lifetimes.idle, session.ends_at)
        try:
            await self._records.touch_session(session.id, now, idle_end)
        except LedgerError as error:
            _log.warning("session_not_touched", error=str(error))
        return replace(session, seen_at=now, idle_end=idle_end)


def bearer_of(request: Request) -> str:
    """Returns what stands in the Authorization header as a bearer's; empty where it is anything else."""
    given = request.headers.getlist("authorization")
    scheme, _, token = given[0].partition(" ") if given else ("", "", "")
    return token.strip() if len(given) == 1 and scheme.casefold() == "bearer" else ""


def credential_of(digest: str) -> str:
    """Returns the id by which the record names a key or a session."""
    return digest[:CREDENTIAL_LENGTH]


def _id_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
