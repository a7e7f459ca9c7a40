"""A worker whose LangGraph does not stop after a superstep: its graphs run from wait to wait, and end the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from placet_testing.graphs.running import Graphs, running_graphs
from placet_testing.running_up import clean_environment

DEAF: Final = """
from placet.graphs import _drain
from placet_testing.graphs.governed_graph import governed

_drain._CONTROL = None  # As in a LangGraph that cannot be asked to stop.
"""
CONFIG: Final = """
agents:
  deaf: {graph: "deaf:governed"}
policy: {deny: ["drop_*"], allow: [find]}
"""


def findings(graphs: Graphs) -> list[str]:
    """Returns what `placet doctor` says of graphs."""
    command = [sys.executable, "-m", "placet.cli", "doctor", "--json"]
    environment = {**os.environ, **clean_environment(), "PLACET_DATA": str(graphs.up.data)}
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return [one["found"] for one in json.loads(told.stdout)["findings"] if one["subject"] == "graph"]


@pytest.mark.repeated
@pytest.mark.timeout(300)
def test_where_the_trial_fails_graphs_are_governed_killed_and_answered_as_before(tmp_path: Path) -> None:
    (tmp_path / "deaf.py").write_text(DEAF)
    (tmp_path / "placet.yaml").write_text(CONFIG)
    with running_graphs(tmp_path, tmp_path / "placet.yaml") as graphs:
        (found,) = findings(graphs)
        assert found.startswith("deaf: it runs from wait to wait in one activity")
        calls = [("find", {"order": 1}), ("refund", {"order": 2, "amount": 7}), ("drop_table", {"name": "t"})]
        graphs.dies("after model 1", "before refund 2 5")
        run = graphs.start("deaf", json.dumps(calls))
        (waiting,) = graphs.pending(run, 1)
        assert graphs.decide(waiting, "edit", args={"order": 2, "amount": 5}).status_code in {200, 202}
        asked = graphs.until(
            lambda: next((one for one in graphs.run(run)["pending"] if one["id"] != waiting["id"]), None), run
        )
        answer = {"what_happened": {"options": ["not_run"]}}
        assert graphs.decide(asked, "answer", answers=answer).status_code in {200, 202}
        ended = graphs.ended(run)
        assert ended["status"] == "completed"
        assert "Refunded 5 on 2." in ended["output"]
        lines = graphs.lines()
        assert [lines.count(line) for line in ("find 1", "refund 2 5", "drop t")] == [1, 1, 0]
        assert graphs.deaths_to_come() == []
