"""The pages of signing in, undressed; who serves a web inbox puts its own in their place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from starlette.responses import HTMLResponse

from placet.api.auth.csrf import CSRF_FIELD

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


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


Render = Callable[[SignInPage], "Response"]


def plain(page: SignInPage) -> Response:
    """Returns the page without any looks."""
    parts = ["<!doctype html><html lang=en><meta charset=utf-8><title>Sign in · Placet</title><h1>Sign in</h1>"]
    if page.error:
        parts.append(f'<p role="alert">{escape(page.error)}</p>')
    if "oidc" in page.ways:
        parts.append(f'<p><a href="{escape(provider_link(page))}">Sign in with your organisation</a></p>')
    if "account" in page.ways:
        parts.append(
            '<form method="post" action="/sign-in/account">'
            f'<input type="hidden" name="{CSRF_FIELD}" value="{escape(page.csrf)}">'
            f'<input type="hidden" name="next" value="{escape(page.next)}">'
            f'<p><label>Name <input name="user" autocomplete="username" value="{escape(page.user)}"></label></p>'
            '<p><label>Password <input name="password" type="password" autocomplete="current-password"></label></p>'
            "<p><button>Sign in</button></p></form>"
        )
    return HTMLResponse("\n".join(parts), page.status)


def rendered(request: Request, page: SignInPage) -> Response:
    """Returns the page as this gateway dresses it."""
    render = cast("Render", getattr(request.app.state, "sign_in_page", plain))
    return render(page)


def provider_link(page: SignInPage) -> str:
    """Returns the address that begins a sign-in at the identity provider."""
    return f"/sign-in/provider?next={quote(page.next, safe='')}{'&fresh=1' if page.fresh else ''}"


def bounce(path: str) -> Response:
    """Returns a page that goes on to a path of ours by itself.

    A browser sends a `SameSite=Strict` cookie only with what our own site asks for. Who comes from another one — a
    link in a message, the provider's redirect — is signed in all the same: this page is ours, and it asks.
    """
    text = (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Placet</title>"
        f'<meta http-equiv="refresh" content="0;url={escape(path)}"><a href="{escape(path)}">Go on</a>'
    )
    return HTMLResponse(text)


def safe_path(given: str | None) -> str:
    """Returns a path of this site to go on to; anything that may lead elsewhere becomes the first page."""
    path = given or "/"
    plain_path = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if plain_path and path.isascii() and len(path) < _LONGEST_PATH and ";" not in path else "/"


_LONGEST_PATH = 2_000
