"""The deployment of `docker-compose.yml`: what it publishes, what it needs, and its scripts on the real programs.

No Docker engine is needed: the file is read, and what its services run is run here.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
import pytest
import yaml
from temporalio.envconfig import ClientConfigProfile
from typer.testing import CliRunner

from placet.cli.app import app
from placet.engine.building import SERVER
from placet.engine.preparing import prepare
from placet.engine.programs import obtain_server
from placet.engine.progress import say_on_stderr
from placet.engine.settings import Settings
from placet_testing.deployment import Deployment
from placet_testing.postgres import LocalPostgres, mortal_postgres
from placet_testing.servers import unavailable

FILE: Final = Path(__file__).parents[2] / "docker-compose.yml"
COMPOSE: Final[dict[str, Any]] = yaml.safe_load(FILE.read_text())
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
LASTING: Final = {name for name, service in SERVICES.items() if service["restart"] == "unless-stopped"}
SECRETS: Final = {"LEDGER_PASSWORD": "ledger1", "TEMPORAL_DB_PASSWORD": "temporal1"}
PORTS: Final = (
    *("FRONTEND_GRPC", "FRONTEND_MEMBERSHIP", "FRONTEND_HTTP", "INTERNAL_FRONTEND_HTTP"),
    *("MATCHING_GRPC", "MATCHING_MEMBERSHIP", "HISTORY_GRPC", "HISTORY_MEMBERSHIP"),
    *("WORKER_GRPC", "WORKER_MEMBERSHIP"),
)


def script(name: str) -> str:
    """Returns a script of the file as its container gets it."""
    return str(COMPOSE["configs"][name]["content"]).replace("$$", "$")


def test_only_the_gateway_and_the_ui_are_published_and_only_to_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"gateway": ["127.0.0.1:7117:7117"], "temporal-ui": ["127.0.0.1:8080:8080"]}


def test_what_lasts_says_how_it_is_and_what_begins_waits_for_what_it_needs() -> None:
    assert {"postgres", "temporal", "temporal-ui", "gateway", "worker"} == LASTING
    assert all("healthcheck" in SERVICES[name] for name in LASTING)
    for service in SERVICES.values():
        for needed, how in service.get("depends_on", {}).items():
            wanted = "service_healthy" if needed in LASTING else "service_completed_successfully"
            assert how["condition"] == wanted, needed


def test_versions_are_named_and_the_server_is_the_one_that_the_tests_use() -> None:
    images = {name: service["image"] for name, service in SERVICES.items() if "image" in service}
    assert all(":" in image and not image.endswith(":latest") for image in images.values())
    for name in ("temporal", "temporal-schema", "temporal-namespace"):
        assert images[name].endswith(f":{SERVER.version}"), images[name]


def test_no_secret_has_a_default() -> None:
    text = FILE.read_text()
    for name in (*SECRETS, "POSTGRES_PASSWORD", "PLACET_DIR"):
        assert f"${{{name}:?" in text
        assert f"${{{name}:-" not in text


def test_the_gateway_is_told_what_sign_in_needs_where_the_deployment_says_it() -> None:
    told = SERVICES["gateway"]["environment"]
    for name in ("PLACET_PUBLIC_URL", "PLACET_TRUSTED_PROXIES", "PLACET_OIDC_SECRET"):
        assert told[name] == f"${{{name}:-}}", "an empty variable counts as absent"
        assert name not in SERVICES["worker"]["environment"]
    nothing = Settings.from_environment(dict.fromkeys(told, ""))
    assert (nothing.public_url, nothing.trusted_proxies) == (None, ())


@pytest.mark.parametrize("name", ["gateway", "worker"])
def test_its_commands_are_commands(name: str) -> None:
    program, command, *arguments = SERVICES[name]["command"]
    assert program == "placet"
    told = CliRunner().invoke(app, [command, "--help"]).output
    assert all(argument in told for argument in arguments if argument.startswith("--"))
    assert SERVICES[name]["read_only"]
    assert SERVICES[name]["cap_drop"] == ["ALL"]


@pytest.mark.repeated
@pytest.mark.timeout(600)
def test_its_scripts_and_settings_carry_an_approval(tmp_path: Path) -> None:
    with mortal_postgres() as postgres:
        if postgres is None:
            unavailable("PostgreSQL's programs are not here (Debian: apt-get install postgresql)")
        make_databases(postgres, tmp_path)
        with temporal_on(postgres, tmp_path) as address:
            ledger = f"postgresql://placet:{SECRETS['LEDGER_PASSWORD']}@127.0.0.1:{postgres.server.port}/placet"
            deployment = Deployment(tmp_path, address, "placet", ledger, environment={"TEMPORAL_NAMESPACE": "placet"})
            try:
                deployment.up()
                run = deployment.run([{"tool": "send", "args": {"text": "composed"}}])
                (asked,) = deployment.pending(run)
                assert deployment.decide(asked).status_code == httpx.codes.OK
                assert deployment.finished(run)["status"] == "completed"
                assert len(deployment.effects("composed")) == 1
            finally:
                deployment.close()


def make_databases(postgres: LocalPostgres, folder: Path) -> None:
    """Runs the scripts that make databases and tables, the second one twice: an upgrade runs it again."""
    version = SERVICES["temporal"]["image"].partition(":")[2]
    source = Path(json.loads(_go("mod", "download", "-json", f"go.temporal.io/server@v{version}"))["Dir"])
    subprocess.run(("go", "build", "-o", str(folder / "temporal-sql-tool"), "./cmd/tools/sql"), cwd=source, check=True)
    port = str(postgres.server.port)
    surroundings = {
        **os.environ,
        **SECRETS,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": port,
        "SQL_HOST": "127.0.0.1",
        "SQL_PORT": port,
        "SQL_PLUGIN": "postgres12",
        "SQL_USER": "temporal",
        "SQL_PASSWORD": SECRETS["TEMPORAL_DB_PASSWORD"],
        "TABLES": str(source / "schema/postgresql/v12"),
    }
    for name in ("databases", "schema", "schema"):
        done = subprocess.run(("sh", "-c", script(name)), env=surroundings, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]


@contextmanager
def temporal_on(postgres: LocalPostgres, folder: Path) -> Generator[str]:
    """Starts the server as its container does, and makes the namespace."""
    # Temporal keeps the port of a member in two bytes with a sign.
    numbers = Random(os.getpid()).sample(range(20_000, 32_000), len(PORTS))  # noqa: S311 - no secret
    (folder / "dynamic.yaml").write_text(script("dynamic"))
    given = SERVICES["temporal"]["environment"]
    surroundings = {
        **os.environ,
        **{name: str(value) for name, value in given.items()},
        **{f"{name}_PORT": str(number) for name, number in zip(PORTS, numbers, strict=True)},
        "POSTGRES_SEEDS": "127.0.0.1",
        "DB_PORT": str(postgres.server.port),
        "BIND_ON_IP": "127.0.0.1",
        "POSTGRES_PWD": SECRETS["TEMPORAL_DB_PASSWORD"],
        "DYNAMIC_CONFIG_FILE_PATH": str(folder / "dynamic.yaml"),
        "NUM_HISTORY_SHARDS": "4",
    }
    with (folder / "temporal-server.log").open("w") as log:
        command = (str(obtain_server(say_on_stderr).path), "start")
        process = subprocess.Popen(command, env=surroundings, stdout=log, stderr=log, cwd=folder)
    address = f"127.0.0.1:{numbers[0]}"
    settings = Settings(temporal=ClientConfigProfile(address=address, namespace="placet"))
    try:
        asyncio.run(prepare(settings, own=True, patience=timedelta(seconds=60)))
        yield address
    finally:
        process.kill()
        process.wait()


def _go(*arguments: str) -> str:
    if shutil.which("go") is None:
        unavailable("Go is not here, to build Temporal's tool for its tables")
    return subprocess.run(("go", *arguments), check=True, capture_output=True, text=True, cwd="/").stdout.strip()
