"""`/sign-in` and `/sign-out`: what browsers go through. Logic here, looks in `pages`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from placet.api.access import Anybody, Gateway, SignedInAtAll
from placet.api.auth.cookies import SIGN_IN, read_cookie
from placet.api.auth.csrf import form_of
from placet.api.auth.oidc.endpoints import base_of
from placet.api.auth.pages import SignInPage, SignInRoute, bounce, provider_link, safe_path, shown
from placet.api.auth.proven import Proven
from placet.api.bodies import read_bounded
from placet.api.errors import ProblemError
from placet.api.services import Services

router: Final = APIRouter(tags=["sign-in"], include_in_schema=False, route_class=SignInRoute)

WRONG: Final = "The name or the password is wrong."
"""The same for a name that nobody has."""

Next = Annotated[str | None, Query(alias="next", max_length=4_000)]
Fresh = Annotated[bool, Query()]


@router.get("/sign-in")
async def show_sign_in(
    request: Request, services: Gateway, _anybody: Anybody, onward: Next = None, *, fresh: Fresh = False
) -> Response:
    """Shows the ways to sign in; who is on the way to a page and has one way that needs no form is led there.

    Without a page to go on to somebody has just signed out: a provider that still knows them would let them in again.
    """
    path = safe_path(onward)
    if services.directory.local:
        return RedirectResponse(path, 303)
    if onward and not fresh and _led_by_another_site(request):
        return bounce(path)
    ways = services.auth.ways
    if onward and ways == ("oidc",):
        return RedirectResponse(provider_link(SignInPage(ways, path, fresh=fresh)), 303)
    if not ways:
        detail = "Nobody signs in with a browser here: name `people.sign_in` in placet.yaml."
        raise ProblemError(code="not_found", detail=detail)
    return await shown(request, services, SignInPage(ways, path, fresh=fresh))


def _led_by_another_site(request: Request) -> bool:
    """Returns whether the browser has held back the session's cookie, because a link elsewhere led here."""
    return request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}


@router.post("/sign-in/account")
async def sign_in_by_password(request: Request, services: Gateway, _anybody: Anybody) -> Response:
    """Begins a session for who knows the password of an account."""
    request.state.body = await read_bounded(request)
    auth = services.auth
    if auth.accounts is None or auth.sessions is None:
        raise ProblemError(code="not_found", detail="Nobody signs in with a password here.")
    visitor = await auth.signer.verified("sign-in", read_cookie(request, SIGN_IN) or "")
    await auth.forms.admit_visitor(request, visitor)
    given = form_of(request)
    user, password, path = _one(given, "user"), _one(given, "password"), safe_path(_one(given, "next"))
    address = request.client.host if request.client else "?"
    again = SignInPage(auth.ways, path, user=user[:200])
    try:
        # Counted before the password is looked at: guesses that come at once are not free.
        auth.guesses.take(user[:200], address)
    except ProblemError as error:
        answer = await shown(request, services, replace(again, error=error.detail, status=429))
        answer.headers["Retry-After"] = str(error.named["retry_after"])
        return answer
    if not await auth.accounts.holds(user, password):
        return await shown(request, services, replace(again, error=WRONG, status=401))
    auth.guesses.forget(user, address)
    answer = RedirectResponse(path, 303)
    await auth.sessions.open(request, answer, Proven(user=user, way="account", at=services.clock()))
    return answer


@router.post("/sign-out")
async def sign_out(request: Request, services: Gateway, caller: SignedInAtAll) -> Response:
    """Ends the session, for every gateway; and at the identity provider, where that can be asked to."""
    elsewhere = await _provider_sign_out(request, services) if caller.way == "oidc" else None
    # A page, not a redirect: a browser lets no form of ours lead to another site.
    answer: Response = bounce(elsewhere) if elsewhere else RedirectResponse("/sign-in", 303)
    if services.auth.sessions is not None:
        await services.auth.sessions.end(request, answer)
    return answer


async def _provider_sign_out(request: Request, services: Services) -> str | None:
    """Returns where the session at the provider is ended; None where it has no such place, or cannot be asked."""
    provider = services.auth.provider
    if provider is None:
        return None
    try:
        address = (await provider.metadata()).end_session_endpoint
    except ProblemError:
        return None
    back = {"client_id": provider.config.client_id, "post_logout_redirect_uri": base_of(request, services) + "/sign-in"}
    return f"{address}{'&' if '?' in address else '?'}{urlencode(back)}" if address else None


def _one(given: dict[str, list[str]], name: str) -> str:
    values = given.get(name, [])
    return values[0] if len(values) == 1 else ""
