"""`placet up` as a stranger meets it: one command, all of it, killed in every way, and nothing lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import httpx
import pytest

from placet_testing.running_up import COMMAND, clean_environment, processes_of, running_up, until

pytestmark = pytest.mark.timeout(180)

QUESTION: Final = {
    "kind": "question",
    "title": "Which environment?",
    "questions": [{"question": "Which environment?", "options": ["staging", "production"]}],
}
REFUND: Final = {"kind": "tool_call", "tool": "refund", "args": {"order_id": 1042, "amount": 12.5}, "title": "Refund"}


def ask(url: str, body: object = REFUND) -> dict[str, str]:
    answer = httpx.post(f"{url}/v1/approvals", json=body, timeout=30)
    assert answer.status_code == 201, answer.text
    return answer.json()


def approval(url: str, approval_id: str) -> dict[str, object]:
    answer = httpx.get(f"{url}/v1/approvals/{approval_id}", timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def try_up(data: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A `placet up` that is expected to end by itself."""
    given = os.environ | clean_environment() | environment
    command = [*COMMAND, "--data", str(data), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=given, check=False, timeout=60, cwd=data.parent)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_everything_answers_and_a_signal_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    with running_up(tmp_path / "data") as up:
        assert ready(up.url)
        assert httpx.get(f"{up.url}/healthz").status_code == 200
        assert httpx.get(up.addresses["temporal_ui"]).status_code == 200
        assert len(up.processes()) == 5
        assert up.end(number) == 0
        assert processes_of(up.data) == {}
        assert "Stopping" in up.said()


def test_what_waits_survives_kill_9_of_everything(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running_up(data) as up:
        first = up.addresses
        asked = ask(up.url)
        up.kill_everything()
        until(lambda: not processes_of(data))
    with running_up(data) as up:
        assert up.addresses == first
        found = approval(up.url, asked["id"])
        assert found["status"] == "pending"
        decision = {"type": "approve", "digest": asked["digest"]}
        answer = httpx.post(f"{up.url}/v1/approvals/{asked['id']}/decision", json=decision, timeout=30)
        assert answer.status_code == 200, answer.text
        up.kill_everything()
    with running_up(data) as up:
        until(lambda: approval(up.url, asked["id"])["status"] == "approved", limit=60)
        assert up.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("word", ["placet.cli worker", "placet.cli gateway", "temporal-server"])
def test_a_part_that_is_killed_is_named_and_comes_back(tmp_path: Path, word: str) -> None:
    with running_up(tmp_path / "data") as up:
        asked = ask(up.url)
        killed = up.child(word)
        os.kill(killed, signal.SIGKILL)
        until(lambda: "ended by signal SIGKILL; starting it again" in up.said())
        until(lambda: [pid for pid, line in up.processes().items() if word in line and pid != killed])
        until(lambda: ready(up.url), limit=60)
        assert approval(up.url, asked["id"])["status"] == "pending"
        decision = {"type": "reject", "digest": asked["digest"], "message": "no"}
        answer = httpx.post(f"{up.url}/v1/approvals/{asked['id']}/decision", json=decision, timeout=30)
        assert answer.status_code in {200, 202}, answer.text
        until(lambda: approval(up.url, asked["id"])["status"] == "rejected")
        assert up.end(signal.SIGTERM) == 0


def test_killing_up_alone_leaves_nothing(tmp_path: Path) -> None:
    with running_up(tmp_path / "data") as up:
        up.process.kill()
        up.process.wait()
        until(lambda: not processes_of(up.data), limit=5)


def test_a_port_that_is_taken_is_replaced_and_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with running_up(tmp_path / "data", port=number) as up:
            assert not up.url.endswith(f":{number}")
            assert f"Port {number} is taken: the gateway listens on {up.url.rpartition(':')[2]}." in up.said()
            assert ready(up.url)
            assert up.end(signal.SIGTERM) == 0


def test_a_second_up_on_the_same_folder_is_told_of_the_first(tmp_path: Path) -> None:
    with running_up(tmp_path / "data") as up:
        second = try_up(up.data)
        assert second.returncode == 1
        assert f"(process {up.process.pid}) runs on {up.data}" in second.stderr
        assert "Traceback" not in second.stderr
        assert ready(up.url)
        assert up.end(signal.SIGTERM) == 0


def test_two_folders_run_side_by_side(tmp_path: Path) -> None:
    with running_up(tmp_path / "one") as one, running_up(tmp_path / "two") as two:
        asked = ask(one.url)
        assert httpx.get(f"{two.url}/v1/approvals/{asked['id']}").status_code == 404
        assert (one.end(signal.SIGTERM), two.end(signal.SIGTERM)) == (0, 0)


def test_a_wrong_configuration_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    wrong = tmp_path / "placet.yaml"
    wrong.write_text("agents:\n  billing:\n    modell: openai:gpt-5-mini\n")
    ended = try_up(tmp_path / "data", "--config", str(wrong))
    assert ended.returncode in {2, 9}
    assert "placet.yaml:3" in ended.stderr
    assert "modell" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert processes_of(tmp_path / "data") == {}


def test_a_tool_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    wrong = tmp_path / "placet.yaml"
    wrong.write_text("agents:\n  billing:\n    model: openai:gpt-5-mini\n    tools: [nowhere_to_be_found:refund]\n")
    ended = try_up(tmp_path / "data", "--config", str(wrong))
    assert ended.returncode == 9
    assert "nowhere_to_be_found" in ended.stderr
    assert processes_of(tmp_path / "data") == {}


def test_a_setting_that_makes_no_sense_is_named(tmp_path: Path) -> None:
    ended = try_up(tmp_path / "data", PLACET_SHUTDOWN_GRACE="soon")
    assert ended.returncode == 2
    assert "PLACET_SHUTDOWN_GRACE='soon'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_temporal_that_was_named_is_used_and_none_started(tmp_path: Path, temporal_server: str) -> None:
    with running_up(tmp_path / "data", "--temporal", temporal_server) as up:
        assert up.addresses["temporal"] == temporal_server
        assert not [line for line in up.processes().values() if "temporal-server" in line]
        assert up.end(signal.SIGTERM) == 0


def test_a_temporal_that_does_not_answer_ends_up(tmp_path: Path) -> None:
    ended = try_up(tmp_path / "data", TEMPORAL_ADDRESS="127.0.0.1:1")
    assert ended.returncode == 69
    assert "127.0.0.1:1" in ended.stderr
    assert processes_of(tmp_path / "data") == {}


def test_a_configuration_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    ended = try_up(tmp_path / "data", "--config", "nowhere.yaml")
    assert ended.returncode == 2
    assert "nowhere.yaml is not a file" in ended.stderr
    assert try_up(tmp_path / "data", "--demo", "--config", "nowhere.yaml").returncode == 2


def test_the_doctor_finds_the_parts_of_a_running_up(tmp_path: Path) -> None:
    with running_up(tmp_path / "data") as up:
        environment = os.environ | clean_environment() | {"PLACET_DATA": str(up.data)}
        command = [sys.executable, "-m", "placet.cli", "doctor", "--json"]
        asked = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)
        assert asked.returncode == 0, asked.stdout + asked.stderr
        document = json.loads(asked.stdout)
        states = {finding["subject"]: finding["state"] for finding in document["findings"]}
        for part in ("Temporal connection", "worker", "ledger", "gateway"):
            assert states[part] == "ok", document
        assert up.end(signal.SIGTERM) == 0
