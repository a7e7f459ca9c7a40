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
