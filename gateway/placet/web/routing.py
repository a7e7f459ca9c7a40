"""How a page's endpoint is called: who may, and a page, too, where the answer is a "no"."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from placet.api.auth.csrf import SAFE, is_ours
from placet.api.errors import ProblemError, TemporalError
from placet.api.problems import RETRY_AFTER
from placet.contracts.errors import CODES, RefusedError
from placet.ledger import InvalidCursorError, LedgerError
from placet.web.answers import page, see
from placet.web.approvals.saying import typed_secrets, typed_text
from placet.web.posted import Posted
from placet.web.service_status import service_status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Match
    from starlette.types import Message, Receive, Scope, Send

    from placet.contracts.errors import Code

SIGN_IN: Final = "/sign-in"
_SEVERAL: Final = "/inbox/several"
_DECISION: Final = "/decision"
_UNKNOWN_QUERY: Final = "The address asks for something that this page does not know."


class PageRoute(APIRoute):
    """An endpoint whose refusals are pages; who has not signed in is sent to do so, and HEAD is answered as GET is."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Returns whether a request is for this endpoint."""
        return super().matches(_as_get(scope))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request; one for the head of a page without the page."""

        async def send_head(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        asked = _as_get(scope)
        await super().handle(asked, receive, send if asked is scope else send_head)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Returns what answers a request."""
        answer = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                if request.method in SAFE:
                    await service_status_of(request).look(request.app.state.services)
                return await answer(request)
            except ProblemError as error:
                return _refused(request, error.code, error.detail)
            except RefusedError as error:
                return _refused(request, error.refusal.code, error.refusal.message)
            except (RequestValidationError, InvalidCursorError):
                return _refused(request, "invalid_query", _UNKNOWN_QUERY)
            except (LedgerError, TemporalError) as error:
                return _refused(request, "unavailable", str(error))

        return answered


def _as_get(scope: Scope) -> Scope:
    """Returns a request for the head of a page as one for the page."""
    return {**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope


def _refused(request: Request, code: Code, detail: str) -> Response:
    """Returns the page that says no; what was typed into the form that it answers stands there, to be kept."""
    back = _back(request)
    sign_in = f"{SIGN_IN}?next={quote(back, safe='')}" if code == "unauthenticated" else None
    if sign_in and request.method in SAFE:
        return see(sign_in)
    meaning = CODES[code]
    posted = _posted(request)
    return page(
        request,
        "problem.html",
        caller=getattr(request.state, "signed_in", None),
        status=meaning.status,
        headers={"Retry-After": RETRY_AFTER[code]} if code in RETRY_AFTER else None,
        code=code,
        heading=meaning.title,
        detail=detail,
        request_id=getattr(request.state, "request_id", None),
        back=back,
        sign_in=sign_in,
        typed=typed_text(posted) if posted else None,
        again=posted.fields if posted and code in RETRY_AFTER and not typed_secrets(posted) else None,
    )


def _back(request: Request) -> str:
    """Returns the page to go back to: this one, or the one that has the form which was sent here."""
    path = request.url.path
    if request.method in SAFE:
        return path + (f"?{request.url.query}" if request.url.query else "")
    if path.startswith(_SEVERAL):
        return "/inbox"
    return path.removesuffix(_DECISION)


def _posted(request: Request) -> Posted | None:
    """Returns the form that was sent; None where there is none, or another site may have sent it."""
    if request.method in SAFE or not is_ours(request, unknown=True):
        return None
    with suppress(ProblemError, AttributeError):
        return Posted.by(request)
    return None
