"""Fixtures: deployments whose processes tests may kill.

| fixture | scope | gives |
| --- | --- | --- |
| `deployment` | session | two gateways and a worker on the shared Temporal server and a SQLite ledger, all of them up |
| `mortal` | session | a gateway and a worker on a Temporal server that may be killed too, all of them up |
| `on_postgres` | session | a gateway and a worker with a ledger on a PostgreSQL server that may crash, all up |

All are shared: each test brings back what it has killed by asking for the fixture, and works on approvals of
its own.
"""

from __future__ import annotations

import shutil
import signal
import tempfile
import uuid
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from placet_testing.deployment import Deployment
from placet_testing.faults.histories import keep_all_of
from placet_testing.local_temporal import local_temporal
from placet_testing.postgres import LocalPostgres, mortal_postgres
from placet_testing.servers import unavailable


@dataclass
class Mortal(Deployment):
    """A deployment with a Temporal server of its own."""

    server: ExitStack = field(default_factory=ExitStack)

    def start_temporal(self) -> None:
        """Starts the server on its old state and ports; does nothing where it runs."""
        if not self.temporal:
            self.temporal = self.server.enter_context(local_temporal(self.folder / "temporal"))

    def kill_temporal(self) -> None:
        """Kills the server with -9."""
        self.server.close()
        self.temporal = ""

    def kill_everything(self) -> None:
        """Kills workers, gateways and Temporal with -9."""
        self.kill_workers()
        self.kill_gateways()
        self.kill_temporal()


@contextmanager
def folder_of(name: str) -> Generator[Path]:
    """Gives a folder that no killed run has left anything in."""
    folder = Path(tempfile.mkdtemp(prefix=f"placet-{name}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _deployment(temporal_server: str) -> Iterator[Deployment]:
    with folder_of("deployment") as folder:
        made = Deployment(folder, temporal_server, f"placet-{uuid.uuid4().hex[:12]}")
        try:
            yield made
            keep_all_of(made)
        finally:
            made.close()


@pytest.fixture
def deployment(_deployment: Deployment) -> Deployment:
    """Two gateways and a worker, all up."""
    _deployment.up(workers=1, gateways=2)
    return _deployment


@pytest.fixture(scope="session")
def _mortal() -> Iterator[Mortal]:
    with folder_of("mortal") as folder:
        (folder / "temporal").mkdir()
        made = Mortal(folder, "", f"placet-{uuid.uuid4().hex[:12]}")
        try:
            yield made
            keep_all_of(made)
        finally:
            made.close()
            made.kill_temporal()


@pytest.fixture
def mortal(_mortal: Mortal) -> Mortal:
    """A gateway, a worker and a Temporal server, all up."""
    _mortal.start_temporal()
    _mortal.up(workers=1, gateways=1)
    return _mortal


@dataclass
class OnPostgres(Deployment):
    """A deployment with a PostgreSQL server of its own."""

    postgres: LocalPostgres | None = None

    def start_postgres(self) -> None:
        """Starts the server where it does not run."""
        assert self.postgres is not None
        self.postgres.start()

    def crash_postgres(self) -> None:
        """Stops the server as a crash would."""
        assert self.postgres is not None
        self.postgres.stop(signal.SIGQUIT)


@pytest.fixture(scope="session")
def _on_postgres(temporal_server: str) -> Iterator[OnPostgres]:
    with folder_of("on-postgres") as folder, mortal_postgres() as postgres:
        if postgres is None:
            unavailable("PostgreSQL's programs are not here (Debian: apt-get install postgresql)")
        with postgres.server.database() as url:
            made = OnPostgres(folder, temporal_server, f"placet-{uuid.uuid4().hex[:12]}", url, postgres=postgres)
            try:
                yield made
                keep_all_of(made)
            finally:
                made.close()
                postgres.start()


@pytest.fixture
def on_postgres(_on_postgres: OnPostgres) -> OnPostgres:
    """A gateway and a worker on PostgreSQL, all up."""
    _on_postgres.start_postgres()
    _on_postgres.up(workers=1, gateways=1)
    return _on_postgres
