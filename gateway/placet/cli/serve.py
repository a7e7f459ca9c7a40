"""`placet worker` and `placet gateway`: the processes of a deployment."""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer

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
    from placet.engine.settings import Settings  # noqa: PLC0415

    leave(placet.worker.main(Settings.from_environment()))


def gateway(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = LOOPBACK,
    port: Annotated[int, typer.Option(help="The port to listen on.", min=0, max=65535)] = PORT,
) -> None:
    """Run the gateway: people and programs ask and decide over HTTP."""
    import placet.api  # noqa: PLC0415
    from placet.engine.settings import Settings  # noqa: PLC0415

    leave(placet.api.serve(Settings.from_environment(), host, port))


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command()(worker)
    app.command()(gateway)
