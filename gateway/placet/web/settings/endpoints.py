"""`/settings`: how pages look and which keys they hear, in this browser."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from placet.api.access import SignedIn
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
