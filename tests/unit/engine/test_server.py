"""How a local server is started."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml

from placet.engine.programs import Kind, Program
from placet.engine.server import PORTS, TEMPORAL, UI, server_command, ui_command

NUMBERS = {port.name: 20000 + index for index, port in enumerate(PORTS)}
BUILT = Program(kind=Kind.SERVER, path=Path("/bin/temporal-server"), origin="built")
CLI = Program(kind=Kind.CLI, path=Path("/bin/temporal"), origin="on PATH")


def config_of(folder: Path) -> dict[str, Any]:
    arguments = server_command(BUILT, folder, NUMBERS).arguments
    return yaml.safe_load(Path(arguments[arguments.index("--config-file") + 1]).read_text())


def test_a_built_server_listens_on_loopback_only(tmp_path: Path) -> None:
    services = config_of(tmp_path)["services"]
    assert set(services) == {"frontend", "history", "matching", "worker"}
    assert {service["rpc"]["bindOnIP"] for service in services.values()} == {"127.0.0.1"}
    assert services["frontend"]["rpc"]["grpcPort"] == NUMBERS[TEMPORAL.name]


def test_no_two_services_share_a_port(tmp_path: Path) -> None:
    services = config_of(tmp_path)["services"].values()
    numbers = [number for service in services for name, number in service["rpc"].items() if name.endswith("Port")]
    assert len(numbers) == len(set(numbers)) == 9


def test_a_built_server_keeps_its_state_in_a_file_with_a_write_ahead_log(tmp_path: Path) -> None:
    folder = tmp_path / "a b%41?#"
    folder.mkdir()
    sql = config_of(folder)["persistence"]["datastores"]["file"]["sql"]
    assert unquote(sql["databaseName"]) == str(folder / "temporal.db")
    assert not set(" ?#") & set(sql["databaseName"])
    assert (sql["connectAttributes"]["journal_mode"], sql["connectAttributes"]["setup"]) == ("wal", "true")


def test_task_queues_have_one_partition(tmp_path: Path) -> None:
    dynamic = yaml.safe_load(Path(config_of(tmp_path)["dynamicConfigClient"]["filepath"]).read_text())
    assert dynamic["matching.numTaskqueueReadPartitions"] == [{"value": 1}]
    assert dynamic["matching.numTaskqueueWritePartitions"] == [{"value": 1}]


def test_the_command_line_gets_the_same_file_ports_and_limits(tmp_path: Path) -> None:
    arguments = server_command(CLI, tmp_path, NUMBERS).arguments
    assert arguments[:3] == ("/bin/temporal", "server", "start-dev")
    given = dict(pairwise(arguments))
    assert given["--db-filename"] == str(tmp_path / "temporal.db")
    assert (given["--ip"], given["--ui-ip"]) == ("127.0.0.1", "127.0.0.1")
    assert (given["--port"], given["--ui-port"]) == (str(NUMBERS[TEMPORAL.name]), str(NUMBERS[UI.name]))
    assert "matching.numTaskqueueReadPartitions=1" in arguments
    assert "system.forceSearchAttributesCacheRefreshOnRead=true" in arguments


def test_a_server_does_not_see_a_clients_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "elsewhere:7233")
    monkeypatch.setenv("TEMPORAL_SERVICES", "frontend")
    for program in (BUILT, CLI):
        environment = server_command(program, tmp_path, NUMBERS).environment
        assert not [name for name in environment if name.startswith("TEMPORAL_")]
        assert "PATH" in environment


def test_the_ui_speaks_to_the_server_next_to_it(tmp_path: Path) -> None:
    ui_command(Path("/bin/temporal-ui"), tmp_path, NUMBERS)
    config = yaml.safe_load((tmp_path / "ui.yaml").read_text())
    assert config["temporalGrpcAddress"] == f"127.0.0.1:{NUMBERS[TEMPORAL.name]}"
    assert (config["host"], config["port"]) == ("127.0.0.1", NUMBERS[UI.name])
