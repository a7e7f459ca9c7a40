"""A PostgreSQL server for tests: Debian's programs, or a container where a Docker engine answers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from placet.engine.launching import launched
from placet.engine.ports import LOOPBACK, free_port

_USER: Final = "postgres"
_DEBIAN: Final = Path("/usr/lib/postgresql")
# The tests' data are worth nothing after a crash of the machine; each of these waits for a disk.
_FAST: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass(frozen=True)
class PostgresServer:
    """A server that tests share, each with a database of its own."""

    host: str
    port: int
    password: str | None = None

    @contextmanager
    def database(self) -> Generator[str]:
        """Lends an empty database by its SQLAlchemy URL, and drops it."""
        name = f"placet_{uuid.uuid4().hex[:12]}"
        self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield f"postgresql+psycopg://{self._who()}@{self.host}:{self.port}/{name}"
        finally:
            self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def answers(self) -> bool:
        """Tells whether it can be used by now."""
        try:
            self._execute(sql.SQL("SELECT 1"))
        except psycopg.OperationalError:
            return False
        return True

    def _who(self) -> str:
        return f"{_USER}:{self.password}" if self.password else _USER

    def _execute(self, statement: sql.SQL | sql.Composed) -> None:
        address = f"postgresql://{self._who()}@{self.host}:{self.port}/postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def postgres_server() -> Generator[PostgresServer | None]:
    """Runs a server and gives it; None where there is no way to one."""
    programs = _programs()
    if programs is not None:
        with _local(programs) as server:
            yield server
    elif _docker_answers():
        with _container() as server:
            yield server
    else:
        yield None


def _programs() -> Path | None:
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    versions = [path for path in _DEBIAN.glob("*/bin") if (path / "initdb").exists()]
    return max(versions, key=lambda path: float(path.parent.name), default=None)


@contextmanager
def _local(programs: Path) -> Generator[PostgresServer]:
    folder = Path(tempfile.mkdtemp(prefix="placet-postgres-"))
    port, data = free_port(), folder / "data"
    initdb = (programs / "initdb", "--username", _USER, "--auth", "trust", "--no-sync", "--pgdata", data)
    settings = (f"port={port}", f"listen_addresses={LOOPBACK}", f"unix_socket_directories={folder}", *_FAST)
    postgres = (programs / "postgres", "-D", data, *(word for setting in settings for word in ("-c", setting)))
    if os.geteuid() == 0:
        # The server refuses to run as root.
        shutil.chown(folder, _USER, _USER)
    subprocess.run(_as_nobody_special(initdb), check=True, capture_output=True, cwd=folder)
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            _as_nobody_special(postgres), stdout=log, stderr=log, cwd=folder, start_new_session=True
        )
    try:
        server = PostgresServer(LOOPBACK, port)
        while not server.answers():
            assert process.poll() is None, (folder / "log").read_text()
        yield server
    finally:
        # SIGINT: it ends its connections and itself, without waiting for clients.
        process.send_signal(signal.SIGINT)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _as_nobody_special(command: tuple[str | Path, ...]) -> tuple[str, ...]:
    """Returns the command line that ends with this process and, where this is root, runs as another user."""
    words = tuple(str(word) for word in command)
    if os.geteuid() != 0:
        return launched(words)
    # That user may not be able to read this Python.
    return ("setpriv", "--reuid", _USER, "--regid", _USER, "--clear-groups", "--pdeathsig", "KILL", "--", *words)


def _docker_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=30).returncode == 0


@contextmanager
def _container() -> Generator[PostgresServer]:
    # Imported only where there is an engine: it looks for one when it is loaded.
    from testcontainers.postgres import PostgresContainer  # noqa: PLC0415

    with PostgresContainer("postgres:16-alpine", username=_USER, password="placet", dbname="postgres") as container:  # noqa: S106
        host, port = container.get_container_host_ip(), int(container.get_exposed_port(5432))
        yield PostgresServer(host, port, "placet")
