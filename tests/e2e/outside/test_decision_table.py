"""Each line of the decision table, over HTTP, on the real server: what is answered is what stays."""

from __future__ import annotations

from typing import Any

import pytest

from placet_testing.deployment import Deployment, together
from placet_testing.gateway import QUESTION

pytestmark = pytest.mark.timeout(120)

ANSWERS = {"q1": {"options": ["2"]}, "q2": {"text": "because"}}
LINES: dict[str, tuple[dict[str, Any], str, str]] = {
    "approve": ({"type": "approve"}, "approved", "approve"),
    "edit": ({"type": "edit", "args": {"amount": 200}}, "approved", "edit"),
    "edit that changes nothing": ({"type": "edit", "args": {"order": "A-1", "amount": 250.0}}, "approved", "approve"),
    "reject": ({"type": "reject"}, "rejected", "reject"),
    "reject with a reason": ({"type": "reject", "message": "Too much."}, "rejected", "reject"),
    "respond": ({"type": "respond", "message": "Paid by hand."}, "responded", "respond"),
    "answer": ({"type": "answer", "answers": ANSWERS}, "answered", "answer"),
    "skip": ({"type": "skip"}, "skipped", "skip"),
}


@pytest.mark.parametrize("line", LINES)
def test_a_decision_ends_the_approval_as_the_table_says(deployment: Deployment, line: str) -> None:
    sent, status, recorded = LINES[line]
    body: dict[str, Any] = QUESTION | {"allow_skip": True} if sent["type"] in {"answer", "skip"} else {}
    asked = deployment.ask(**body)
    assert (asked["status"], asked["decision"], asked["execution"]) == ("pending", None, None)
    answer = deployment.decide(asked, sent["type"], **{name: sent[name] for name in sent if name != "type"})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    decision = told["decision"]
    assert (told["status"], decision["type"]) == (status, recorded)
    assert decision["by"] == {"id": "user:dana", "name": "Dana Ito", "via": "api"}
    assert decision["message"] == sent.get("message")
    assert decision["args"] == (sent["args"] if recorded == "edit" else None)
    assert (decision["digest"] != told["digest"]) == (recorded == "edit")
    assert (told["digest"], told["args"], told["recorded"]) == (asked["digest"], asked["args"], False)
    if recorded == "answer":
        assert decision["answers"]["q1"]["options"] == ["2"]
        assert decision["answers"]["q2"]["text"] == "because"
    kept = deployment.ended(asked)
    assert kept == told, "what was answered is not what is kept"
    assert deployment.told(asked["id"]) == ["approval.requested", "approval.decided"]
    late = deployment.decide(asked, sent["type"], user="eve", **{name: sent[name] for name in sent if name != "type"})
    assert (late.status_code, late.json()["code"]) == (409, "already_decided"), late.text
    assert late.json()["approval"] == kept


def test_what_was_asked_is_the_same_right_away_and_once_the_worker_has_recorded_it(deployment: Deployment) -> None:
    deployment.kill_workers()
    alone = deployment.ask(expires_after="2h")
    assert deployment.read(alone, gateway=1) == alone
    deployment.up(workers=1, gateways=2)
    with_worker = deployment.ask(expires_after="2h")
    for asked in (alone, with_worker):
        assert deployment.decide(asked, "reject").status_code == 200
        kept = deployment.ended(asked)
        changed = {"status", "decision", "ended_at"}
        assert {name: kept[name] for name in kept if name not in changed} == {
            name: asked[name] for name in asked if name not in changed
        }
        assert deployment.told(asked["id"]) == ["approval.requested", "approval.decided"]


def test_who_waits_is_woken_by_the_decision(deployment: Deployment) -> None:
    asked = deployment.ask()
    url = f"/v1/approvals/{asked['id']}/wait"
    assert deployment.client("bot").get(url, params={"timeout": 0.2}).status_code == 204
    waited, decided = together(
        [
            lambda: deployment.client("bot", gateway=1).get(url, params={"timeout": 20}),
            lambda: deployment.decide(asked, gateway=0),
        ]
    )
    assert decided.status_code == 200
    assert (waited.status_code, waited.json()["status"]) == (200, "approved")
