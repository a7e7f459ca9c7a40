"""Who sent a request: by a key, a token, a session, or as the one person of local mode."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from placet.api.auth.sessions import TOKEN_PREFIX, bearer_of, credential_of
from placet.api.errors import ProblemError
from placet.api.identity import LOCAL, Caller

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.requests import Request

    from placet.api.auth.keys import KeyRing, Revocations
    from placet.api.auth.proven import Token
    from placet.api.auth.sessions import Sessions
    from placet.api.identity import Way
    from placet.contracts.config import People
    from placet.ledger import SessionRow

CLIENT_HEADER: Final = "X-Placet-Client"
"""Names the way that a decision came: `cli`, or else `api`; that it came by a page, no program can say of itself."""
FORM: Final = "application/x-www-form-urlencoded"
LANGGRAPH: Final = "/langgraph/"
"""Under it lies the surface for clients of LangGraph."""


class Tokens(Protocol):
    """Access tokens of the identity provider."""

    async def read(self, token: str) -> Token:
        """Returns what a token says, once it is proved to be the provider's and for us.

        Raises:
            ProblemError: `unauthenticated`, `unavailable`.
        """
        ...


class Directory:
    """Says who sent a request."""

    def __init__(
        self,
        people: People | None,
        keys: KeyRing,
        revocations: Revocations,
        sessions: Sessions | None,
        tokens: Tokens | None = None,
        *,
        keep_addresses: bool = False,
    ) -> None:
        """Knows who may come in.

        Args:
            people: None is local mode.
            keys: Of the people.
            revocations: Which keys count no more.
            sessions: Of browsers; None where nobody signs in by one.
            tokens: Of programs that the provider knows; None where they are not taken.
            keep_addresses: Whether the record says where a decision came from.
        """
        self._people = people
        self._keys = keys
        self._revocations = revocations
        self._sessions = sessions
        self._tokens = tokens
        self._keep_addresses = keep_addresses

    @property
    def local(self) -> bool:
        """Whether nobody signs in: there is one person, on this machine only."""
        return self._people is None

    async def sign_in(self, request: Request) -> Caller:
        """Returns who sent the request.

        What is sent as a credential has to be one: a wrong key is not made up for by a cookie.

        Raises:
            ProblemError: `unauthenticated`.
            LedgerError: A session cannot be looked up.
        """
        caller = await self._caller(request)
        address = request.client.host if request.client and self._keep_addresses else None
        by_cookie = caller.method == "session" and "authorization" not in request.headers
        known = replace(caller, address=address, by_cookie=by_cookie)
        return replace(known, via=_via(request, known))

    async def _caller(self, request: Request) -> Caller:
        if self.local:
            return LOCAL
        if "authorization" in request.headers and not bearer_of(request).startswith(TOKEN_PREFIX):
            return await self._of_bearer(bearer_of(request))
        if is_of_langgraph(request) and "x-api-key" in request.headers:
            return await self._of_bearer(request.headers["x-api-key"].strip())
        session = await self._sessions.find(request) if self._sessions else None
        if session is None:
            raise unauthenticated()
        return self._of_session(session)

    async def _of_bearer(self, given: str) -> Caller:
        digest = self._keys.find(given)
        if digest is not None and not await self._revocations.has(digest):
            return replace(self._entry(self._keys.users[digest]), method="key", credential=credential_of(digest))
        if digest is None and self._tokens is not None and given.count(".") == _DOTS:
            token = await self._tokens.read(given)
            proven = token.proven
            return replace(
                self._entry(proven.user, proven.name, proven.groups, proven.roles),
                method="jwt",
                credential=token.credential,
                authenticated_at=_known(proven.at),
                ends_at=token.ends_at,
            )
        raise unauthenticated()

    def _of_session(self, session: SessionRow) -> Caller:
        way: Way = "oidc" if session.way == "oidc" else "account"
        people = self._people
        if people is None or (way == "account" and session.user not in people.users):
            raise unauthenticated()
        return replace(
            self._entry(session.user, session.name, frozenset(session.groups), frozenset(session.roles)),
            method="session",
            credential=credential_of(session.id),
            way=way,
            authenticated_at=_known(session.authenticated_at),
            ends_at=min(session.ends_at, session.idle_end),
        )

    def _entry(
        self,
        user: str,
        name: str | None = None,
        groups: frozenset[str] = frozenset(),
        roles: frozenset[str] = frozenset(),
    ) -> Caller:
        """Returns somebody as the configuration and the provider describe them, together."""
        known = self._people.users.get(user) if self._people else None
        if known is None:
            return Caller(user=user, name=name, groups=groups, roles=roles)
        if known.agent:
            # Nothing that a provider claims of it makes an agent more than it is here.
            return Caller(user=user, name=known.name or name, roles=frozenset(known.roles), agent=True)
        return Caller(
            user=user,
            name=known.name or name,
            groups=groups | frozenset(known.groups),
            roles=roles | frozenset(known.roles),
        )


_NEVER: Final = 1970
"""The year in which people signed in whose provider does not say when."""
_DOTS: Final = 2
"""In a JWT."""


def _known(at: datetime | None) -> datetime | None:
    return at if at is not None and at.year > _NEVER else None


def unauthenticated() -> ProblemError:
    """Returns the answer to who is not signed in."""
    return ProblemError(
        code="unauthenticated",
        detail="Send a valid key as `Authorization: Bearer KEY`, or as `x-api-key` below /langgraph.",
    )


def is_of_langgraph(request: Request) -> bool:
    """Returns whether one of LangGraph's clients asks: they send their key as `x-api-key`."""
    return request.url.path.startswith(LANGGRAPH)


def _via(request: Request, caller: Caller) -> str:
    if is_of_langgraph(request):
        return "langgraph"
    if caller.by_cookie or (caller.method == "local" and is_form(request)):
        return "web"
    return "cli" if request.headers.get(CLIENT_HEADER) == "cli" else "api"


def is_form(request: Request) -> bool:
    """Returns whether the body is a form that a browser sends without asking first."""
    return request.headers.get("content-type", "").partition(";")[0].strip().casefold() == FORM
