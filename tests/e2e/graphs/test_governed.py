"""An unmodified agent with `ApprovalMiddleware`: every call under policy, each gated one on its own."""

from __future__ import annotations

import json

import pytest

from placet_testing.graphs.running import Graphs

pytestmark = pytest.mark.timeout(180)


def test_what_policy_allows_runs_at_once_and_what_it_denies_never(graphs: Graphs) -> None:
    calls = [
        ("find", {"order": 31}),
        ("refund", {"order": 32, "amount": 7}),
        ("drop_table", {"name": "orders"}),
        ("send", {"to": "ada", "text": "hello"}),
    ]
    run = graphs.start("governed", json.dumps(calls))
    waiting = {one["tool"]: one for one in graphs.pending(run, 2)}
    assert waiting.keys() == {"refund", "send"}
    assert (waiting["refund"]["title"], waiting["refund"]["risk"]) == ("Refund 7", "high")
    graphs.until(lambda: "find 31" in graphs.lines() or None, run)
    assert "send ada hello" not in graphs.lines()
    assert graphs.decide(waiting["send"]).status_code == 200
    graphs.until(lambda: "send ada hello" in graphs.lines() or None, run)
    assert "refund 32 7" not in graphs.lines()
    assert graphs.decide(waiting["refund"], "edit", args={"order": 32, "amount": 5}).status_code == 200
    ended = graphs.ended(run)
    assert ended["status"] == "completed"
    found, refund, drop, send = ended["output"].split(" | ")
    assert (found, send) == ("Order 31.", "Sent hello to ada.")
    assert refund.startswith("A person changed the arguments before the call ran; it ran with")
    assert refund.endswith("Refunded 5 on 32.")
    assert "drop_table" in drop or "Policy" in drop or "not" in drop
    lines = graphs.lines()
    assert [lines.count(line) for line in ("find 31", "refund 32 5", "send ada hello", "drop orders")] == [1, 1, 1, 0]


def test_a_graph_asks_people_with_the_built_in_tool(graphs: Graphs) -> None:
    questions = [{"id": "size", "question": "Which size?", "options": ["small", "large"]}]
    asks = {"questions": questions, "context": {"order": "A-1"}, "allow_skip": True}
    first = graphs.start("governed", json.dumps([("ask_human", asks)]))
    (waiting,) = graphs.pending(first, 1)
    assert (waiting["kind"], waiting["allow_skip"], waiting["context"]) == ("question", True, {"order": "A-1"})
    assert graphs.answer(waiting, "2").status_code == 200
    result = json.loads(graphs.ended(first)["output"])
    assert result["status"] == "answered"
    assert result["answers"] == [{"question_id": "size", "options": [{"id": "2", "label": "large"}], "text": None}]
    second = graphs.start("governed", json.dumps([("ask_human", asks)]))
    (waiting,) = graphs.pending(second, 1)
    assert graphs.decide(waiting, "skip").status_code == 200
    assert json.loads(graphs.ended(second)["output"])["status"] == "skipped"


def test_a_question_that_makes_no_sense_is_told_to_the_model_and_nobody_is_asked(graphs: Graphs) -> None:
    run = graphs.start("governed", json.dumps([("ask_human", {"questions": [{"question": "Which?"}]})]))
    assert "allow_text" in graphs.ended(run)["output"]
