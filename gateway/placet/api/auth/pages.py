"""What the pages of signing in show, and where they lead; how they look is the inbox's."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

from fastapi.routing import APIRoute
from starlette.responses import HTMLResponse, RedirectResponse

from placet.api.auth.cookies import SIGN_IN, read_cookie, set_cookie
from placet.api.errors import ProblemError
from placet.api.problems import RETRY_AFTER
from placet.contracts.errors import CODES

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from placet.api.services import Services

FORM_LASTS: Final = timedelta(hours=1)


@dataclass(frozen=True)
class SignInPage:
    """All that a page of signing in shows.

    Attributes:
        ways: `oidc`, `account`: which the gateway offers.
        next: The path to go on to.
        csrf: The token for the form's hidden field.
        error: What went wrong before, as a sentence.
        user: The name that was given before.
        status: Of the answer.
        fresh: Whether somebody who is signed in has to prove it again.
    """

    ways: tuple[str, ...]
    next: str = "/"
    csrf: str = ""
    error: str | None = None
    user: str = ""
    status: int = 200
    fresh: bool = False


Render = Callable[["Request", SignInPage], "Response"]
"""Makes the page; whoever serves the inbox names it as `app.state.sign_in_page`."""


async def shown(request: Request, services: Services, page: SignInPage) -> Response:
    """Returns a page with a form that only this browser can send."""
    signer = services.auth.signer
    visitor = await signer.verified("sign-in", read_cookie(request, SIGN_IN) or "")
    known = visitor or secrets.token_urlsafe(16)
    token = await services.auth.forms.token_for(known)
    answer = cast("Render", request.app.state.sign_in_page)(request, replace(page, csrf=token))
    if visitor is None:
        set_cookie(request, answer, SIGN_IN, await signer.signed("sign-in", known), lasts=FORM_LASTS)
    return answer


class SignInRoute(APIRoute):
    """An endpoint whose refusals are the page of signing in to who reads pages, and a problem document to programs."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Returns what answers a request."""
        answer = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await answer(request)
            except ProblemError as error:
                if "text/html" not in request.headers.get("accept", ""):
                    raise
                return await _refused(request, error)

        return answered


async def _refused(request: Request, error: ProblemError) -> Response:
    if error.code == "unauthenticated":
        return RedirectResponse("/sign-in", 303)
    services = cast("Services", request.app.state.services)
    page = SignInPage(services.auth.ways, error=error.detail, status=CODES[error.code].status)
    answer = await shown(request, services, page)
    if error.code in RETRY_AFTER:
        answer.headers["Retry-After"] = RETRY_AFTER[error.code]
    return answer


def provider_link(page: SignInPage) -> str:
    """Returns the address that begins a sign-in at the identity provider."""
    return f"/sign-in/provider?next={quote(page.next, safe='')}{'&fresh=1' if page.fresh else ''}"


def bounce(path: str) -> Response:
    """Returns a page that goes on to a path of ours by itself.

    A browser sends a `SameSite=Strict` cookie only with what our own site asks for. Who comes from another one — a
    link in a message, the provider's redirect — is signed in all the same: this page is ours, and it asks.
    """
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        "<title>Placet</title>"
        f'<meta http-equiv="refresh" content="0;url={escape(path)}"><a href="{escape(path)}">Go on</a>'
    )
    return HTMLResponse(text)


def safe_path(given: str | None) -> str:
    """Returns a path of this site to go on to; anything that may lead elsewhere becomes the first page."""
    path = given or "/"
    plain_path = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if plain_path and path.isascii() and len(path) < _LONGEST_PATH and ";" not in path else "/"


_LONGEST_PATH = 2_000
