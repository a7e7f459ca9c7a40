"""`placet account hash`: a line for the account file."""

from __future__ import annotations

import sys
from typing import Annotated, Final

import typer

from placet.cli._exits import ExitCode
from placet.cli._options import AsJson
from placet.cli._output import Output

SHORTEST: Final = 12


def hash_password(user: Annotated[str, typer.Argument(metavar="USER")], *, as_json: AsJson = False) -> None:
    """Ask for a password, or read it from a pipe, and print the line that lets its owner in."""
    from argon2 import PasswordHasher  # noqa: PLC0415 - only here

    out = Output(as_json=as_json)
    password = _typed() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if len(password) < SHORTEST:
        detail = f"A password has at least {SHORTEST} characters."
        out.document({"title": "Not done", "code": "usage", "detail": detail})
        out.warn(detail)
        raise typer.Exit(ExitCode.USAGE)
    line = f"{user}:{PasswordHasher().hash(password)}"
    out.document({"user": user, "line": line})
    if not as_json:
        out.say(line)


def _typed() -> str:
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    group = typer.Typer(no_args_is_help=True, help="Passwords of the account file.")
    # A group of one command would take its place without this.
    group.callback()(_nothing)
    group.command("hash")(hash_password)
    app.add_typer(group, name="account")


def _nothing() -> None:
    """Passwords of the account file."""
