"""`/sign-in/command-line`: somebody who is signed in here lets their command line act as them.

`placet login` makes a token and names its SHA-256 in the address: that alone opens nothing, and becomes the id of a
session. Whoever is led here by somebody else's command line would hand themselves over; so the page asks for the code
that the person's own terminal shows, and for a sign-in of the last ten minutes.
"""

from __future__ import annotations

import hmac
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from placet.api.access import Gateway, SignedInAtAll
from placet.api.auth.freshness import FRESH
from placet.api.errors import ProblemError
from placet.api.identity import Caller
from placet.api.services import Services
from placet.web.answers import page, see
from placet.web.posted import Posted
from placet.web.routing import PageRoute

router: Final = APIRouter(prefix="/sign-in/command-line", include_in_schema=False, route_class=PageRoute)

SessionId = Annotated[str, Query(alias="session", pattern="^[0-9a-f]{64}$")]


@router.get("")
async def ask_for_code(request: Request, session: SessionId, caller: SignedInAtAll, services: Gateway) -> Response:
    """Asks for the code that the terminal shows."""
    if not _lately(services, caller):
        here = f"{request.url.path}?session={session}"
        return see(f"/sign-in?next={quote(here, safe='')}&fresh=1")
    return page(request, "command_line.html", caller=caller, session=session, wrong=False, done=False)


@router.post("")
async def let_in(request: Request, session: SessionId, caller: SignedInAtAll, services: Gateway) -> Response:
    """Begins the session of the command line."""
    given = Posted.by(request).one("code").replace("-", "").strip().casefold()
    right = hmac.compare_digest(given.encode(), session[:8].encode())
    if right and _lately(services, caller):
        sessions = services.auth.sessions
        done = sessions is not None and await sessions.lend(request, session)
        return page(request, "command_line.html", caller=caller, session=session, wrong=False, done=done)
    return page(request, "command_line.html", caller=caller, status=403, session=session, wrong=True, done=False)


def _lately(services: Services, caller: Caller) -> bool:
    """Returns whether somebody has signed in in this browser within the last ten minutes.

    Raises:
        ProblemError: `not_allowed`: they came with a key, or nobody signs in here.
    """
    if caller.method != "session":
        raise ProblemError(code="not_allowed", detail="A command line is signed in from a browser that is signed in.")
    at = caller.authenticated_at
    return at is not None and services.clock() - at <= FRESH
