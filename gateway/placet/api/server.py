"""The process: listens, answers, and stops when it is told to."""

from __future__ import annotations

import resource
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
import uvicorn

from placet.api.app import create_app
from placet.api.connections import Connection
from placet.api.errors import AccountFileError, GatewayError, ListeningError, LoopbackError
from placet.api.guards import is_loopback
from placet.engine.config_file import ConfigError, load
from placet.engine.errors import EngineError, SettingsError
from placet.engine.logs import configure_logs
from placet.engine.memory import keep_for_good
from placet.ledger import LedgerError
from placet.telemetry import tracing

if TYPE_CHECKING:
    import asyncio
    from types import FrameType

    from fastapi import FastAPI

    from placet.contracts.config import Config
    from placet.engine.settings import Settings

GRACE: Final = timedelta(seconds=15)
"""How long requests may go on after the process was told to stop: a decision takes at most 10 s."""
BACKLOG: Final = 1_024
FAILED: Final = 1
USAGE: Final = 2
INVALID: Final = 9
Refused = Callable[[int, str], None]

_log = structlog.stdlib.get_logger(__name__)


class _Server(uvicorn.Server):
    """Tells who waits that the process stops, and ends with an exit code: a clean stop is no death by signal."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begins to stop; a second SIGINT waits for nobody.

        Uvicorn's own keeps the signal and raises it once more after everything has ended well.
        """
        del frame
        self._stopping.set()
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def serve(settings: Settings, host: str, port: int, refused: Refused) -> int:
    """Answers over HTTP until SIGTERM or SIGINT, and returns the exit code of the process.

    Args:
        settings: Where the configuration, Temporal and the ledger are.
        host: The address to listen on; without `people` in the configuration only this machine's own.
        port: The port; 0 is any free one.
        refused: Is told the exit code and the reason where the gateway cannot start.
    """
    configure_logs()
    try:
        config = load(settings.config)
        check_address(config, host)
        listening = _listening(host, port)
        app = create_app(settings, config, tracing=tracing("placet-gateway"))
    except (EngineError, GatewayError, LedgerError) as error:
        code = _exit_code(error)
        _log.error("not_started", reason=str(error))
        refused(code, str(error))
        return code
    _allow_connections()
    keep_for_good()
    with listening:
        address = listening.getsockname()
        _log.info("gateway.started", host=address[0], port=address[1], local=config.people is None)
        _server(app).run(sockets=[listening])
    _log.info("gateway.stopped")
    return 0


def _exit_code(error: Exception) -> int:
    if isinstance(error, ConfigError | AccountFileError):
        return INVALID
    return USAGE if isinstance(error, SettingsError | LoopbackError) else FAILED


def check_address(config: Config, host: str) -> None:
    """Refuses to listen where strangers are, while nobody signs in.

    Raises:
        LoopbackError: The address is not this machine's own.
    """
    if config.people is None and not is_loopback(host):
        raise LoopbackError(host)


def _allow_connections() -> None:
    """Takes as many open files as the system lets it: each stream is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _listening(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except OSError as error:
        raise ListeningError(host, port, str(error)) from error


def listen(host: str, port: int) -> socket.socket:
    """Returns a socket that listens; an address that is taken is found out here, not later."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    # Connections inherit it. asyncio sets it only where the listener names its protocol, and this one does not; without
    # it the body of every answer waits for the client to acknowledge the headers: 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _server(app: FastAPI) -> _Server:
    config = uvicorn.Config(
        app,
        http=Connection,
        log_config=None,
        access_log=False,
        server_header=False,
        # Uvicorn's own would believe everybody on this machine.
        proxy_headers=False,
        timeout_graceful_shutdown=int(GRACE.total_seconds()),
        timeout_keep_alive=30,
        lifespan="on",
    )
    return _Server(config, app.state.services.stopping)
