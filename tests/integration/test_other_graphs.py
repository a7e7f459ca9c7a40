"""Graphs as others make them: by other versions of LangGraph, by factories, and as deep agents."""

# pyright: reportUnknownVariableType=false, reportMissingImports=false, reportUnknownMemberType=false
# What is installed for a test only has no types here.

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import make_url

from placet.graphs import Checkpoints
from placet_testing.graphs import shop_graphs
from placet_testing.graphs.stepping import Runs, approved

NOTES = ["plan tea", "colour red", "plan tea", "draft", "publish accept", "words slow", "finish"]


def elsewhere(folder: Path, phase: str, packages: Path | None = None) -> dict[str, Any]:
    """Has another process bring the graph to its wait or to its end, with other packages if need be."""
    environment = dict(os.environ)
    if packages is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(packages), environment.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "placet_testing.graphs.elsewhere", str(folder), phase]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("upgrade", [True, False], ids=["to the newest", "back to the oldest"])
def test_langgraph_may_change_while_a_run_waits(tmp_path: Path, oldest_langgraph: Path, *, upgrade: bool) -> None:
    before, after = (oldest_langgraph, None) if upgrade else (None, oldest_langgraph)
    waits = elsewhere(tmp_path, "wait", before)
    assert waits["waiting"] == ["colour", "publish", "words"]
    ended = elsewhere(tmp_path, "end", after)
    assert "1.2.21" in {waits["langgraph"], ended["langgraph"]}
    assert waits["langgraph"] != ended["langgraph"]
    assert ended["notes"] == NOTES
    assert ended["texts"][-1] == "Refunded 7 on 1. | Sent hi to ada."
    lines = (tmp_path / "effects.txt").read_text().splitlines()
    assert len(lines) == len(set(lines)), "what was done before is not done again"


def test_the_trial_of_stepping_holds_on_the_oldest_langgraph(oldest_langgraph: Path, tmp_path: Path) -> None:
    program = "import asyncio; from placet.graphs import self_test; print(asyncio.run(self_test()))"
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(oldest_langgraph), os.environ.get("PYTHONPATH", "")]),
    }
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("None\n", 0), done.stderr


@pytest.fixture
async def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runs]:
    monkeypatch.setattr(shop_graphs, "EFFECTS", tmp_path / "effects.txt")
    checkpoints = Checkpoints(make_url(f"sqlite+aiosqlite:///{tmp_path}/ledger.db"))
    yield Runs(checkpoints)
    await checkpoints.close()


async def test_a_deep_agent_runs_as_it_is(runs: Runs, deepagents: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(deepagents)
    from deepagents import create_deep_agent  # noqa: PLC0415 - installed for this test

    made = create_deep_agent(model=shop_graphs.Model(), tools=shop_graphs.TOOLS, interrupt_on={"refund": True})
    agent = runs.of(cast("Any", made))
    calls = [("refund", {"order": 1, "amount": 7}), ("write_file", {"file_path": "/a.txt", "content": "hello"})]
    message = {"role": "user", "content": json.dumps(calls)}
    reached = await runs.until_it_rests(agent, {"messages": [message]})
    assert [call.tool for one in reached.waiting for call in one.calls] == ["refund"]
    reached = await runs.step(agent, answers=(approved(reached),))
    while reached.status == "drained":
        reached = await runs.step(agent)
    assert reached.status == "ended"
    assert cast("Any", reached.output)["messages"][-1].text.startswith("Refunded 7 on 1. | ")
    assert reached.state is not None
    assert cast("Any", reached.state.values["files"])["/a.txt"]["content"] == "hello"
    assert agent.describe().warnings == ()
