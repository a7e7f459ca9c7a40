"""The cookies: the session's, the sign-in form's, and that of a sign-in that is under way at the provider.

Over https their names begin with `__Host-`: a browser then takes them from this host only, over https only, so that no
neighbouring subdomain can plant one. On this machine over http there is no such name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from datetime import timedelta

    from starlette.requests import Request
    from starlette.responses import Response

SESSION: Final = "placet_session"
SIGN_IN: Final = "placet_sign_in"
PROVIDER: Final = "placet_provider"
_HOST: Final = "__Host-"


def name_of(request: Request, cookie: str) -> str:
    """Returns the cookie's name on the way that the request came."""
    return f"{_HOST}{cookie}" if request.url.scheme == "https" else cookie


def read_cookie(request: Request, cookie: str) -> str | None:
    """Returns the cookie's value; one that came under the other way's name is none."""
    return request.cookies.get(name_of(request, cookie)) or None


def set_cookie(
    request: Request,
    response: Response,
    cookie: str,
    value: str,
    *,
    lasts: timedelta,
    same_site: Literal["strict", "lax"] = "strict",
) -> None:
    """Hands a cookie to the browser.

    Args:
        request: What is answered.
        response: The answer.
        cookie: Its name here.
        value: Its value.
        lasts: How long the browser keeps it.
        same_site: `lax` only where it has to come back from another site.
    """
    response.set_cookie(
        name_of(request, cookie),
        value,
        max_age=int(lasts.total_seconds()),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite=same_site,
    )


def drop_cookie(request: Request, response: Response, cookie: str) -> None:
    """Takes a cookie away from the browser."""
    response.delete_cookie(
        name_of(request, cookie), path="/", secure=request.url.scheme == "https", httponly=True, samesite="strict"
    )
