"""`placet worker` and `placet gateway`: the processes of a deployment."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from placet.cli._exits import ExitCode
from placet.cli._output import Output

if TYPE_CHECKING:
    from placet.engine.errors import SettingsError
    from placet.engine.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON document where a setting cannot be read.")]
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


def refuse_settings(out: Output, error: SettingsError) -> ExitCode:
    """Says which setting cannot be read, and returns the exit code."""
    out.document({"title": "Not done", "code": "usage", "detail": str(error)})
    out.warn(str(error))
    return ExitCode.USAGE


def worker(*, as_json: AsJson = False) -> None:
    """Run the worker: it executes runs, tools and models, and approvals."""
    import placet.worker  # noqa: PLC0415

    leave(placet.worker.main(_settings(as_json=as_json)))


def gateway(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = LOOPBACK,
    port: Annotated[int, typer.Option(help="The port to listen on.", min=0, max=65535)] = PORT,
    *,
    as_json: AsJson = False,
) -> None:
    """Run the gateway: people and programs ask and decide over HTTP."""
    import placet.api  # noqa: PLC0415

    leave(placet.api.serve(_settings(as_json=as_json), host, port))


def _settings(*, as_json: bool) -> Settings:
    from placet.engine.errors import SettingsError  # noqa: PLC0415
    from placet.engine.settings import Settings  # noqa: PLC0415

    try:
        return Settings.from_environment()
    except SettingsError as error:
        raise typer.Exit(refuse_settings(Output(as_json=as_json), error)) from None


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(worker)
    app.command()(gateway)
