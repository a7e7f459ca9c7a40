"""Signing in, and who one is."""

from __future__ import annotations

from typing import Annotated

import typer

from placet.cli._options import AsJson
from placet.cli._session import perform


def login(
    *,
    browser: Annotated[bool, typer.Option(help="Open a browser on this machine.")] = True,
    seconds: Annotated[int, typer.Option("--timeout", min=1, max=3_600, help="Seconds to wait for you.")] = 300,
    as_json: AsJson = False,
) -> None:
    """Sign in through a browser, here or on another machine; the token is kept for this gateway."""
    from placet.cli import _signing_in  # noqa: PLC0415

    perform(lambda session: _signing_in.login(session, browser=browser, patience=seconds), as_json=as_json)


def logout(*, as_json: AsJson = False) -> None:
    """Sign out: end the session at the gateway and forget the token."""
    from placet.cli import _signing_in  # noqa: PLC0415

    perform(_signing_in.logout, as_json=as_json)


def whoami(*, as_json: AsJson = False) -> None:
    """Say whom the gateway takes you for, how it knows, and what you may do."""
    from placet.cli import _signing_in  # noqa: PLC0415

    perform(_signing_in.whoami, as_json=as_json)


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(login)
    app.command()(logout)
    app.command()(whoami)
