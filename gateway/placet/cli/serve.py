"""`placet worker` and `placet gateway`: the processes of a deployment."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from placet.engine.settings import Settings

LOOPBACK = "127.0.0.1"
PORT = 7117


def leave(code: int) -> NoReturn:
    """Ends the process with this exit code, without the interpreter's tear-down.

    The native part of temporalio 1.35 can crash while the interpreter ends, and a clean run would be reported as
    ended by a signal.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def worker() -> None:
    """Run the worker: it executes runs, tools and models, and approvals."""
    import placet.worker  # noqa: PLC0415

    leave(placet.worker.main(_settings()))


def gateway(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = LOOPBACK,
    port: Annotated[int, typer.Option(help="The port to listen on.", min=0, max=65535)] = PORT,
) -> None:
    """Run the gateway: people and programs ask and decide over HTTP."""
    import placet.api  # noqa: PLC0415

    leave(placet.api.serve(_settings(), host, port))


def _settings() -> Settings:
    from placet.engine.errors import SettingsError  # noqa: PLC0415
    from placet.engine.settings import Settings  # noqa: PLC0415

    try:
        return Settings.from_environment()
    except SettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(worker)
    app.command()(gateway)
