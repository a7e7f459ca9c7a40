"""An agent's calls, over HTTP, with tools that leave a line on the disk: who runs, when, and what the model is told."""

from __future__ import annotations

import sqlite3
import uuid
from typing import Any

import pytest

from placet_testing.deployment import Deployment, Json

pytestmark = pytest.mark.timeout(120)


def new() -> str:
    return uuid.uuid4().hex[:8]


def call(tool: str, text: str, **args: Any) -> Json:
    return {"tool": tool, "args": {"text": text, **args}}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "crosswise"])
def test_each_call_is_released_by_its_own_decision(deployment: Deployment, order: tuple[int, int]) -> None:
    texts = [new() for _ in range(3)]
    run = deployment.run([call("send", texts[0]), call("note", texts[1]), call("pay", texts[2])])
    waiting = deployment.pending(run, 2)
    assert [one["args"]["text"] for one in waiting] == [texts[0], texts[2]]
    assert deployment.read_run(run)["status"] == "waiting"
    deployment.wait(lambda: deployment.effects(texts[1]))
    first, second = (waiting[place] for place in order)
    assert deployment.decide(first).status_code == 200
    deployment.wait(lambda: deployment.effects(first["args"]["text"]))
    deployment.wait(lambda: deployment.read(first)["execution"]["status"] == "succeeded")
    assert deployment.effects(second["args"]["text"]) == []
    assert [one["id"] for one in deployment.pending(run, 1)] == [second["id"]]
    assert deployment.decide(second, user="eve").status_code == 200
    ended = deployment.finished(run)
    assert ended["status"] == "completed"
    assert deployment.results(run) == [f"Sent {texts[0]}.", f"Noted {texts[1]}.", f"Paid {texts[2]}."]
    assert ended["output"] == " | ".join(deployment.results(run))
    for one, by in ((first, "user:dana"), (second, "user:eve")):
        (effect,) = deployment.effects(one["args"]["text"])
        assert (effect["approval"], effect["approver"]) == (one["id"], by)
    assert len(deployment.effects(texts[1])) == 1
    told = [event["type"] for event in deployment.events() if event["run_id"] == run["id"]]
    assert told.count("call.allowed") == 1
    assert told.count("call.started") == told.count("call.finished") == 3
    assert (told[0], told[-1]) == ("run.started", "run.completed")


def test_two_calls_of_one_tool_are_two_calls_also_with_one_id(deployment: Deployment) -> None:
    text = new()
    twice = {**call("send", text), "id": "call_0"}
    run = deployment.run([twice, twice], [twice])
    one, other = deployment.pending(run, 2)
    assert one["id"] != other["id"]
    assert deployment.decide(other).status_code == 200
    deployment.wait(lambda: deployment.effects(text))
    assert len(deployment.effects(text)) == 1
    assert deployment.decide(one, "reject", message="Once is enough.").status_code == 200
    deployment.wait(lambda: [asked["turn"] for asked in deployment.read_run(run)["pending"]] == [1])
    (again,) = deployment.pending(run, 1)
    assert deployment.decide(again).status_code == 200
    assert deployment.finished(run)["status"] == "completed"
    assert deployment.results(run) == ["Once is enough.", f"Sent {text}.", f"Sent {text}."]
    effects = deployment.effects(text)
    assert len(effects) == 2
    assert len({effect["key"] for effect in effects}) == 2


def test_nonsense_goes_back_to_the_model_and_nobody_is_asked(deployment: Deployment) -> None:
    text = new()
    run = deployment.run(
        [
            {"tool": "nosuch", "args": {"text": text}},
            {**call("send", text), "id": None},
            {"tool": "send", "args": {"txt": text}},
            {"tool": "send", "args": {"text": text, "copies": "many"}},
            {"tool": "send", "args": {"text": text, "surplus": 1}},
            {"tool": "send", "args": '{"text": "cut'},
            call("wipe", text),
            call("fail", text),
        ]
    )
    ended = deployment.finished(run)
    assert ended["status"] == "completed"
    results = deployment.results(run)
    assert len(results) == 8
    words = ("no tool 'nosuch'", "no id", "schema", "schema", "schema", "not JSON", "does not allow", "no luck")
    for word in words:
        assert any(word in result for result in results), (word, results)
    assert {message["data"]["status"] for message in deployment.messages(run) if message["type"] == "tool"} == {"error"}
    assert deployment.effects(text) == []
    listed = deployment.client("root").get("/v1/approvals", params={"run_id": run["id"], "status": "any"}).json()
    assert listed["items"] == []


def test_every_call_of_the_transcript_has_its_result(deployment: Deployment) -> None:
    text = new()
    run = deployment.run([{"tool": "send", "args": "no"}, {**call("note", text), "id": None}, call("note", text)])
    assert deployment.finished(run)["status"] == "completed"
    messages = deployment.messages(run)
    (asked,) = [one["data"] for one in messages if one["type"] == "ai"][:1]
    ids = [one["id"] for one in asked["tool_calls"] + asked["invalid_tool_calls"]]
    answered = [one["data"]["tool_call_id"] for one in messages if one["type"] == "tool"]
    assert sorted(ids) == sorted(answered)
    assert all(ids)


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        ("reject", {}, "A person rejected this call; it did not run. Do not try the same call again."),
        ("reject", {"message": "Wrong customer."}, "Wrong customer."),
        ("respond", {"message": "Sent by hand yesterday."}, "Sent by hand yesterday."),
    ],
    ids=["reject", "reject with a reason", "respond"],
)
def test_what_is_not_approved_does_not_run_and_the_model_reads_why(
    deployment: Deployment, kind: str, body: Json, told: str
) -> None:
    text = new()
    run = deployment.run([call("send", text)])
    (asked,) = deployment.pending(run)
    assert deployment.decide(asked, kind, **body).status_code == 200
    assert deployment.finished(run)["status"] == "completed"
    assert deployment.results(run) == [told]
    assert deployment.effects(text) == []
    assert deployment.read(asked)["execution"] is None


def test_an_edit_runs_exactly_what_was_edited_and_the_model_is_told(deployment: Deployment) -> None:
    text, other = new(), new()
    run = deployment.run([call("pay", text, amount=10)])
    (asked,) = deployment.pending(run)
    assert deployment.decide(asked, "edit", args={"text": other, "amount": "a lot"}).status_code == 422
    answer = deployment.decide(asked, "edit", args={"amount": 4.25, "text": other})
    assert answer.status_code == 200, answer.text
    assert deployment.finished(run)["status"] == "completed"
    assert deployment.effects(text) == []
    (effect,) = deployment.effects(other)
    assert effect["amount"] == 4.25
    (result,) = deployment.results(run)
    assert f'{{"amount":4.25,"text":"{other}"}}' in result
    assert f"Paid {other}." in result
    execution = deployment.read(asked)["execution"]
    assert (execution["status"], execution["digest"]) == ("succeeded", answer.json()["decision"]["digest"])


def test_an_expired_call_is_told_as_decided_by_nobody(deployment: Deployment) -> None:
    text, other = new(), new()
    run, stopped = deployment.run([call("send_soon", text)]), deployment.run([call("send_or_stop", other)])
    (asked,) = deployment.pending(run)
    assert deployment.finished(run)["status"] == "completed"
    (result,) = deployment.results(run)
    assert "Nobody decided" in result
    assert "No person has rejected it" in result
    assert deployment.read(asked)["status"] == "expired"
    ended = deployment.finished(stopped)
    assert ended["status"] == "expired"
    assert deployment.effects(text) == deployment.effects(other) == []


def test_a_run_cancelled_before_a_decision_starts_nothing(deployment: Deployment) -> None:
    text, noted = new(), new()
    run = deployment.run([call("send", text), call("note", noted, hold="before"), call("pay", text)])
    waiting = deployment.pending(run, 2)
    deployment.held(noted, "before")
    answer = deployment.client("bot").post(f"/v1/runs/{run['id']}/cancel", json={"reason": "changed my mind"})
    assert answer.status_code == 202, answer.text
    assert answer.json()["cancel_requested_at"]
    for asked in waiting:
        assert deployment.ended(asked)["status"] == "cancelled"
        assert deployment.decide(asked).json()["code"] == "cancelled"
    assert deployment.read_run(run)["ended_at"] is None, "what has started is let finish"
    deployment.let_go(noted)
    ended = deployment.finished(run)
    assert ended["status"] == "cancelled"
    assert deployment.effects(text) == []
    assert len(deployment.effects(noted)) == 1
    results = deployment.results(run)
    assert results[1] == f"Noted {noted}."
    assert all("cancelled before it started" in result for result in (results[0], results[2]))
    again = deployment.client("bot").post(f"/v1/runs/{run['id']}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "run_ended")


def test_a_run_cancelled_after_a_decision_lets_the_call_finish(deployment: Deployment) -> None:
    text, later = new(), new()
    run = deployment.run([call("send", text, hold="before")], [call("note", later)])
    (asked,) = deployment.pending(run)
    assert deployment.decide(asked).status_code == 200
    deployment.held(text, "before")
    assert deployment.client("bot").post(f"/v1/runs/{run['id']}/cancel").status_code == 202
    deployment.let_go(text)
    ended = deployment.finished(run)
    assert ended["status"] == "cancelled"
    assert len(deployment.effects(text)) == 1
    assert deployment.effects(later) == []
    assert deployment.read(asked)["status"] == "approved"
    assert deployment.results(run) == [f"Sent {text}."]


def test_the_billing_desk_refunds_once_and_writes_to_the_customer(deployment: Deployment) -> None:
    sent = {"agent": "billing", "input": "Order 1001 arrived broken. Refund it and tell the customer."}
    run = deployment.client("bot").post("/v1/runs", json=sent).json()
    (refund,) = deployment.pending(run)
    assert (refund["tool"], refund["status"]) == ("refund", "pending")
    assert _refunds(deployment) == []
    assert deployment.decide(refund).status_code == 200
    deployment.wait(lambda: any(one["tool"] == "send_email" for one in deployment.read_run(run)["pending"]))
    (email,) = deployment.pending(run)
    assert deployment.decide(email, "reject", message="I call her.").status_code == 200
    assert deployment.finished(run)["status"] == "completed"
    assert _refunds(deployment) == [(1001, 2500, "user:dana")]
    assert list((deployment.shop / "outbox").glob("*.eml")) == []


def _refunds(deployment: Deployment) -> list[tuple[Any, ...]]:
    shop = sqlite3.connect(deployment.shop / "shop.db")
    try:
        return shop.execute("SELECT order_id, amount_cents, approved_by FROM refunds").fetchall()
    finally:
        shop.close()
