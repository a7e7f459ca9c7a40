"""`placet worker` and `placet gateway`: the processes of a deployment."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from placet.cli._exits import ExitCode
from placet.cli._output import Output

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placet.engine.errors import SettingsError
    from placet.engine.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON document where it cannot start. Logs go to stderr.")]
LOOPBACK = "127.0.0.1"
PORT = 7117
NOT_STARTED: Final[Mapping[int, str]] = {
    ExitCode.USAGE: "usage",
    ExitCode.INVALID: "invalid_input",
    ExitCode.UNREACHABLE: "unreachable",
}
"""The code in the document of a process that cannot start, by its exit code; else `not_started`."""


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
    refuse(out, ExitCode.USAGE, str(error))
    out.warn(str(error))
    return ExitCode.USAGE


def refuse(out: Output, code: int, reason: str) -> None:
    """Prints why nothing runs as a document, where that was asked for."""
    out.document({"title": "Not done", "code": NOT_STARTED.get(code, "not_started"), "detail": reason})


def worker(*, as_json: AsJson = False) -> None:
    """Run the worker: it executes runs, tools and models, and approvals.

    Exit codes: 0 it was told to stop, 2 a setting makes no sense or names an address that is taken, 9 placet.yaml or
    what it names is wrong, 69 nobody answers at Temporal's address.
    """
    import placet.worker  # noqa: PLC0415

    out = Output(as_json=as_json)

    def refused(code: int, reason: str) -> None:
        refuse(out, code, reason)
        out.warn(reason)

    leave(placet.worker.main(_settings(out), refused))


def gateway(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = LOOPBACK,
    port: Annotated[int, typer.Option(help="The port to listen on.", min=0, max=65535)] = PORT,
    *,
    as_json: AsJson = False,
) -> None:
    """Run the gateway: people and programs ask and decide over HTTP.

    Exit codes: 0 it was told to stop, 1 the port is taken, 2 a setting or the address makes no sense, 9 placet.yaml is
    wrong.
    """
    import placet.api  # noqa: PLC0415

    out = Output(as_json=as_json)
    # The log tells a person.
    leave(placet.api.serve(_settings(out), host, port, partial(refuse, out)))


def _settings(out: Output) -> Settings:
    from placet.engine.errors import SettingsError  # noqa: PLC0415
    from placet.engine.settings import Settings  # noqa: PLC0415

    try:
        return Settings.from_environment()
    except SettingsError as error:
        raise typer.Exit(refuse_settings(out, error)) from None


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(worker)
    app.command()(gateway)
