"""What goes wrong before a command can do anything is a document too, where JSON was asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Placet

NOBODY = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    "typed",
    [
        ("doctor", "--nope"),
        ("runs", "--limit", "0"),
        ("run",),
        ("policy", "explain", "billing"),
        ("policy", "nope"),
        ("nope",),
        ("up", "--port", "many"),
    ],
)
def test_a_line_that_makes_no_sense_is_a_document_with_json(
    placet_of: Callable[[str], Placet], typed: tuple[str, ...]
) -> None:
    ended = placet_of(NOBODY)(*typed, "--json")
    assert ended.code == 2
    assert ended.document["code"] == "usage"
    assert ended.document["detail"]
    assert "Usage:" in ended.err


def test_without_json_stdout_stays_empty(placet_of: Callable[[str], Placet]) -> None:
    ended = placet_of(NOBODY)("show", "--", "--json", "more")
    assert (ended.code, ended.out) == (2, "")


@pytest.mark.parametrize("command", ["worker", "gateway", "doctor"])
def test_a_setting_that_cannot_be_read_is_a_document_with_json(
    placet_of: Callable[[str], Placet], command: str
) -> None:
    ended = placet_of(NOBODY)(command, "--json", PLACET_GATEWAY_METRICS="everybody")
    assert ended.code == 2
    assert ended.document["code"] == "usage"
    assert "PLACET_GATEWAY_METRICS" in ended.document["detail"]
    assert "PLACET_GATEWAY_METRICS" in ended.err


@pytest.mark.parametrize("typed", [("--config", "nofile.yaml"), ("--config", sys.executable, "--demo")])
def test_why_nothing_runs_is_a_document_with_json(
    placet_of: Callable[[str], Placet], tmp_path: Path, typed: tuple[str, ...]
) -> None:
    ended = placet_of(NOBODY)("up", "--data", str(tmp_path / "data"), *typed, "--json")
    assert ended.code == 2
    assert ended.document["code"] == "usage"
    assert ended.document["detail"] == ended.err.strip()


@pytest.mark.parametrize("command", ["worker", "gateway"])
def test_why_a_process_does_not_start_is_a_document_with_json(
    placet_of: Callable[[str], Placet], tmp_path: Path, command: str
) -> None:
    config = tmp_path / "placet.yaml"
    config.write_text("agents: 5\n")
    ended = placet_of(NOBODY)(command, "--json", PLACET_CONFIG=str(config), PLACET_DATA=str(tmp_path))
    assert ended.code == 9
    assert ended.document["code"] == "invalid_input"
    assert f"{config}:1" in ended.document["detail"]
    assert "agents" in ended.err


@pytest.mark.parametrize("command", ["worker", "gateway", "doctor", "up"])
def test_a_ledger_that_is_no_database_of_ours_is_a_document_with_json_and_shows_no_password(
    placet_of: Callable[[str], Placet], tmp_path: Path, command: str
) -> None:
    named = {"PLACET_LEDGER_URL": "mysql://placet:hush@db/placet", "PLACET_DATA": str(tmp_path / "data")}
    ended = placet_of(NOBODY)(command, "--json", **named)
    assert ended.code == 2
    assert ended.document["code"] == "usage"
    assert "PLACET_LEDGER_URL" in ended.document["detail"]
    assert "hush" not in ended.out + ended.err


def test_the_doctor_takes_a_path_for_the_ledger_as_worker_and_gateway_do(
    placet_of: Callable[[str], Placet], tmp_path: Path
) -> None:
    path = tmp_path / "kept.db"
    for state in ("idle", "ok"):
        ended = placet_of(NOBODY)(
            "doctor", "--json", PLACET_LEDGER_URL=str(path), PLACET_DATA=str(tmp_path), TEMPORAL_ADDRESS="127.0.0.1:9"
        )
        (found,) = [one for one in ended.document["findings"] if one["subject"] == "ledger"]
        assert (found["state"], str(path) in found["found"]) == (state, True)
        path.touch()
