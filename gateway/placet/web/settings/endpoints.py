"""`/settings`: how pages look and which keys they hear, in this browser; and an end to every session."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from placet.api.access import Gateway, SignedIn, SignedInAtAll
from placet.api.errors import ProblemError
from placet.web.answers import THEME_COOKIE, THEMES, page, see
from placet.web.posted import Posted
from placet.web.routing import PageRoute

router: Final = APIRouter(include_in_schema=False, route_class=PageRoute)

A_YEAR: Final = 365 * 24 * 3600
KEYS_COOKIE: Final = "placet_keys"


@router.get("/settings")
async def show_settings(request: Request, caller: SignedIn) -> Response:
    """Shows the choices."""
    keys = request.cookies.get(KEYS_COOKIE, "on")
    return page(request, "settings.html", caller=caller, themes=THEMES, keys=keys)


@router.get("/service")
async def show_service(request: Request, caller: SignedIn) -> Response:
    """Shows what keeps decisions from taking effect now, for the notice of every page."""
    return page(request, "service.html", caller=caller)


@router.post("/settings/sessions")
async def sign_out_everywhere(request: Request, caller: SignedInAtAll, services: Gateway) -> Response:
    """Ends every session of the reader, in every browser and command line."""
    sessions = services.auth.sessions
    if sessions is None or caller.method != "session":
        raise ProblemError(code="not_allowed", detail="Only who has signed in in a browser signs out everywhere.")
    await services.ledger.access.revoke_sessions_of(caller.user, services.clock())
    answer = see("/sign-in")
    await sessions.end(request, answer)
    return answer


@router.post("/settings")
async def choose_settings(request: Request, _: SignedIn) -> Response:
    """Keeps the choices in cookies: they say nothing about anybody."""
    posted = Posted.by(request)
    answer = see("/settings")
    chosen = {THEME_COOKIE: (posted.one("theme"), THEMES), KEYS_COOKIE: (posted.one("keys"), ("on", "off"))}
    for name, (value, known) in chosen.items():
        if value in known:
            answer.set_cookie(name, value, max_age=A_YEAR, samesite="strict", path="/")
    return answer
