"""An unmodified agent with `ApprovalMiddleware`: every call under policy, each gated one on its own."""

from __future__ import annotations

import json

import pytest

from placet_testing.graphs.running import Graphs, call_events

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


def test_calls_are_told_of_as_those_of_an_agent_with_tools(graphs: Graphs) -> None:
    run = graphs.start("governed", json.dumps([("find", {"order": 51}), ("drop_table", {"name": "t51"})]))
    graphs.ended(run)
    assert call_events(graphs, run) == ["call.allowed", "call.denied", "call.started", "call.finished"]
    run = graphs.start("governed", json.dumps([("refund", {"order": 52, "amount": 1})]))
    (waiting,) = graphs.pending(run, 1)
    assert graphs.decide(waiting, "reject").status_code == 200
    graphs.ended(run)
    assert call_events(graphs, run) == []
    assert graphs.get(f"/v1/approvals/{waiting['id']}")["execution"] is None


def test_an_approval_says_how_its_call_went(graphs: Graphs) -> None:
    calls = [("refund", {"order": 53, "amount": 1}), ("ship", {"order": 54}), ("breaks", {"order": 55})]
    run = graphs.start("governed", json.dumps(calls))
    waiting = {one["tool"]: one for one in graphs.pending(run, 3)}
    assert graphs.decide(waiting["ship"]).status_code == 200
    edited = {"order": 53, "amount": 2}
    assert graphs.decide(waiting["refund"], "edit", args=edited).status_code == 200
    graphs.until(lambda: ("refund 53 2" in graphs.lines() and "ship 54" in graphs.lines()) or None, run)
    assert graphs.decide(waiting["breaks"]).status_code == 200
    ended = graphs.ended(run)
    assert (ended["status"], ended["error"]) == (
        "failed",
        "graph_failed: The node tools raised LookupError: no such account",
    )
    went = {tool: graphs.get(f"/v1/approvals/{one['id']}")["execution"]["status"] for tool, one in waiting.items()}
    assert went == {"refund": "succeeded", "ship": "succeeded", "breaks": "failed"}
    assert [graphs.lines().count(line) for line in ("refund 53 2", "ship 54", "breaks 55")] == [1, 1, 1]


def test_a_call_that_nobody_decided_on_in_time_is_rejected_and_says_so_or_ends_the_run(graphs: Graphs) -> None:
    """As its rule has it: the call of order 98 is rejected, that of 99 ends its run. Neither runs."""
    started = {
        (agent, order): graphs.start(agent, json.dumps([("ship", {"order": order}), ("find", {"order": order})]))
        for agent, order in (("governed", 98), ("quick", 98), ("governed", 99))
    }
    for (_, order), run in started.items():
        ended = graphs.ended(run)
        told = [text for kind, text in graphs.messages(run) if kind == "tool"]
        (late,) = graphs.get(f"/v1/approvals?run_id={run['id']}&status=any")["items"]
        assert (late["status"], late["decision"]) == ("expired", None)
        says_so = any("in time" in text for text in told)
        assert (ended["status"], says_so) == (("completed", True) if order == 98 else ("expired", False))
        assert f"ship {order}" not in graphs.lines()
        assert graphs.decide(late).json()["code"] == "expired"


def test_a_tool_may_ask_by_itself_behind_its_approval(graphs: Graphs) -> None:
    run = graphs.start("governed", json.dumps([("wire", {"order": 56})]))
    (waiting,) = graphs.pending(run, 1)
    assert graphs.decide(waiting).status_code == 200
    own = graphs.until(
        lambda: next((one for one in graphs.run(run)["pending"] if one["id"] != waiting["id"]), None), run
    )
    assert graphs.answer(own, text="DE-2").status_code == 200
    assert graphs.ended(run)["output"] == "Sent to DE-2."
    assert [line for line in graphs.lines() if line.startswith("wire 56")] == ["wire 56 DE-2"]
    assert call_events(graphs, run) == ["call.started", "call.started", "call.finished"]
