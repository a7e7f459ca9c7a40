"""A worker that is killed with -9 in a call of a graph's own tool: it runs once, or a person is asked about it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from placet_testing.graphs.running import Graphs, call_events

pytestmark = pytest.mark.timeout(300)


def call(graphs: Graphs, tool: str, agent: str = "governed", **args: object) -> Any:
    """Starts a run of one call, and approves it."""
    run = graphs.start(agent, json.dumps([(tool, args)]))
    (waiting,) = graphs.pending(run, 1)
    assert graphs.decide(waiting).status_code in {200, 202}
    return run, waiting


def question(graphs: Graphs, run: Any, approved: Any) -> Any:
    """Returns the question about the call that the run waits for then."""

    def asked() -> Any:
        return next((one for one in graphs.run(run)["pending"] if one["id"] != approved["id"]), None)

    return graphs.until(asked, run)


def test_a_call_that_may_have_run_is_asked_about_and_never_runs_again_by_itself(mortal: Graphs) -> None:
    mortal.dies("after refund 41 7")
    run, approved = call(mortal, "refund", order=41, amount=7)
    asked = question(mortal, run, approved)
    assert (asked["kind"], asked["tool"], asked["expires_at"]) == ("question", "refund", None)
    assert asked["title"].startswith("Did it run? ")
    assert asked["context"]["call"]["args"] == {"order": 41, "amount": 7}
    assert mortal.get(f"/v1/approvals/{approved['id']}")["execution"]["status"] == "uncertain"
    body = {"what_happened": {"options": ["ran"], "text": "The bank says that it ran."}}
    assert mortal.decide(asked, "answer", answers=body).status_code in {200, 202}
    ended = mortal.ended(run)
    assert (ended["status"], ended["output"]) == ("completed", "The bank says that it ran.")
    assert mortal.lines().count("refund 41 7") == 1
    assert call_events(mortal, run) == ["call.started", "call.uncertain", "call.finished"]
    assert mortal.get(f"/v1/approvals/{approved['id']}")["execution"]["status"] == "succeeded"


def test_a_call_that_did_not_run_runs_when_a_person_says_so(mortal: Graphs) -> None:
    """In segments, too: one activity runs all from one wait to the next there."""
    mortal.dies("before send ada hi")
    run, approved = call(mortal, "send", "quick", to="ada", text="hi")
    asked = question(mortal, run, approved)
    answer = {"what_happened": {"options": ["not_run"]}}
    assert mortal.decide(asked, "answer", answers=answer).status_code in {200, 202}
    assert mortal.ended(run)["output"] == "Sent hi to ada."
    assert mortal.lines().count("send ada hi") == 1
    assert call_events(mortal, run) == ["call.started", "call.uncertain", "call.started", "call.finished"]


@pytest.mark.repeated
def test_a_person_may_stop_the_run_instead(mortal: Graphs) -> None:
    mortal.dies("after refund 42 7")
    run, approved = call(mortal, "refund", order=42, amount=7)
    asked = question(mortal, run, approved)
    assert mortal.decide(asked, "answer", answers={"what_happened": {"options": ["stop"]}}).status_code in {200, 202}
    ended = mortal.ended(run)
    assert ended["status"] == "cancelled"
    assert mortal.lines().count("refund 42 7") == 1
    again = mortal.start("governed", "and now?", thread_id=run["thread_id"])
    assert mortal.ended(again)["output"] == "You said and now?."
    (told,) = [text for kind, text in mortal.messages(again) if kind == "tool"]
    assert told.startswith("This call may have run")


@pytest.mark.repeated
def test_a_tool_that_may_be_asked_twice_runs_again_under_the_same_key(mortal: Graphs) -> None:
    mortal.dies("after lookup 43")
    run, _ = call(mortal, "lookup", order=43)
    assert mortal.ended(run)["output"] == "Order 43 is there."
    noted = [line for line in mortal.lines() if line.startswith("lookup 43 ")]
    assert len(noted) == 2
    assert len(set(noted)) == 1
    assert noted[0].startswith(f"lookup 43 {run['id']}:")
    assert call_events(mortal, run) == ["call.started", "call.started", "call.finished"]


@pytest.mark.repeated
def test_an_answer_to_the_tool_itself_is_not_taken_for_one_about_the_crash(mortal: Graphs) -> None:
    mortal.dies("after wire 44 ran")
    run, approved = call(mortal, "wire", order=44)
    own = question(mortal, run, approved)
    assert mortal.answer(own, text="ran").status_code in {200, 202}
    looked = mortal.until(
        lambda: next((one for one in mortal.run(run)["pending"] if one["id"] != own["id"]), None), run
    )
    assert looked["title"].startswith("Did it run? ")
    answer = {"what_happened": {"options": ["not_run"]}}
    assert mortal.decide(looked, "answer", answers=answer).status_code in {200, 202}
    known = {approved["id"], own["id"], looked["id"]}
    again = mortal.until(lambda: next((one for one in mortal.run(run)["pending"] if one["id"] not in known), None), run)
    assert again["questions"][0]["question"] == "To which account, for 44?"
    assert mortal.answer(again, text="DE-1").status_code in {200, 202}
    assert mortal.ended(run)["output"] == "Sent to DE-1."
    assert [line for line in mortal.lines() if line.startswith("wire 44")] == ["wire 44 ran", "wire 44 DE-1"]


@pytest.mark.repeated
def test_an_allowed_call_is_asked_about_too(mortal: Graphs) -> None:
    mortal.dies("after find 45")
    run = mortal.start("governed", json.dumps([("find", {"order": 45})]))
    (asked,) = mortal.pending(run, 1)
    answer = {"what_happened": {"options": ["ran"], "text": "It is there."}}
    assert mortal.decide(asked, "answer", answers=answer).status_code in {200, 202}
    assert mortal.ended(run)["output"] == "It is there."
    assert call_events(mortal, run) == ["call.allowed", "call.started", "call.uncertain", "call.finished"]


@pytest.mark.repeated
def test_what_a_call_brought_before_the_worker_died_is_not_brought_again(mortal: Graphs) -> None:
    """Two calls of one message: one is over and in its row, the other kills the worker, and neither runs twice."""
    mortal.dies("before refund 47 2")
    run = mortal.start("governed", json.dumps([("ship", {"order": 46}), ("refund", {"order": 47, "amount": 2})]))
    for waiting in mortal.pending(run, 2):
        assert mortal.decide(waiting).status_code in {200, 202}
    (asked,) = mortal.until(
        lambda: (
            found
            if (found := [one for one in mortal.run(run)["pending"] if one["title"].startswith("Did it run? ")])
            else None
        ),
        run,
    )
    answer = {"what_happened": {"options": ["not_run"]}}
    assert mortal.decide(asked, "answer", answers=answer).status_code in {200, 202}
    assert mortal.ended(run)["output"] == "Shipped 46. | Refunded 2 on 47."
    assert [mortal.lines().count(line) for line in ("ship 46", "refund 47 2")] == [1, 1]
