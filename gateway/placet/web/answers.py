"""Pages as answers: templates filled in, and the headers that keep a page to itself."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, RedirectResponse

from placet.api.auth.csrf import csrf_token
from placet.cards import words
from placet.cards.view import headline
from placet.cards.visible import lines, one_line
from placet.web import pieces
from placet.web.assets import address
from placet.web.service_status import service_status_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from placet.api.identity import Caller
    from placet.api.services import Services

SECURITY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "worker-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types placet"
)
"""Nothing from elsewhere, nothing inline, and text becomes markup in one place only (`islands.js`)."""
HEADERS: Final = {
    "Content-Security-Policy": SECURITY,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
THEMES: Final = ("system", "light", "dark")
THEME_COOKIE: Final = "placet_theme"


def page(
    request: Request,
    template: str,
    *,
    caller: Caller | None,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **content: object,
) -> Response:
    """Returns a page.

    Args:
        request: What asked for it.
        template: Its name below `templates/`.
        caller: Who reads it; None where nobody has signed in.
        status: Of the answer.
        headers: Beside those of every page.
        content: What the template shows.
    """
    services = cast("Services", request.app.state.services)
    shell = {
        "caller": caller,
        "local": services.directory.local,
        "csrf": csrf_of(request),
        "theme": theme_of(request),
        "path": request.url.path,
        "now": services.clock(),
        "trouble": service_status_of(request).trouble if caller else None,
    }
    text = templates().get_template(template).render({**shell, **content})
    return HTMLResponse(text, status, {**HEADERS, **(headers or {})})


def see(path: str) -> Response:
    """Returns the answer after a form: go and look at this page of ours."""
    return RedirectResponse(path, 303, {"Cache-Control": "no-store"})


def csrf_of(request: Request) -> str:
    """Returns what a form must send back to show that it is ours."""
    return csrf_token(request)


def theme_of(request: Request) -> str:
    """Returns the colours that the reader chose."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else THEMES[0]


@cache
def templates() -> Environment:
    """Returns the templates: everything escaped, and a name that nobody gave is an error."""
    made = Environment(
        loader=PackageLoader("placet.web"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = made.filters
    filters |= _FILTERS
    names: dict[str, Any] = made.globals
    names |= {"asset": address, "words": words, "pieces": pieces, **_DEFAULTS}
    return made


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


_FILTERS: Final[dict[str, Callable[..., object]]] = {
    "ago": pieces.ago,
    "compact": _compact,
    "headline": headline,
    "lines": lines,
    "moment": words.moment,
    "one_line": one_line,
    "span": words.span,
    "stamp": words.stamp,
}
_DEFAULTS: Final[dict[str, Any]] = {"title": "", "count": None, "picking": False}
"""What a page may leave out."""
