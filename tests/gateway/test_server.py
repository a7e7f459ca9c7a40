"""The process: what it listens on, how it starts without anybody else, how it stops."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from placet.api.errors import LoopbackError
from placet.api.server import check_address, listen
from placet.contracts.approvals import ApprovalInput
from placet.contracts.records import RequestedEntry
from placet.engine.ports import free_port
from placet.ledger import Ledger
from placet.runs.asking import asked
from placet_testing.gateway import config_of, people

LIMIT = timedelta(seconds=30)
PEOPLE = "people: {users: {dana: {roles: [admin]}}}\n"


def environment(folder: Path, config: str = "") -> dict[str, str]:
    """An environment in which Temporal is nowhere."""
    file = folder / "placet.yaml"
    file.write_text(config, "utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PLACET_", "TEMPORAL_"))}
    return {
        **kept,
        "PLACET_DATA": str(folder),
        "PLACET_CONFIG": str(file),
        "TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}",
    }


@contextmanager
def gateway(folder: Path, *, config: str = "") -> Generator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    command = [sys.executable, "-m", "placet.cli", "gateway", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment(folder, config), stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(url))
        yield process, url
    finally:
        process.kill()
        process.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def until(true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + LIMIT.total_seconds()
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.05)


async def pending(folder: Path) -> str:
    """Puts a pending approval into the ledger."""
    ledger = Ledger.at(str(folder / "ledger.db"))
    approval_id = "a" * 32
    row = asked(
        approval_id,
        ApprovalInput(kind="tool_call", tool="refund", title="Refund"),
        workflow_id=f"approval-{approval_id}",
        workflow_run_id="first",
        requested_at=datetime.now(UTC),
    )
    await ledger.record(row, 0, (RequestedEntry(),))
    await ledger.close()
    return approval_id


def test_it_lives_without_temporal_and_stops_cleanly_while_somebody_waits(tmp_path: Path) -> None:
    with gateway(tmp_path) as (process, url):
        until(lambda: httpx.get(f"{url}/readyz", timeout=10).json()["ledger"]["ok"])
        ready = httpx.get(f"{url}/readyz", timeout=10)
        assert (ready.status_code, ready.json()["temporal"]["ok"]) == (503, False)
        approval_id = asyncio.run(pending(tmp_path))
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as waiting:
            path = f"/v1/approvals/{approval_id}/wait?timeout=300"
            waiting.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            # What was sent first is read first: the wait has begun when this is answered.
            assert answers(url)
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(LIMIT.total_seconds()) == 0
            assert time.monotonic() - began < 5
            assert waiting.recv(65_536).startswith(b"HTTP/1.1 204")
    lines = [json.loads(line) for line in (tmp_path / "log").read_text("utf-8").splitlines()]
    assert lines[-1]["event"] == "gateway.stopped"


def stream(url: str, version: str = "1.1") -> socket.socket:
    """Opens a stream, and returns its connection once the head of the answer is there."""
    connection = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=10)
    connection.sendall(f"GET /v1/events HTTP/{version}\r\nHost: localhost\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    assert head.startswith(b"HTTP/1.1 200"), head
    assert (b"transfer-encoding: chunked" in head.lower()) == (version == "1.1")
    assert b"x-request-id" in head.lower()
    return connection


def rest_of(connection: socket.socket) -> bytes:
    """Returns what comes until the server closes, or breaks off."""
    found = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(65_536):
            found += part
    return found


def lines_of(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "log").read_text("utf-8").splitlines()]


def test_streams_are_handed_their_connection_and_end_at_once_when_it_stops(tmp_path: Path) -> None:
    with gateway(tmp_path) as (process, url):
        until(lambda: httpx.get(f"{url}/readyz", timeout=10).json()["ledger"]["ok"])
        streams = [stream(url) for _ in range(5)]
        old = stream(url, "1.0")
        # The app has answered, and goes on with the stream.
        until(lambda: [line.get("path") for line in lines_of(tmp_path)].count("/v1/events") == 6)
        gone = stream(url)
        gone.close()
        until(lambda: any(line["event"] == "stream_ended" for line in lines_of(tmp_path)))
        asyncio.run(pending(tmp_path))
        for connection in streams:
            assert b"approval.requested" in connection.recv(65_536)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT.total_seconds()) == 0
        assert time.monotonic() - began < 3
        assert [rest_of(connection) for connection in streams] == [b"0\r\n\r\n"] * 5
        assert rest_of(old).startswith(b"id: ")
        for connection in (*streams, old):
            connection.close()
    ended = [line["events"] for line in lines_of(tmp_path) if line["event"] == "stream_ended"]
    assert ended == [0, 1, 1, 1, 1, 1, 1]


def test_a_client_that_reads_nothing_holds_up_no_stop(tmp_path: Path) -> None:
    with gateway(tmp_path) as (process, url):
        until(lambda: httpx.get(f"{url}/readyz", timeout=10).json()["ledger"]["ok"])
        stuck, quick = stream(url), stream(url)
        large(tmp_path, 100)
        found = 0
        while found < 10_000_000:
            found += len(quick.recv(1_000_000))
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT.total_seconds()) == 0
        assert time.monotonic() - began < 3
        assert 0 < len(rest_of(stuck)) < 10_000_000, "it was not stuck"
        stuck.close()
        quick.close()


def large(folder: Path, count: int) -> None:
    """Puts events of a hundred kilobytes into the ledger, as no workflow of ours writes them."""
    rows = [("approval.refused", 0, json.dumps({"message": "x" * 100_000}))] * count
    with closing(sqlite3.connect(folder / "ledger.db", timeout=10)) as connection:
        connection.executemany("INSERT INTO events (type, at, data) VALUES (?, ?, ?)", rows)
        connection.commit()


def test_three_megabytes_are_answered_over_a_real_connection(tmp_path: Path) -> None:
    with gateway(tmp_path) as (_, url):
        for content in (b"x" * 3_000_000, b"x" * 15_000_000):
            answer = httpx.post(f"{url}/v1/approvals", content=content, timeout=20)
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "placet.example", ""])  # noqa: S104 - refused
def test_local_mode_listens_on_this_machine_only(host: str) -> None:
    with pytest.raises(LoopbackError):
        check_address(config_of(None), host)
    check_address(config_of(people()), host)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.1.2.3"])
def test_local_mode_listens_on_every_address_of_this_machine(host: str) -> None:
    check_address(config_of(None), host)


@pytest.mark.parametrize(
    ("config", "host", "code"),
    [("", "0.0.0.0", 2), ("agents: 5\n", "127.0.0.1", 9), (PEOPLE, "192.0.2.1", 1)],  # noqa: S104
)
def test_what_cannot_start_says_why_and_ends(tmp_path: Path, config: str, host: str, code: int) -> None:
    command = [sys.executable, "-m", "placet.cli", "gateway", "--host", host, "--port", str(free_port())]
    ended = subprocess.run(
        command, env=environment(tmp_path, config), capture_output=True, timeout=LIMIT.total_seconds(), check=False
    )
    assert ended.returncode == code, ended.stderr
    said = json.loads(ended.stderr.decode().splitlines()[-1])
    assert said["event"] == "not_started"
    assert said["reason"]


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "placet.cli", "gateway", "--port", str(port)]
        ended = subprocess.run(command, env=environment(tmp_path), capture_output=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert str(port) in json.loads(ended.stderr.decode().splitlines()[-1])["reason"]


def test_no_answer_waits_for_its_headers_to_be_acknowledged() -> None:
    """A second small packet would wait 40 ms for the first one's acknowledgement."""
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
