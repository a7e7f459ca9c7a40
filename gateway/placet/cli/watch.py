"""Following events."""

from __future__ import annotations

from typing import Annotated

import typer

from placet.cli._session import perform


def watch(
    *,
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="Only this run, from its start to its end.")
    ] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", metavar="TYPE", help="Only events of this type; may be repeated.")
    ] = None,
    after: Annotated[
        str | None, typer.Option("--after", metavar="EVENT", help="Continue behind the event of this id.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON an event; words for people go to stderr.")
    ] = False,
) -> None:
    """Follow events as they happen, until Ctrl-C; one run until it has ended."""
    from placet.cli import _watching  # noqa: PLC0415

    perform(lambda session: _watching.watch(session, run, types or (), after), as_json=as_json)


def register(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command()(watch)
