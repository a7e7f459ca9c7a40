"""How a page's endpoint is called: who may, and a page, too, where the answer is a "no"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from placet.api.errors import ProblemError, TemporalError
from placet.contracts.errors import CODES, RefusedError
from placet.ledger import InvalidCursorError, LedgerError
from placet.web.answers import page, see
from placet.web.weather import weather_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.requests import Request
    from starlette.responses import Response

    from placet.contracts.errors import Code

SIGN_IN: Final = "/sign-in"
_UNKNOWN_QUERY: Final = "The address asks for something that this page does not know."


class PageRoute(APIRoute):
    """An endpoint whose refusals are pages; who has not signed in is sent to do so."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Returns what answers a request."""
        answer = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                if request.method == "GET":
                    await weather_of(request).look(request.app.state.services)
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


def _refused(request: Request, code: Code, detail: str) -> Response:
    """Returns the page that says no."""
    if code == "unauthenticated" and request.method == "GET":
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return see(f"{SIGN_IN}?next={quote(here, safe='')}")
    meaning = CODES[code]
    known = cast("dict[str, str]", request.scope.get("state", {})).get("request_id")
    return page(
        request,
        "problem.html",
        caller=getattr(request.state, "signed_in", None),
        status=meaning.status,
        code=code,
        heading=meaning.title,
        detail=detail,
        request_id=known,
    )
