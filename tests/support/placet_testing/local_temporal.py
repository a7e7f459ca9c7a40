"""A real Temporal server for tests, by the same way as `placet up`'s."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from temporalio.envconfig import ClientConfigProfile

from placet.engine.launching import launched
from placet.engine.ports import LOOPBACK, Port, choose
from placet.engine.preparing import prepare
from placet.engine.programs import obtain_server
from placet.engine.progress import say_on_stderr, silent
from placet.engine.server import PORTS, TEMPORAL, server_command
from placet.engine.settings import Settings


@contextmanager
def local_temporal(folder: Path, *, limit: float = 40.0) -> Generator[str]:
    """Runs a Temporal server on a file in the folder and gives its address; it is killed at the end.

    A second call on the same folder continues with the same ports and the same state.
    """
    program = obtain_server(say_on_stderr)
    ports = choose([Port(name=port.name) for port in PORTS], folder / "ports.json", silent)
    command = server_command(program, folder, ports)
    address = f"{LOOPBACK}:{ports[TEMPORAL.name]}"
    settings = Settings(temporal=ClientConfigProfile(address=address, namespace="default"))
    with (folder / "temporal.log").open("ab") as log:
        process = subprocess.Popen(
            launched(command.arguments),
            env=dict(command.environment),
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        asyncio.run(prepare(settings, own=True, patience=timedelta(seconds=limit)))
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
