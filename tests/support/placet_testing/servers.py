"""Fixtures: the servers that tests talk to, each started once and provisioned where it is not there.

| fixture | scope | gives |
| --- | --- | --- |
| `temporal_server` | session | the address of a real Temporal server, namespace `default`, search attributes created |
| `temporal_client` | test | a client of that server, with Placet's data converter |
| `time_skipping` | test | a `WorkflowEnvironment` of its own whose clock runs ahead while everybody waits |
| `workflow_environment` | test | one of the two: time skipping, or the real server with `--temporal=real` |
| `task_queue` | test | the name of a queue that no other test uses |
| `postgres_url` | test | the SQLAlchemy URL of an empty PostgreSQL database |
| `langgraph_programs` | session | the programs that use LangGraph in JavaScript, beside their packages |
| `temporals_plugin` | session | the folder of Temporal's own LangGraph plugin |
| `oldest_langgraph_sdk` | session | the folder of the oldest Python SDK of LangGraph that is supported |

A time-skipping server's clock only goes on: compare nothing with it. The one of `workflow_environment` is shared by all
tests. What a machine lacks is provisioned before the first test, where no test's time limit counts and the progress can
be seen.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, NoReturn, Protocol, cast

import pytest
import pytest_asyncio
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.envconfig import ClientConfigProfile
from temporalio.testing import WorkflowEnvironment

from placet.engine.connection import connect, data_converter
from placet.engine.errors import EngineError, ProvisionError
from placet.engine.programs import obtain_server, obtain_ui
from placet.engine.progress import Say, say_on_stderr, silent
from placet.engine.search_attributes import SEARCH_ATTRIBUTES
from placet.engine.settings import Settings
from placet_testing.browser.chromium import chromium
from placet_testing.local_temporal import local_temporal
from placet_testing.node_packages import node_packages, node_program
from placet_testing.postgres import PostgresServer, postgres_server
from placet_testing.python_packages import python_packages
from placet_testing.time_skipping import time_skipping_server

LANGGRAPH_PROGRAMS: Final = Path(__file__).parent / "sdks" / "langgraph"
GRAPHS: Final = Path(__file__).parent / "graphs"
OLDEST_LANGGRAPH: Final = ("langgraph-oldest", GRAPHS / "requirements-oldest.txt")
DEEPAGENTS: Final = ("deepagents", GRAPHS / "requirements-deepagents.txt")
TEMPORALS_PLUGIN: Final = ("temporal-langgraph", GRAPHS / "requirements-plugin.txt")
OLDEST_LANGGRAPH_SDK: Final = ("langgraph-sdk-python", LANGGRAPH_PROGRAMS / "requirements-0.2.txt")

_PROVIDERS: Final[dict[str, Callable[[Say], object]]] = {
    "temporal_server": obtain_server,
    "temporal_ui": obtain_ui,
    "time_skipping": time_skipping_server,
    "_shared_skipping": time_skipping_server,
    "browser": chromium,
    "langgraph_programs": partial(node_packages, "langgraph-sdks", LANGGRAPH_PROGRAMS),
    "oldest_langgraph_sdk": partial(python_packages, *OLDEST_LANGGRAPH_SDK),
    "oldest_langgraph": partial(python_packages, *OLDEST_LANGGRAPH),
    "deepagents": partial(python_packages, *DEEPAGENTS),
    "temporals_plugin": partial(python_packages, *TEMPORALS_PLUGIN),
}

_TRIES_TO_START: Final = 5
_FROM_OUTSIDE: Final = frozenset({"e2e", "faults"})
"""Folders of tests that start `placet up` without a fixture of this module."""


class _Capture(Protocol):
    """The part of pytest's capturing that lets the progress through."""

    def global_and_fixture_disabled(self) -> AbstractContextManager[None]: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--temporal",
        choices=["time-skipping", "real"],
        default="time-skipping",
        help="the server that `workflow_environment` gives to workflow tests",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Provisions what the collected tests need; a failure is told by the fixture of each test that needs it."""
    if session.config.option.collectonly:
        return
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if "workflow_environment" in wanted:
        wanted.add(_chosen(session.config))
    if any(_FROM_OUTSIDE.intersection(item.path.parts) for item in session.items):
        wanted |= {"temporal_server", "temporal_ui"}
    capture = cast("_Capture", session.config.pluginmanager.getplugin("capturemanager"))
    for name in sorted(wanted & _PROVIDERS.keys()):
        with capture.global_and_fixture_disabled():
            try:
                _PROVIDERS[name](say_on_stderr)
            except EngineError as error:
                say_on_stderr(str(error))


@pytest.fixture(scope="session")
def temporal_server() -> Iterator[str]:
    """The address of a real Temporal server that all tests share."""
    # Not under pytest's own folder: a socket or a database of a killed run must not be met again.
    folder = Path(tempfile.mkdtemp(prefix="placet-temporal-"))
    try:
        with local_temporal(folder) as address:
            yield address
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def temporal_settings(temporal_server: str, task_queue: str, tmp_path: Path) -> Settings:
    """Settings for the real server, with a queue and a data folder of the test's own."""
    profile = ClientConfigProfile(address=temporal_server, namespace="default")
    return Settings(temporal=profile, task_queue=task_queue, data=tmp_path)


@pytest.fixture
async def temporal_client(temporal_settings: Settings) -> Client:
    """A client of the real server."""
    return await connect(temporal_settings)


async def _started(program: str | None) -> WorkflowEnvironment:
    """Starts the server; the SDK gives it five seconds, in which a busy machine starts no Java."""
    start = partial(
        WorkflowEnvironment.start_time_skipping, test_server_existing_path=program, data_converter=data_converter()
    )
    for _ in range(_TRIES_TO_START - 1):
        with suppress(RuntimeError):
            return await start()
    return await start()


@asynccontextmanager
async def _skipping_server() -> AsyncGenerator[WorkflowEnvironment]:
    try:
        program, reason = str(time_skipping_server(silent)), ""
    except ProvisionError as error:
        # The SDK downloads it where it can.
        program, reason = None, str(error)
    try:
        environment = await _started(program)
    except RuntimeError as error:
        unavailable(f"{reason}; {error}")
    async with environment:
        # This server cannot list search attributes, so they are added without a look.
        request = AddSearchAttributesRequest(
            namespace=environment.client.namespace, search_attributes=SEARCH_ATTRIBUTES
        )
        await environment.client.operator_service.add_search_attributes(request)
        yield environment


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _shared_skipping() -> AsyncIterator[WorkflowEnvironment]:
    async with _skipping_server() as environment:
        yield environment


@pytest_asyncio.fixture
async def time_skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A server of the test's own on which three days pass in milliseconds while it awaits a result.

    Of its own, since one task that another test left unpolled would keep time from being skipped.
    """
    async with _skipping_server() as environment:
        yield environment


@pytest.fixture
def workflow_environment(request: pytest.FixtureRequest) -> WorkflowEnvironment:
    """The server of workflow tests: time skipping, or the real one with `--temporal=real`."""
    chosen: object = request.getfixturevalue(_chosen(request.config))
    if isinstance(chosen, WorkflowEnvironment):
        return chosen
    client: object = request.getfixturevalue("temporal_client")
    assert isinstance(client, Client)
    return WorkflowEnvironment.from_client(client)


@pytest.fixture
def task_queue() -> str:
    """A queue that no other test uses."""
    return f"placet-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def _postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        if server is None:
            unavailable(
                "neither PostgreSQL's programs nor a Docker engine are here (Debian: apt-get install postgresql)"
            )
        yield server


@pytest.fixture
def postgres_url(_postgres: PostgresServer) -> Iterator[str]:
    """The SQLAlchemy URL of an empty PostgreSQL database, gone after the test."""
    with _postgres.database() as url:
        yield url


@pytest.fixture(scope="session")
def langgraph_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs that use LangGraph's JavaScript SDKs, beside their packages."""
    try:
        return node_program("langgraph-sdks", LANGGRAPH_PROGRAMS, tmp_path_factory.mktemp("langgraph"))
    except ProvisionError as error:
        unavailable(str(error))


@pytest.fixture(scope="session")
def oldest_langgraph_sdk() -> Path:
    """The folder of the oldest Python SDK of LangGraph that is supported, with what it needs."""
    return _packages(OLDEST_LANGGRAPH_SDK)


@pytest.fixture(scope="session")
def oldest_langgraph() -> Path:
    """The folder of the oldest LangGraph that graphs run on."""
    return _packages(OLDEST_LANGGRAPH)


@pytest.fixture(scope="session")
def deepagents() -> Path:
    """The folder of LangChain's deep agents."""
    return _packages(DEEPAGENTS)


@pytest.fixture(scope="session")
def temporals_plugin() -> Path:
    """The folder of Temporal's own LangGraph plugin."""
    return _packages(TEMPORALS_PLUGIN)


def _packages(wanted: tuple[str, Path]) -> Path:
    try:
        return python_packages(*wanted)
    except ProvisionError as error:
        unavailable(str(error))


def unavailable(reason: str) -> NoReturn:
    """Skips the test on a developer's machine that lacks something, and fails it in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _chosen(config: pytest.Config) -> str:
    return "temporal_server" if config.getoption("--temporal") == "real" else "_shared_skipping"
