"""`placet key create`: a key for a person or a program; only its digest goes into placet.yaml."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Annotated, Final

import typer

from placet.cli._exits import ExitCode
from placet.cli._options import AsJson
from placet.cli._output import Output

_PREFIX: Final = "placet_"
_BYTES: Final = 32
_USER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")


def create(user: Annotated[str, typer.Argument(metavar="USER")], *, as_json: AsJson = False) -> None:
    """Make a key, print it once, and print the line that lets its holder in."""
    out = Output(as_json=as_json)
    if not _USER.fullmatch(user):
        out.document({"title": "Not done", "code": "usage", "detail": "USER has other characters than a name takes."})
        out.warn("USER: letters, digits and . _ @ - only.")
        raise typer.Exit(ExitCode.USAGE)
    key = _PREFIX + secrets.token_urlsafe(_BYTES)
    digest = "sha256:" + hashlib.sha256(key.encode()).hexdigest()
    out.document({"user": user, "key": key, "sha256": digest})
    if not as_json:
        out.say(f"key for {user}, shown only now:")
        out.say(f"  {key}")
        out.say(f"line for placet.yaml, under people: users: {user}:")
        out.say(f'  keys: ["{digest}"]')


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    group = typer.Typer(no_args_is_help=True, help="Keys of people and programs.")
    # A group of one command would take its place without this.
    group.callback()(_nothing)
    group.command()(create)
    app.add_typer(group, name="key")


def _nothing() -> None:
    """Keys of people and programs."""
