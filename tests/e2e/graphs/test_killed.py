"""A worker that is killed with -9 in the supersteps of a graph: the graph ends the same, and says the same once."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Final

import pytest

from placet_testing.graphs.running import Graphs

pytestmark = pytest.mark.timeout(300)

NODES: Final = ("plan", "colour blue", "words slow", "draft", "publish accept", "finish")
"""What the nodes of the report write down: two that ask in parallel, and a subgraph with one that asks."""
DESK: Final = ("model 1", "refund 1 7", "refund 2 5", "model 6")
"""What its agent does: a call as it was asked for, one that was edited; one is rejected, and one is answered."""
NOTES: Final = ["plan tea", "colour blue", "plan tea", "draft", "publish accept", "words slow", "finish"]
"""What stands in its state at the end; a subgraph gives what it was given, too."""
CALLS: Final = [
    ("refund", {"order": 1, "amount": 7}),
    ("refund", {"order": 2, "amount": 7}),
    ("send", {"to": "ada", "text": "hi"}),
    ("refund", {"order": 3, "amount": 7}),
]
SAID: Final = ("Refunded 7 on 1.", "Refunded 5 on 2.", "not to ada", "done by hand")
ACCEPTED: Final = {200, 202}


def everything(graphs: Graphs, agent: str = "everything") -> None:
    """Runs the graph with everything to its end, and holds that it ends as it always does."""
    message = {"role": "user", "content": json.dumps(CALLS)}
    run = graphs.start(agent, {"topic": "tea", "messages": [message]})
    waiting = {one["metadata"]["graph"]["node"]: one for one in graphs.pending(run, 3)}
    assert graphs.decide(waiting["publish"]).status_code in ACCEPTED
    assert graphs.answer(waiting["words"], text="slow").status_code in ACCEPTED
    assert graphs.answer(waiting["colour"], "1").status_code in ACCEPTED
    calls = {json.dumps([one["tool"], one["args"].get("order")]): one for one in graphs.pending(run, 4)}
    answers: list[tuple[int | None, dict[str, Any]]] = [
        (2, {"kind": "edit", "args": {"order": 2, "amount": 5}}),
        (3, {"kind": "respond", "message": "done by hand"}),
        (None, {"kind": "reject", "message": "not to ada"}),
        (1, {"kind": "approve"}),
    ]
    for order, decision in answers:
        asked = calls[json.dumps(["send" if order is None else "refund", order])]
        assert graphs.decide(asked, **decision).status_code in ACCEPTED
    ended = graphs.ended(run)
    assert ended["status"] == "completed", ended
    texts = [text for kind, text in graphs.messages(run) if kind == "tool"]
    assert all(said in text for said, text in zip(SAID, texts, strict=True)), texts
    assert [kind for kind, _ in graphs.messages(run)] == ["human", "ai", *["tool"] * 4, "ai"]
    assert len(graphs.get(f"/v1/approvals?run_id={run['id']}&status=any")["items"]) == 7, "somebody was asked twice"
    assert graphs.deaths_to_come() == []


IN_SEGMENTS: Final = pytest.param("whole", marks=pytest.mark.repeated)
"""The same graph, from one wait to the next in one activity."""


@pytest.mark.parametrize("agent", ["everything", IN_SEGMENTS])
def test_a_graph_whose_worker_dies_in_every_part_of_it_ends_the_same(mortal: Graphs, agent: str) -> None:
    """No line is there twice: each death comes before its node or tool did anything."""
    mortal.dies("before plan", "before publish accept", "before refund 2 5", "before finish")
    everything(mortal, agent)
    assert Counter(mortal.lines()) == Counter((*NODES, *DESK))


@pytest.mark.repeated
@pytest.mark.parametrize("point", ["draft", "publish accept", "refund 1 7", "model 6"])
def test_a_segment_goes_on_from_the_superstep_that_its_worker_died_in(mortal: Graphs, point: str) -> None:
    """What had been stored before does not run again, as little as it does in supersteps."""
    mortal.dies(f"after {point}")
    everything(mortal, "whole")
    assert Counter(mortal.lines()) == Counter((*NODES, *DESK)) + Counter([point])


@pytest.mark.repeated
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("point", [*NODES, *DESK])
def test_only_what_the_worker_died_in_runs_again(mortal: Graphs, point: str, moment: str) -> None:
    """What it did before it died is done again: LangGraph had not stored that it was done."""
    mortal.dies(f"{moment} {point}")
    everything(mortal)
    assert Counter(mortal.lines()) == Counter((*NODES, *DESK)) + Counter([point] if moment == "after" else [])


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
        assert mortal.decide(waiting).status_code in ACCEPTED
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
