"""Requests that another site makes a browser send: the one place where they are refused.

A browser adds cookies by itself, and on local mode there is not even a cookie to add. So whatever changes something and
comes by cookie, or as a form on local mode, has to carry a token that only our own pages know, and come from our own
origin. Keys and tokens in the Authorization header are never added by a browser; they need none of this.

The token is an HMAC of the session's id with the ledger's secret. Local mode has no session: there it is an HMAC of a
fixed text, the same for every page and process, so that a form that was open while the gateway started anew still
counts. No cookie would make it stronger: cookies of 127.0.0.1 are shared by every port of the machine, and what
protects the token is that no other origin can read our pages.
"""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from placet.api.auth.directory import is_form, is_of_langgraph
from placet.api.bodies import invalid_request
from placet.api.errors import ProblemError
from placet.ledger import LedgerError

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.requests import Request

    from placet.api.auth.secrets import Signer
    from placet.api.identity import Caller

CSRF_FIELD: Final = "csrf_token"
CSRF_HEADER: Final = "X-Placet-CSRF"
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing anywhere."""
_MOST_FIELDS: Final = 10_000
_ELSEWHERE: Final = "it comes from another site"
_UNPROVEN: Final = "it lacks the page's token; load the page again"


class FormGuard:
    """Gives our pages their token, and refuses what comes without it."""

    def __init__(self, signer: Signer, named: Collection[str] = ()) -> None:
        """Knows the ledger's secret.

        Args:
            signer: Makes the tokens.
            named: Origins of other sites whose scripts may use LangGraph's surface on local mode.
        """
        self._signer = signer
        self._named = named

    async def admit(self, request: Request, caller: Caller) -> None:
        """Refuses a request that another site may have sent in the caller's name.

        Raises:
            ProblemError: `not_allowed`.
        """
        if caller.method != "local" and not caller.by_cookie:
            return
        subject = caller.credential or "local"
        try:
            token = await self._signer.mark("form", subject)
        except LedgerError:
            # Only who never could read the ledger's secret: there is no page yet whose token it could be.
            token = ""
        request.state.csrf_token = token
        if request.method not in SAFE and not self._is_named(request, caller):
            by_cookie = caller.by_cookie
            self._check(request, token, needs_token=by_cookie or is_form(request), must_say=by_cookie)

    def _is_named(self, request: Request, caller: Caller) -> bool:
        """Returns whether a front end of LangGraph's sends it whose site the operator of this machine has named."""
        of_script = caller.method == "local" and is_of_langgraph(request) and not is_form(request)
        return of_script and request.headers.get("origin") in self._named

    async def token_for(self, visitor: str) -> str:
        """Returns the token for somebody who is not signed in yet, by the random name in their cookie."""
        return await self._signer.mark("sign-in", visitor)

    async def admit_visitor(self, request: Request, visitor: str | None) -> None:
        """Refuses a form of a sign-in page that is not ours, or not this browser's.

        Raises:
            ProblemError: `not_allowed`.
        """
        token = await self.token_for(visitor) if visitor else ""
        self._check(request, token, needs_token=True, must_say=True)

    def _check(self, request: Request, token: str, *, needs_token: bool, must_say: bool) -> None:
        if not is_ours(request, unknown=not must_say):
            raise _refused(_ELSEWHERE)
        if needs_token and not (token and _same(_given(request), token)):
            raise _refused(_UNPROVEN)


def csrf_token(request: Request) -> str:
    """Returns the token that a page's forms and scripts send along; empty for callers that need none."""
    token: str = getattr(request.state, "csrf_token", "")
    return token


def form_of(request: Request) -> dict[str, list[str]]:
    """Returns the fields of a form that was read, in their order; blank ones stay.

    Raises:
        ProblemError: `invalid_request`: it is no form, or one of too many fields.
    """
    body: bytes = request.state.body
    strict = bool(body)
    try:
        text = body.decode()
        return parse_qs(
            text, keep_blank_values=True, strict_parsing=strict, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError as error:
        raise invalid_request([{"pointer": "", "message": "the body is no form"}]) from error


def _given(request: Request) -> str:
    header = request.headers.get(CSRF_HEADER)
    if header is not None or not is_form(request):
        return header or ""
    try:
        values = form_of(request).get(CSRF_FIELD, [])
    except ProblemError:
        return ""
    return values[0] if len(values) == 1 else ""


def is_ours(request: Request, *, unknown: bool) -> bool:
    """Returns whether a browser says that our own origin sent it.

    Args:
        request: What came.
        unknown: The answer where nothing is said: no browser of today leaves out both headers, but programs do.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None and site != "same-origin":
        return False
    if origin is None:
        return unknown or site == "same-origin"
    parts = urlsplit(origin)
    # A proxy may end TLS and not say so; a page that came over plain http is never one of a site over https.
    schemes = {"https"} if request.url.scheme == "https" else {"http", "https"}
    return parts.scheme in schemes and parts.netloc.casefold() == request.headers.get("host", "").casefold()


def _same(given: str, token: str) -> bool:
    # As bytes: what was given may hold anything.
    return compare_digest(given.encode(errors="replace"), token.encode())


def _refused(why: str) -> ProblemError:
    return ProblemError(code="not_allowed", detail=f"The request was refused: {why}.")
