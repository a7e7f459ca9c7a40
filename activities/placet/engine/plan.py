"""What `placet up` starts: which processes, on which ports, with which settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from temporalio.envconfig import ClientConfigProfile

from placet.engine import data_folder, server
from placet.engine.children import Child
from placet.engine.errors import ProvisionError
from placet.engine.ports import LOOPBACK, Port, choose
from placet.engine.probes import answers, listens
from placet.engine.programs import Kind, Program, obtain_server, obtain_ui
from placet.engine.progress import Say
from placet.engine.server import Command
from placet.engine.settings import GATEWAY_PORT, NAMESPACE, Settings, sqlite_url

WORKER_GRACE: Final = timedelta(seconds=8)
"""How long started tools may go on when `placet up` is stopped."""
_MARGIN: Final = timedelta(seconds=2)
_GATEWAY: Final = "gateway"

Serving = Callable[[str], Sequence[str]]
"""Takes `worker` or `gateway` and returns the command line that runs it."""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a person asks of `placet up`.

    Attributes:
        data: The folder that everything is kept in.
        config: The agents and the policy; None for approvals alone.
        port: The gateway's port, where one was asked for.
        environ: The environment that the children are given, with ours on top.
    """

    data: Path
    config: Path | None = None
    port: int | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that is started, and where it can be reached then.

    Attributes:
        groups: The children; a later group is stopped before an earlier one.
        settings: The settings that the children are given too.
        own: Whether the Temporal server is one of the children.
    """

    groups: Sequence[Sequence[Child]]
    settings: Settings
    own: bool


def placet(verb: str) -> Sequence[str]:
    """Returns the command line of `placet worker` or `placet gateway`, whatever is on PATH."""
    return (sys.executable, "-P", "-m", "placet.cli", verb)


def make_plan(wishes: Wishes, say: Say, serving: Serving = placet) -> Plan:
    """Finds or provides Temporal, chooses ports, writes config files, and returns what to start.

    Raises:
        TemporalMissing: There is no way to a Temporal server.
    """
    given = given_temporal(wishes.environ)
    if given is not None:
        ports = choose([_gateway_port(wishes)], wishes.data / data_folder.PORTS, say)
        settings = _settings(wishes, ports, given, wishes.environ.get("PLACET_TEMPORAL_UI_URL"))
        return Plan(groups=[_ours(wishes, ports, settings, serving, own=False)], settings=settings, own=False)
    program = obtain_server(say)
    ui = _ui(program, say)
    ports = choose([_gateway_port(wishes), *server.PORTS], wishes.data / data_folder.PORTS, say)
    profile = ClientConfigProfile(address=f"{LOOPBACK}:{ports[server.TEMPORAL.name]}", namespace=NAMESPACE)
    has_ui = program.kind is Kind.CLI or ui is not None
    settings = _settings(wishes, ports, profile, f"http://{LOOPBACK}:{ports[server.UI.name]}" if has_ui else None)
    temporal = [_server(program, wishes, ports)]
    if ui is not None:
        temporal.append(_ui_child(ui, wishes, ports))
    ours = _ours(wishes, ports, settings, serving, own=True)
    return Plan(groups=[temporal, ours], settings=settings, own=True)


def given_temporal(environ: Mapping[str, str]) -> ClientConfigProfile | None:
    """Returns the Temporal that the environment names, or None where a local one is wanted.

    A profile file alone names none: who has one for a cluster still wants `placet up` to be local.
    """
    given = {name: value for name, value in environ.items() if value}
    if not given.keys() & {"TEMPORAL_ADDRESS", "TEMPORAL_PROFILE"}:
        return None
    profile = Settings.from_environment(given).temporal
    return profile if profile.address else None


def _gateway_port(wishes: Wishes) -> Port:
    return Port(name=_GATEWAY, usual=GATEWAY_PORT, wished=wishes.port, shown=True)


def _settings(wishes: Wishes, ports: Mapping[str, int], temporal: ClientConfigProfile, ui: str | None) -> Settings:
    base = Settings.from_environment(wishes.environ)
    data = wishes.data.absolute()
    return Settings(
        data=data,
        config=wishes.config.absolute() if wishes.config else None,
        ledger_url=wishes.environ.get("PLACET_LEDGER_URL") or sqlite_url(data / "ledger.db"),
        url=f"http://{LOOPBACK}:{ports[_GATEWAY]}",
        api_key=base.api_key,
        task_queue=base.task_queue,
        temporal=temporal,
        temporal_ui=ui,
        shutdown_grace=WORKER_GRACE,
    )


def _ui(program: Program, say: Say) -> Path | None:
    if program.kind is Kind.CLI:
        return None
    try:
        return obtain_ui(say)
    except ProvisionError as error:
        say(f"There will be no Temporal UI: {error}")
        return None


def _server(program: Program, wishes: Wishes, ports: Mapping[str, int]) -> Child:
    folder = (wishes.data / data_folder.TEMPORAL).absolute()
    return Child(
        name=server.TEMPORAL.name,
        command=server.server_command(program, folder, ports),
        log=_log(wishes, "temporal"),
        ready=lambda: listens(ports[server.TEMPORAL.name]),
    )


def _ui_child(program: Path, wishes: Wishes, ports: Mapping[str, int]) -> Child:
    folder = (wishes.data / data_folder.TEMPORAL).absolute()
    return Child(
        name=server.UI.name,
        command=server.ui_command(program, folder, ports),
        log=_log(wishes, "temporal-ui"),
        ready=lambda: listens(ports[server.UI.name]),
    )


def _ours(wishes: Wishes, ports: Mapping[str, int], settings: Settings, serving: Serving, *, own: bool) -> list[Child]:
    base = _only_this_temporal(wishes.environ, settings) if own else dict(wishes.environ)
    environment = base | _environment(settings)
    data_folder.tell(wishes.data, environment)
    listen = ("--host", LOOPBACK, "--port", str(ports[_GATEWAY]))

    def child(name: str, arguments: Sequence[str], ready: Callable[[], Awaitable[bool]], grace: timedelta) -> Child:
        command = Command(arguments=(*serving(name), *arguments), environment=environment)
        return Child(name=name, command=command, log=_log(wishes, name), ready=ready, grace=grace)

    return [
        # The gateway knows whether a worker polls.
        child("worker", (), lambda: answers(f"{settings.url}/readyz"), WORKER_GRACE + _MARGIN),
        child(_GATEWAY, listen, lambda: answers(f"{settings.url}/healthz"), timedelta(seconds=5)),
    ]


def _environment(settings: Settings) -> dict[str, str]:
    return {
        "PLACET_DATA": str(settings.data),
        "PLACET_CONFIG": str(settings.config or ""),
        "PLACET_LEDGER_URL": settings.ledger_url,
        "PLACET_URL": settings.url,
        "PLACET_TASK_QUEUE": settings.task_queue,
        "PLACET_TEMPORAL_UI_URL": settings.temporal_ui or "",
        "PLACET_SHUTDOWN_GRACE": f"{WORKER_GRACE.total_seconds():.0f}s",
    }


def _only_this_temporal(environ: Mapping[str, str], settings: Settings) -> dict[str, str]:
    # Keys and certificates of a cluster, from the environment or a profile, are not for the local server.
    others = {name: value for name, value in environ.items() if not name.startswith("TEMPORAL_")}
    address = {"TEMPORAL_ADDRESS": settings.temporal_address, "TEMPORAL_NAMESPACE": settings.namespace}
    return others | address | {"TEMPORAL_CONFIG_FILE": os.devnull}


def _log(wishes: Wishes, name: str) -> Path:
    return wishes.data.absolute() / data_folder.LOGS / f"{name}.log"
