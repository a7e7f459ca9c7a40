"""A PostgreSQL server for tests: Debian's programs, or a container where a Docker engine answers."""

from __future__ import annotations

import contextlib
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
_DURABLE: Final = ("fsync=off", "full_page_writes=off")
"""A server that crashes keeps what it has confirmed; the machine does not crash."""
_FRUGAL: Final = ("min_wal_size=32MB", "max_wal_size=64MB")
_DISK: Final = "256m"
_BLOCK: Final = bytes(1 << 16)


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
    if _programs() is not None:
        with _local() as server:
            yield server
    elif docker_answers():
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


class LocalPostgres:
    """A server on a folder of its own, which tests stop and start."""

    def __init__(self, programs: Path, folder: Path, settings: tuple[str, ...]) -> None:
        self.server = PostgresServer(LOOPBACK, free_port())
        self._folder = folder
        data = folder / "data"
        initdb = (programs / "initdb", "--username", _USER, "--auth", "trust", "--no-sync", "--pgdata", data)
        where = (f"port={self.server.port}", f"listen_addresses={LOOPBACK}", f"unix_socket_directories={folder}")
        chosen = (word for setting in (*where, *settings) for word in ("-c", setting))
        self._command = _as_nobody_special((programs / "postgres", "-D", data, *chosen))
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            # The server refuses to run as root.
            shutil.chown(folder, _USER, _USER)
        subprocess.run(_as_nobody_special(initdb), check=True, capture_output=True, cwd=folder)

    def start(self) -> None:
        """Starts it where it does not run, and waits until it answers."""
        if self._process is None or self._process.poll() is not None:
            with (self._folder / "log").open("ab") as log:
                self._process = subprocess.Popen(
                    self._command, stdout=log, stderr=log, cwd=self._folder, start_new_session=True
                )
        while not self.server.answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Stops it: SIGINT ends its connections and itself; SIGQUIT is `pg_ctl stop -m immediate`, a crash."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None

    @contextmanager
    def disk_filled(self) -> Generator[None]:
        """Leaves no byte free on its disk; it may end by that, and then stays down until it is started.

        Raises:
            PermissionError: It has no disk of its own, and nobody else's is filled.
        """
        if not self._folder.is_mount():
            message = f"{self._folder} is no disk of its own"
            raise PermissionError(message)
        filler = self._folder / "filler"
        try:
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                while file.write(_BLOCK):
                    pass
            yield
        finally:
            filler.unlink()


@contextmanager
def mortal_postgres(settings: tuple[str, ...] = _DURABLE, *, own_disk: bool = False) -> Generator[LocalPostgres | None]:
    """Gives a server that tests may stop and start; None where PostgreSQL's programs are not here.

    Args:
        settings: What it is told besides.
        own_disk: Whether its data lie on a small disk of their own, where this user may mount one.
    """
    programs = _programs()
    if programs is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="placet-postgres-"))
    try:
        with _small_disk(folder) if own_disk else contextlib.nullcontext():
            made = LocalPostgres(programs, folder, (*settings, *(_FRUGAL if own_disk else ())))
            try:
                made.start()
                yield made
            finally:
                made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _small_disk(folder: Path) -> Generator[None]:
    """Mounts a disk on a folder, where that is allowed."""
    mount = ("mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(folder))
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield
    finally:
        if mounted:
            subprocess.run(("umount", "--lazy", str(folder)), capture_output=True, check=True)


@contextmanager
def _local() -> Generator[PostgresServer | None]:
    with mortal_postgres(_FAST) as made:
        yield made.server if made else None


def _as_nobody_special(command: tuple[str | Path, ...]) -> tuple[str, ...]:
    """Returns the command line that ends with this process and, where this is root, runs as another user."""
    words = tuple(str(word) for word in command)
    if os.geteuid() != 0:
        return launched(words)
    # That user may not be able to read this Python.
    return ("setpriv", "--reuid", _USER, "--regid", _USER, "--clear-groups", "--pdeathsig", "KILL", "--", *words)


def docker_answers() -> bool:
    """Tells whether a Docker engine can be used here."""
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
