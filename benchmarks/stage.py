"""What figures are measured on: one Temporal server, Placet's processes, and a worker for the baselines beside them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml
from temporalio.client import Client

from placet.engine.connection import connect
from placet.engine.launching import launched
from placet_testing.gateway import key_of, people
from placet_testing.local_temporal import local_temporal
from placet_testing.processes import Processes

HERE: Final = Path(__file__).parent
IDLE: Final = 15.0
"""Seconds after which a connection is opened anew."""
TAKEN: Final = frozenset({200, 201, 202})
"""On a machine that is very busy a decision may be only recorded in time: slow, but no error."""
APPROVAL: Final[dict[str, Any]] = {
    "kind": "tool_call",
    "tool": "refund",
    "args": {"amount": 12.5, "order": "A-1001", "reason": "arrived broken"},
    "title": "Refund 12.50 on order A-1001",
    "expires_after": "3d",
}


class BenchProcesses(Processes):
    """Placet's processes with the agent that is measured."""

    def __post_init__(self) -> None:
        """Writes the configuration."""
        self.desk.mkdir(parents=True, exist_ok=True)
        for module in ("bench_agent.py", "bench_graph.py"):
            shutil.copy(HERE / module, self.desk)
        self.config.write_text(yaml.safe_dump(_configuration(), sort_keys=False), encoding="utf-8")
        self.ledger_url = self.ledger_url or f"sqlite:///{self.ledger_file}"
        self.environment["BENCH_FOLDER"] = str(self.folder)


def _configuration() -> dict[str, Any]:
    agent = {
        "model": "bench_agent:bench_model",
        "tools": ["bench_agent:step", "bench_agent:gated_step"],
        "max_turns": 10_000,
    }
    return {
        "agents": {
            "bench": agent,
            "graph": {"graph": "bench_graph:graph"},
            "segments": {"graph": "bench_graph:graph", "step": "segment"},
        },
        "policy": {"allow": ["step"], "ask": ["gated_*"]},
        "people": people().model_dump(mode="json", exclude_defaults=True),
    }


class Http:
    """One connection of one person, kept open; the standard library's, which costs the least."""

    def __init__(self, url: str, user: str) -> None:
        """Connects at the first request."""
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
        self._used = time.monotonic()
        self._headers = {"Authorization": f"Bearer {key_of(user)}", "Content-Type": "application/json"}

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Returns the answer's body."""
        return self._ask("POST", path, json.dumps(body))

    def get(self, path: str) -> dict[str, Any]:
        """Returns the answer's body."""
        return self._ask("GET", path, None)

    def _ask(self, method: str, path: str, body: str | None) -> dict[str, Any]:
        if time.monotonic() - self._used > IDLE:
            # The gateway closes what nobody uses; the next request opens it again.
            self._connection.close()
        self._connection.request(method, f"/v1{path}", body, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        self._used = time.monotonic()
        if answer.status not in TAKEN:
            message = f"{method} {path}: {answer.status} {text.decode()}"
            raise RuntimeError(message)
        return json.loads(text)

    def decide(self, approval: dict[str, Any]) -> dict[str, Any]:
        """Approves, and returns the approval."""
        return self.post(f"/approvals/{approval['id']}/decision", {"type": "approve", "digest": approval["digest"]})


@dataclass
class Stage:
    """A Temporal server with Placet's processes and the baselines' worker.

    Attributes:
        raw_queue: The task queue of the baselines.
    """

    processes: BenchProcesses
    raw_queue: str
    folder: Path

    def http(self, user: str) -> Http:
        """Returns a new connection of somebody's."""
        return Http(self.processes.gateways[0].url, user)

    async def temporal(self) -> Client:
        """Returns a new client past the gateway."""
        return await connect(self.processes.settings)

    def temporal_bytes(self) -> int:
        """Returns the bytes that Temporal's database uses."""
        return sqlite_bytes(self.folder / "temporal" / "temporal.db")

    def ledger_bytes(self) -> int:
        """Returns the bytes that the ledger uses."""
        return sqlite_bytes(self.processes.ledger_file)

    def checkpoint_bytes(self) -> int:
        """Returns the bytes that the checkpoints of graphs use."""
        ledger = self.processes.ledger_file
        return sqlite_bytes(ledger.with_stem(f"{ledger.stem}-graphs"))

    def times(self, name: str) -> list[tuple[str, float]]:
        """Returns when the tools of that name began and ended."""
        return times(self.folder, name)


def times(folder: Path, name: str) -> list[tuple[str, float]]:
    """Returns when the tools of that name began and ended."""
    lines = (folder / f"{name}.times").read_text("ascii").splitlines() if (folder / f"{name}.times").exists() else []
    return [(what, float(moment)) for what, moment in (line.split() for line in lines)]


def sqlite_bytes(path: Path) -> int:
    """Returns the bytes of the pages that are in use, whether they are in the file or still in its log."""
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
    return (pages - free) * size


def quiet(*sizes: Any, seconds: float = 1.5) -> None:  # noqa: ANN401 - functions of no argument
    """Waits until databases have stopped growing and shrinking."""
    before = [size() for size in sizes]
    while True:
        time.sleep(seconds)
        now = [size() for size in sizes]
        if now == before:
            return
        before = now


@contextmanager
def stage(ledger_url: str = "") -> Generator[Stage]:
    """Starts all of it and ends it."""
    folder = Path(tempfile.mkdtemp(prefix="placet-bench-"))
    (folder / "temporal").mkdir()
    queue = f"placet-{uuid.uuid4().hex[:12]}"
    try:
        raw = ("raw_worker.py", f"raw-{queue}")
        with local_temporal(folder / "temporal") as address, worker_beside(folder, address, *raw):
            processes = BenchProcesses(folder, address, queue, ledger_url)
            try:
                processes.up(workers=1, gateways=1)
                yield Stage(processes, f"raw-{queue}", folder)
            finally:
                processes.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def worker_beside(
    folder: Path, address: str, program: str, queue: str, packages: Path | None = None
) -> Generator[None]:
    """Runs the worker of a baseline, with these packages besides."""
    paths = [os.environ.get("PYTHONPATH"), str(packages) if packages is not None else None]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    with (folder / f"{program}.log").open("ab") as log:
        process = subprocess.Popen(
            launched((sys.executable, str(HERE / program), address, queue, str(folder))),
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=environment,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
