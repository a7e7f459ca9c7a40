"""The page of signing in, as the rest of the inbox looks; what it leads to is `placet.api.auth`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placet.api.auth.pages import provider_link
from placet.web.answers import page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from placet.api.auth.pages import SignInPage


def sign_in_page(request: Request, shown: SignInPage) -> Response:
    """Returns the page."""
    return page(
        request,
        "sign_in.html",
        caller=None,
        status=shown.status,
        shown=shown,
        by_provider=provider_link(shown) if "oidc" in shown.ways else None,
        by_password="account" in shown.ways,
    )
