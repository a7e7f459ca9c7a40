"""Runs that wait in production go on under today's code: each shape of `AgentRun` and of `GraphRun` replays."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from placet.engine.connection import data_converter
from placet.worker import WORKFLOWS, runner

KEPT: Final = Path(__file__).parent / "histories"
HISTORIES: Final = sorted([*KEPT.glob("run-*.json"), *KEPT.glob("graph-*.json")])


def replayer() -> Replayer:
    """Returns a replayer of today's workflows."""
    return Replayer(workflows=WORKFLOWS, workflow_runner=runner(), data_converter=data_converter())


def history_in(path: Path, old: str = "", new: str = "") -> WorkflowHistory:
    """Returns the history in a file, with one text in it replaced."""
    text = path.read_text(encoding="utf-8")
    return WorkflowHistory.from_json(path.stem, text.replace(old, new) if old else text)


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_recorded_run_replays(path: Path) -> None:
    result = await replayer().replay_workflow(history_in(path), raise_on_replay_failure=False)
    assert result.replay_failure is None


def test_there_is_a_history_of_each_shape() -> None:
    names = {path.stem.removeprefix("run-") for path in HISTORIES}
    assert {"approved", "edited", "rejected", "expired", "cancelled", "crosswise", "uncertain-ran"} <= names
    graphs = {path.stem.removeprefix("graph-") for path in HISTORIES}
    assert {"answered", "batch", "crosswise", "governed", "parallel", "failed", "cancelled"} <= graphs
    assert {"permitted", "expired", "aborted", "in-segments", "told-at-changes"} <= graphs
    assert {"uncertain-ran", "uncertain-not-run", "uncertain-stopped"} <= graphs


async def test_a_history_that_does_not_fit_is_noticed() -> None:
    """The check can fail: a run whose judge activity is gone from its history does not replay."""
    approved = next(path for path in HISTORIES if path.stem == "run-approved")
    broken = history_in(approved, "placet.judge", "placet.other")
    result = await replayer().replay_workflow(broken, raise_on_replay_failure=False)
    assert result.replay_failure is not None
