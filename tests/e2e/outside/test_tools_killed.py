"""A worker that dies or stands still in a tool: the tool's line is there once, or a person is asked; never twice."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest

from placet_testing.deployment import Deployment, Json
from placet_testing.gateway import problem

pytestmark = pytest.mark.timeout(180)


def new() -> str:
    return uuid.uuid4().hex[:8]


def call(tool: str, text: str, **args: Any) -> Json:
    return {"tool": tool, "args": {"text": text, **args}}


def held_at(deployment: Deployment, tool: str, point: str) -> tuple[Json, Json, str]:
    """Returns a run whose approved call is held at a point of its tool, with the approval and the text."""
    text = new()
    run = deployment.run([call(tool, text, hold=point)])
    (asked,) = deployment.pending(run)
    assert deployment.decide(asked).status_code == 200
    deployment.held(text, point)
    return run, asked, text


def question(deployment: Deployment, run: Json) -> Json:
    """Waits for the question about an uncertain call."""
    (asked,) = deployment.pending(run, limit=40)
    assert (asked["kind"], asked["expires_at"], asked["allowed_decisions"]) == ("question", None, ["answer"])
    (one,) = asked["questions"]
    assert [option["id"] for option in one["options"]] == ["ran", "not_run", "stop"]
    return asked


def answer(deployment: Deployment, asked: Json, option: str, text: str | None = None) -> None:
    (one,) = asked["questions"]
    said = {one["id"]: {"options": [option], **({"text": text} if text else {})}}
    done = deployment.decide(asked, "answer", answers=said)
    assert done.status_code == 200, done.text


def test_a_worker_killed_before_in_and_after_a_tool(deployment: Deployment) -> None:
    """One kill, and calls at every point: each is told by what the disk says."""
    before, asked_before, text_before = held_at(deployment, "send", "before")
    inside, _, text_inside = held_at(deployment, "pay", "after")
    returned, _, text_returned = held_at(deployment, "send", "returned")
    again_before, _, text_again_before = held_at(deployment, "set_again", "before")
    again_after, _, text_again_after = held_at(deployment, "set_again", "after")
    waiting = deployment.run([call("send", text_waiting := new())])
    (asked_waiting,) = deployment.pending(waiting)
    assert [len(deployment.effects(text)) for text in (text_before, text_inside, text_returned)] == [0, 1, 1]

    deployment.kill_workers()
    for text in (text_again_before, text_again_after):
        deployment.let_go(text)
    deployment.up(workers=1, gateways=2)

    # Nobody waits for a person where the tool may run again.
    for run, text, lines in ((again_before, text_again_before, 1), (again_after, text_again_after, 2)):
        assert deployment.finished(run, limit=40)["status"] == "completed"
        assert deployment.results(run) == [f"Set {text}."]
        keys = [effect["key"] for effect in deployment.effects(text)]
        assert len(keys) == lines
        assert len(set(keys)) == 1, "a tool that is run again has the same key"

    for run, text, lines in ((before, text_before, 0), (inside, text_inside, 1), (returned, text_returned, 1)):
        asked = question(deployment, run)
        assert len(deployment.effects(text)) == lines, "it ran twice"
        assert asked["tool"] in {"send", "pay"}
        problem(deployment.decide(asked), 403, "decision_not_allowed")
        answer(deployment, asked, "ran" if lines else "stop", f"I saw {text}.")
    assert deployment.read(asked_before)["execution"]["status"] == "uncertain"

    for run, text in ((inside, text_inside), (returned, text_returned)):
        assert deployment.finished(run)["status"] == "completed"
        assert deployment.results(run) == [f"I saw {text}."]
    stopped = deployment.finished(before)
    assert stopped["status"] == "cancelled"
    assert deployment.decide(asked_waiting).status_code == 200
    assert deployment.finished(waiting)["status"] == "completed"
    counts = {text: len(deployment.effects(text)) for text in (text_before, text_inside, text_returned, text_waiting)}
    assert counts == {text_before: 0, text_inside: 1, text_returned: 1, text_waiting: 1}


def test_a_person_says_that_it_did_not_run_and_it_runs_once(deployment: Deployment) -> None:
    run, asked, text = held_at(deployment, "send", "before")
    deployment.kill_workers()
    deployment.up(workers=1, gateways=2)
    uncertain = question(deployment, run)
    assert uncertain["context"]["call"] == {"tool": "send", "args": asked["args"], "digest": asked["digest"]}
    assert asked["digest"] in uncertain["questions"][0]["question"], "what is answered is bound to the call"
    deployment.let_go(text)
    assert deployment.effects(text) == []
    answer(deployment, uncertain, "not_run")
    assert deployment.finished(run)["status"] == "completed"
    assert deployment.results(run) == [f"Sent {text}."]
    (effect,) = deployment.effects(text)
    assert (effect["approval"], effect["approver"]) == (asked["id"], "user:dana")
    assert deployment.read(asked)["execution"]["status"] == "succeeded"
    told = [event["type"] for event in deployment.events() if event["run_id"] == run["id"]]
    assert told.count("call.uncertain") == 1
    assert told.count("call.started") == 2
    assert told.count("call.finished") == 1


def test_a_run_cancelled_while_its_call_is_uncertain_ends(deployment: Deployment) -> None:
    run, _, text = held_at(deployment, "send", "after")
    deployment.kill_workers()
    deployment.up(workers=1, gateways=2)
    uncertain = question(deployment, run)
    assert deployment.client("bot").post(f"/v1/runs/{run['id']}/cancel").status_code == 202
    assert deployment.finished(run)["status"] == "cancelled"
    assert deployment.ended(uncertain)["status"] == "cancelled"
    (result,) = deployment.results(run)
    assert "open whether this call ran" in result
    assert len(deployment.effects(text)) == 1


def test_a_worker_stopped_for_fifteen_seconds_in_a_tool_and_continued(deployment: Deployment) -> None:
    """Temporal gives the calls to the other worker, which finds their rows; the zombie's results are evidence."""
    single, _, text = held_at(deployment, "send", "after")
    idempotent, _, text_again = held_at(deployment, "set_again", "after")
    frozen = deployment.workers[0]
    frozen.freeze()
    try:
        deployment.start_worker()
        began = time.monotonic()
        deployment.let_go(text_again)
        uncertain = question(deployment, single)
        assert deployment.finished(idempotent, limit=40)["status"] == "completed"
        deployment.let_go(text)
        deployment.wait(lambda: time.monotonic() - began > 15)
    finally:
        frozen.thaw()
    # The stopped process goes on in the middle of its tools, and says so too late.
    deployment.wait(lambda: "late_result" in deployment.read(uncertain)["context"])
    late = deployment.read(uncertain)["context"]["late_result"]
    assert late["status"] == "succeeded"
    assert late["message"]["data"]["content"] == f"Sent {text}."
    assert deployment.read(uncertain)["status"] == "pending"
    answer(deployment, uncertain, "ran", f"Sent {text}.")
    assert deployment.finished(single)["status"] == "completed"
    assert len(deployment.effects(text)) == 1
    assert len(deployment.effects(text_again)) == 2
    for run in (single, idempotent):
        told = [event["type"] for event in deployment.events() if event["run_id"] == run["id"]]
        assert told[-1] == "run.completed"
        assert told.count("call.finished") == 1
    frozen.kill()
    deployment.up(workers=1, gateways=2)


def test_a_worker_stopped_and_continued_in_time_runs_the_tool_once(deployment: Deployment) -> None:
    run, _, text = held_at(deployment, "send", "before")
    frozen = deployment.workers[0]
    frozen.freeze()
    time.sleep(2)  # less than the heartbeat timeout: nobody notices
    frozen.thaw()
    deployment.let_go(text)
    assert deployment.finished(run)["status"] == "completed"
    assert deployment.results(run) == [f"Sent {text}."]
    assert len(deployment.effects(text)) == 1


def test_a_tool_may_take_longer_than_its_heartbeats(deployment: Deployment) -> None:
    noted, paid = new(), new()
    run = deployment.run([call("note", noted, hold="after"), call("pay", paid, hold="after")])
    (asked,) = deployment.pending(run)
    assert deployment.decide(asked).status_code == 200
    deployment.held(noted, "after")
    deployment.held(paid, "after")
    time.sleep(12)  # more than twice the heartbeat timeout
    assert deployment.read_run(run)["pending"] == []
    deployment.let_go(noted)
    deployment.let_go(paid)
    assert deployment.finished(run)["status"] == "completed"
    assert deployment.results(run) == [f"Noted {noted}.", f"Paid {paid}."]
    assert len(deployment.effects(noted)) == len(deployment.effects(paid)) == 1


def test_a_worker_that_is_told_to_stop_lets_a_tool_finish_within_its_grace(deployment: Deployment) -> None:
    quick, _, text = held_at(deployment, "send", "before")
    slow, _, text_slow = held_at(deployment, "pay", "after")
    worker = deployment.workers[0]
    worker.process.terminate()
    deployment.let_go(text)
    assert worker.process.wait(20) == 0, worker.log.read_text()[-2000:]
    deployment.up(workers=1, gateways=2)
    assert deployment.finished(quick)["status"] == "completed"
    assert deployment.results(quick) == [f"Sent {text}."]
    answer(deployment, question(deployment, slow), "ran", "Paid.")
    assert deployment.finished(slow)["status"] == "completed"
    assert len(deployment.effects(text)) == len(deployment.effects(text_slow)) == 1
