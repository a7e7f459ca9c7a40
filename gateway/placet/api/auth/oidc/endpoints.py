"""`/sign-in/provider` and `/sign-in/callback`: to the identity provider and back."""

from __future__ import annotations

from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from placet.api.access import Anybody, Gateway
from placet.api.auth.cookies import PROVIDER, drop_cookie, read_cookie, set_cookie
from placet.api.auth.freshness import FRESH
from placet.api.auth.oidc.claims import InvalidTokenError
from placet.api.auth.oidc.flow import LASTS, PendingSignIn, answered, question
from placet.api.auth.oidc.provider import Provider
from placet.api.auth.pages import SignInPage, SignInRoute, bounce, safe_path, shown
from placet.api.errors import ProblemError
from placet.api.services import Services

router: Final = APIRouter(tags=["sign-in"], include_in_schema=False, route_class=SignInRoute)

_FAILED: Final = "That sign-in did not work. Begin again; if it fails again, tell who runs this gateway."
_log = structlog.stdlib.get_logger(__name__)


@router.get("/sign-in/provider")
async def go_to_provider(
    request: Request,
    services: Gateway,
    _anybody: Anybody,
    onward: Annotated[str, Query(alias="next", max_length=4_000)] = "/",
    *,
    fresh: bool = False,
) -> Response:
    """Sends the browser to the identity provider."""
    provider = _provider(services)
    metadata = await provider.metadata()
    # The provider then says when the person signed in there; one whose session is older than ours may be asks again.
    max_age = FRESH if fresh else services.settings.session_length
    before = await services.auth.sessions.id_of(request) if services.auth.sessions else None
    pending = PendingSignIn.begin(safe_path(onward), max_age, services.clock(), before)
    answer = RedirectResponse(question(provider, metadata, pending, redirect_uri(request, services)), 303)
    signed = await services.auth.signer.signed("provider", pending.text())
    set_cookie(request, answer, PROVIDER, signed, lasts=LASTS, same_site="lax")
    return answer


@router.get("/sign-in/callback")
async def come_back(request: Request, services: Gateway, _anybody: Anybody) -> Response:
    """Begins a session for who comes back from the identity provider."""
    provider, sessions = _provider(services), services.auth.sessions
    text = await services.auth.signer.verified("provider", read_cookie(request, PROVIDER) or "")
    pending = PendingSignIn.of(text, services.clock()) if text else None
    try:
        pending, person = await answered(provider, pending, request.query_params, redirect_uri(request, services))
    except InvalidTokenError as error:
        _log.warning("sign_in_refused", reason=str(error))
        page = SignInPage(services.auth.ways, pending.next if pending else "/", error=_FAILED, status=401)
        answer = await shown(request, services, page)
    else:
        answer = bounce(pending.next)
        if sessions is not None:
            await sessions.open(request, answer, person, before=pending.before)
    drop_cookie(request, answer, PROVIDER)
    return answer


def redirect_uri(request: Request, services: Services) -> str:
    """Returns where the provider sends the browser back to."""
    return base_of(request, services) + "/sign-in/callback"


def base_of(request: Request, services: Services) -> str:
    """Returns the address that browsers know this gateway by."""
    return services.settings.public_url or f"{request.url.scheme}://{request.url.netloc}"


def _provider(services: Services) -> Provider:
    if services.auth.provider is None:
        raise ProblemError(code="not_found", detail="Nobody signs in at an identity provider here.")
    return services.auth.provider
