"""How a local Temporal server and its UI are started: command lines and config files."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import yaml

from placet.engine.ports import LOOPBACK, Port
from placet.engine.programs import Kind, Program

TEMPORAL: Final = Port(name="Temporal server", usual=7233, shown=True)
UI: Final = Port(name="Temporal UI", usual=8233, shown=True)
_SERVICES: Final = ("frontend", "history", "matching", "worker")
_INSIDE: Final = tuple(
    Port(name=f"temporal {service} {use}")
    for service in _SERVICES
    for use in ("grpc", "membership")
    if (service, use) != ("frontend", "grpc")
)
_HTTP: Final = Port(name="temporal frontend http")
PORTS: Final = (TEMPORAL, UI, _HTTP, *_INSIDE)
"""All that a local server with its UI listens on."""

_DYNAMIC: Final[Mapping[str, object]] = {
    # One partition a queue: with one worker, four of them let tasks wait for a poller of another partition.
    "matching.numTaskqueueReadPartitions": 1,
    "matching.numTaskqueueWritePartitions": 1,
    # Search attributes are created at the first start and used in the same second.
    "system.forceSearchAttributesCacheRefreshOnRead": True,
    # The limits are made for a cluster that many share; here they would only slow one person down.
    "frontend.persistenceMaxQPS": 10000,
    "history.persistenceMaxQPS": 45000,
    "frontend.namespaceRPS.visibility": 100,
}


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command line with the environment that it needs."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]


def server_command(program: Program, folder: Path, ports: Mapping[str, int]) -> Command:
    """Returns how to start the server on a SQLite file in the folder, and writes the config files that it reads.

    Args:
        program: The server.
        folder: An existing folder that the server keeps everything in.
        ports: A number for each of `PORTS`.
    """
    if program.kind is Kind.CLI:
        return Command(arguments=_cli_arguments(program, folder, ports), environment=_environment())
    _forget_members(folder / "temporal.db")
    dynamic = folder / "dynamic.yaml"
    _write(dynamic, {name: [{"value": value}] for name, value in _DYNAMIC.items()})
    config = folder / "temporal.yaml"
    _write(config, _config(folder, dynamic, ports))
    arguments = (str(program.path), "--config-file", str(config), "--allow-no-auth", "start")
    return Command(arguments=arguments, environment=_environment())


def ui_command(program: Path, folder: Path, ports: Mapping[str, int]) -> Command:
    """Returns how to start the UI of a bare server, and writes its config file into the folder."""
    config = {
        "host": LOOPBACK,
        "port": ports[UI.name],
        "temporalGrpcAddress": f"{LOOPBACK}:{ports[TEMPORAL.name]}",
        "enableUi": True,
        "defaultNamespace": "default",
        "disableNewsFetch": True,
        "cors": {"cookieInsecure": True},
    }
    _write(folder / "ui.yaml", config)
    arguments = (str(program), "--root", str(folder), "--config", ".", "--env", "ui", "start")
    return Command(arguments=arguments, environment=_environment())


def _forget_members(database: Path) -> None:
    # The server looks for the members of its last run before it serves. It is alone: on other ports than last time it
    # would wait for half a minute for nobody, again and again.
    if not database.exists():
        return
    with closing(sqlite3.connect(database)) as connection, connection:
        try:
            connection.execute("DELETE FROM cluster_membership")
        except sqlite3.OperationalError as error:
            # Killed before its first start had made the tables.
            if "no such table" not in str(error):
                raise


def _environment() -> dict[str, str]:
    # The server reads TEMPORAL_… for its own settings; a client's would change what it starts.
    return {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}


def _cli_arguments(program: Program, folder: Path, ports: Mapping[str, int]) -> tuple[str, ...]:
    dynamic = [f"{name}={str(value).lower()}" for name, value in _DYNAMIC.items()]
    return (
        *(str(program.path), "server", "start-dev", "--db-filename", str(folder / "temporal.db")),
        *("--sqlite-pragma", "journal_mode=wal", "--ip", LOOPBACK, "--ui-ip", LOOPBACK),
        *("--port", str(ports[TEMPORAL.name]), "--ui-port", str(ports[UI.name])),
        *("--http-port", str(ports[_HTTP.name]), "--log-level", "warn"),
        *(word for value in dynamic for word in ("--dynamic-config-value", value)),
    )


def _config(folder: Path, dynamic: Path, ports: Mapping[str, int]) -> dict[str, object]:
    frontend = f"{LOOPBACK}:{ports[TEMPORAL.name]}"
    cluster = {
        "enabled": True,
        "initialFailoverVersion": 1,
        "rpcName": "frontend",
        "rpcAddress": frontend,
        "httpAddress": f"{LOOPBACK}:{ports[_HTTP.name]}",
    }
    archival = {"history": {"state": "disabled"}, "visibility": {"state": "disabled"}}
    return {
        "log": {"stdout": True, "level": "warn"},
        "persistence": {
            "defaultStore": "file",
            "visibilityStore": "file",
            "numHistoryShards": 1,
            "datastores": {"file": {"sql": _sqlite(folder / "temporal.db")}},
        },
        "global": {"membership": {"maxJoinDuration": "30s", "broadcastAddress": LOOPBACK}},
        "services": {service: {"rpc": _rpc(service, ports)} for service in _SERVICES},
        "clusterMetadata": {
            "enableGlobalNamespace": False,
            "failoverVersionIncrement": 10,
            "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {"active": cluster},
        },
        "dcRedirectionPolicy": {"policy": "noop"},
        "archival": archival,
        "namespaceDefaults": {"archival": archival},
        "publicClient": {"hostPort": frontend},
        "dynamicConfigClient": {"filepath": str(dynamic), "pollInterval": "60s"},
    }


def _sqlite(path: Path) -> dict[str, object]:
    # The name becomes part of a `file:` URI.
    return {
        "pluginName": "sqlite",
        "databaseName": quote(str(path)),
        "connectAddr": "localhost",
        "connectProtocol": "tcp",
        "connectAttributes": {
            "mode": "rwc",
            "cache": "private",
            "setup": "true",
            "journal_mode": "wal",
            "synchronous": "2",
            "busy_timeout": "10000",
        },
        "maxConns": 1,
        "maxIdleConns": 1,
    }


def _rpc(service: str, ports: Mapping[str, int]) -> dict[str, object]:
    membership = ports[f"temporal {service} membership"]
    if service == "frontend":
        grpc = ports[TEMPORAL.name]
        return {"grpcPort": grpc, "membershipPort": membership, "httpPort": ports[_HTTP.name], "bindOnIP": LOOPBACK}
    return {"grpcPort": ports[f"temporal {service} grpc"], "membershipPort": membership, "bindOnIP": LOOPBACK}


def _write(path: Path, content: object) -> None:
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
