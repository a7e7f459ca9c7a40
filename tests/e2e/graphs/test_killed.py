"""A worker that is killed with -9 in the supersteps of a graph: the graph ends the same, and says the same once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator

import pytest

from placet_testing.graphs.running import Graphs, running_graphs

pytestmark = pytest.mark.timeout(300)

NODES = ("plan", "colour blue", "words slow", "draft", "publish accept", "finish")
"""What the nodes of the report write down: two that ask in parallel, and a subgraph with one that asks."""
NOTES = ["plan tea", "colour blue", "plan tea", "draft", "publish accept", "words slow", "finish"]
"""What stands in its state at the end; a subgraph gives what it was given, too."""


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Generator[Graphs]:
    """Gives graphs whose worker may be killed, with a disk of their own."""
    with running_graphs(tmp_path_factory.mktemp("mortal")) as running:
        yield running


def report(graphs: Graphs) -> None:
    """Runs the report to its end, and holds that it ends as it always does."""
    run = graphs.start("report", {"topic": "tea"})
    waiting = {one["metadata"]["graph"]["node"]: one for one in graphs.pending(run, 3)}
    assert graphs.decide(waiting["publish"]).status_code in {200, 202}
    assert graphs.answer(waiting["words"], text="slow").status_code in {200, 202}
    assert graphs.answer(waiting["colour"], "1").status_code in {200, 202}
    ended = graphs.ended(run)
    assert (ended["status"], json.loads(ended["output"])["notes"]) == ("completed", NOTES)
    approvals = graphs.get(f"/v1/approvals?run_id={run['id']}&status=any")["items"]
    assert len(approvals) == 3, "somebody was asked twice"
    assert graphs.deaths_to_come() == []


def test_a_graph_whose_worker_dies_in_every_superstep_ends_the_same(mortal: Graphs) -> None:
    """No line is there twice: each death comes before its node did anything."""
    mortal.dies("before plan", "before publish accept", "before finish")
    report(mortal)
    assert Counter(mortal.lines()) == Counter(NODES)


@pytest.mark.repeated
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("node", NODES)
def test_only_the_node_in_which_the_worker_died_runs_again(mortal: Graphs, node: str, moment: str) -> None:
    """What it did before it died is done again: LangGraph had not stored that it was done."""
    mortal.dies(f"{moment} {node}")
    report(mortal)
    assert Counter(mortal.lines()) == Counter(NODES) + Counter([node] if moment == "after" else [])


@pytest.mark.repeated
@pytest.mark.parametrize("agent", ["batched", "per-call"])
@pytest.mark.parametrize(
    "point",
    ["before model 1", "after model 1", "before find 2", "before refund 1 7", "before send ada hi", "after model 5"],
)
def test_an_agent_whose_worker_dies_in_its_model_or_a_tool_ends_the_same(
    mortal: Graphs, agent: str, point: str
) -> None:
    calls = [
        ("refund", {"order": 1, "amount": 7}),
        ("find", {"order": 2}),
        ("send", {"to": "ada", "text": "hi"}),
    ]
    mortal.dies(point)
    run = mortal.start(agent, json.dumps(calls))
    for waiting in mortal.pending(run, 2):
        assert mortal.decide(waiting).status_code in {200, 202}
    ended = mortal.ended(run)
    assert (ended["status"], ended["output"]) == (
        "completed",
        "Refunded 7 on 1. | Order 2. | Sent hi to ada.",
    )
    done = Counter(line for line in mortal.lines() if not line.startswith("model"))
    assert done.keys() == {"refund 1 7", "find 2", "send ada hi"}
    assert done[point.removeprefix("before ")] <= 1
    assert max(done.values()) <= 2, "only what LangGraph had not stored when the worker died beside it runs again"
    assert [kind for kind, _ in mortal.messages(run)] == ["human", "ai", "tool", "tool", "tool", "ai"]
    assert mortal.deaths_to_come() == []
