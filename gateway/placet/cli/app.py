"""The Typer app, put together from one module a subject.

A module of commands has a function `register(app)` and imports at its top nothing that takes time (the standard
library, Typer): `placet --help` loads them all. To add commands, write the module and add it to `MODULES`.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Final

import typer

from placet.cli import accounts, approvals, doctor, keys, policy, runs, schema, serve, signing_in, up, watch
from placet.cli._group import Commands

MODULES: Final = (up, runs, approvals, watch, doctor, policy, keys, accounts, signing_in, schema, serve)
"""In the order in which `placet --help` lists their commands."""


def print_version(*, wanted: bool) -> None:
    """Prints the version and ends, where `--version` was given."""
    if wanted:
        typer.echo(f"placet {version('placet')}")
        raise typer.Exit


def root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and end.", callback=print_version, is_eager=True),
    ] = False,
) -> None:
    """Puts a person in front of the calls that matter."""


def build() -> typer.Typer:
    """Returns the app with the commands of every module."""
    built = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False)
    built.callback()(root)
    for module in MODULES:
        module.register(built)
    return built


app: Final = build()
