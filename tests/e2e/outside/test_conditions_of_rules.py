"""Rules with conditions, over HTTP: large amounts ask under terms of their own, small ones run, huge ones never."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from placet_testing.deployment import Deployment, Json

pytestmark = pytest.mark.timeout(120)


def remit(text: str, amount: float) -> Json:
    return {"tool": "remit", "args": {"text": text, "amount": amount}}


def new() -> str:
    return uuid.uuid4().hex[:8]


def test_a_large_amount_asks_with_the_rules_terms_and_words_while_a_small_one_runs(deployment: Deployment) -> None:
    large, small, huge = new(), new(), new()
    run = deployment.run([remit(large, 150.5), remit(small, 50), remit(huge, 2**70)])
    (asked,) = deployment.pending(run)
    deployment.wait(lambda: deployment.effects(small))
    assert asked["args"] == {"text": large, "amount": 150.5}
    shown = {name: asked[name] for name in ("title", "reason", "rule", "risk", "allowed_decisions", "approvers")}
    assert shown == {
        "title": "Remit 150.5 for desk",
        "reason": f"150.5 for {large}, asked by user:bot\nin turn 0",
        "rule": "large",
        "risk": "high",
        "allowed_decisions": ["approve", "edit"],
        "approvers": ["user:eve", "requester"],
    }
    assert (asked["self_approval"], asked["on_expiry"]) == (True, "abort")
    assert asked["requested_at"][:10] < asked["expires_at"][:10]
    assert deployment.decide(asked, user="dana").json()["code"] == "not_found"
    assert deployment.decide(asked, "reject", user="eve", message="no").json()["code"] == "decision_not_allowed"
    assert deployment.decide(asked, user="eve").status_code == 200
    assert deployment.finished(run)["status"] == "completed"
    results = deployment.results(run)
    assert results[:2] == ["Remitted 150.5.", "Remitted 50."]
    assert "Policy denies remit." in results[2]
    assert deployment.effects(huge) == []
    assert len(deployment.effects(large)) == 1


@pytest.mark.parametrize("amount", [1000.01, 1e300, 2**70])
def test_an_edit_across_the_limit_is_refused_and_one_below_it_runs(deployment: Deployment, amount: float) -> None:
    text = new()
    run = deployment.run([remit(text, 500)])
    (asked,) = deployment.pending(run)
    refused = deployment.decide(asked, "edit", user="eve", args={"text": text, "amount": amount})
    assert refused.status_code == 422
    assert (refused.json()["code"], refused.json()["rule"]) == ("edit_denied", "never")
    assert deployment.read(asked)["status"] == "pending"
    accepted = deployment.decide(asked, "edit", user="eve", args={"text": text, "amount": 1000})
    assert accepted.status_code == 200, accepted.text
    assert deployment.finished(run)["status"] == "completed"
    (effect,) = deployment.effects(text)
    assert effect["amount"] == 1000


def test_an_edit_to_what_needs_nobody_runs(deployment: Deployment) -> None:
    text = new()
    run = deployment.run([remit(text, 500)])
    (asked,) = deployment.pending(run)
    edited: dict[str, Any] = {"text": text, "amount": 5}
    assert deployment.decide(asked, "edit", user="eve", args=edited).status_code == 200
    assert deployment.finished(run)["status"] == "completed"
    (effect,) = deployment.effects(text)
    assert effect["amount"] == 5
