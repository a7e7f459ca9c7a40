"""`placet key`: keys for people and programs; only a key's digest goes into placet.yaml."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Annotated, Final

import typer

from placet.cli._exits import ExitCode
from placet.cli._options import AsJson
from placet.cli._output import Output
from placet.cli._session import perform

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


def list_keys(*, as_json: AsJson = False) -> None:
    """List your keys, and whether each counts; an admin sees everybody's."""
    from placet.cli import _signing_in  # noqa: PLC0415

    perform(_signing_in.list_keys, as_json=as_json)


def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key's id, as `placet key list` prints it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Put an end to a key, for ever and in every gateway; an admin to anybody's."""
    from placet.cli import _signing_in  # noqa: PLC0415

    perform(lambda session: _signing_in.revoke_key(session, key), as_json=as_json)


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    group = typer.Typer(no_args_is_help=True, help="Keys of people and programs.")
    group.command()(create)
    group.command("list")(list_keys)
    group.command()(revoke)
    app.add_typer(group, name="key")
