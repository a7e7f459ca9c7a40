"""Idempotency keys with a worker up: the same key and body give the same answer for ever."""

from __future__ import annotations

import pytest

from placet_testing.deployment import Deployment
from placet_testing.gateway import problem

pytestmark = pytest.mark.timeout(120)


def test_the_winner_hears_the_same_again_and_another_body_is_refused(deployment: Deployment) -> None:
    asked = deployment.ask()
    first = deployment.decide(asked, "edit", args={"amount": 1, "order": "B"}, key="k")
    assert first.status_code == 200, first.text
    for gateway in (0, 1):
        again = deployment.decide(asked, "edit", args={"order": "B", "amount": 1.0}, key="k", gateway=gateway)
        assert (again.status_code, again.json()) == (200, first.json())
    problem(deployment.decide(asked, "edit", args={"amount": 2, "order": "B"}, key="k"), 422, "idempotency_key_reused")
    problem(deployment.decide(asked, key="k"), 422, "idempotency_key_reused")
    deployment.ended(asked)
    assert deployment.decide(asked, "edit", args={"amount": 1, "order": "B"}, key="k").json() == first.json()
    problem(deployment.decide(asked, key="k"), 422, "idempotency_key_reused")
    problem(deployment.decide(asked, "edit", args={"amount": 1, "order": "B"}), 409, "already_decided")


def test_the_loser_hears_the_same_409_again(deployment: Deployment) -> None:
    asked = deployment.ask()
    assert deployment.decide(asked).status_code == 200
    bodies = [problem(deployment.decide(asked, user="eve", key="mine"), 409, "already_decided") for _ in range(2)]
    assert bodies[0] == bodies[1]


def test_a_refused_decision_does_not_use_up_its_key(deployment: Deployment) -> None:
    asked = deployment.ask()
    stale = {**asked, "digest": "sha256:" + "1" * 64}
    problem(deployment.decide(stale, key="k"), 409, "stale_digest")
    problem(deployment.decide(asked, "edit", args={"amount": "x"}, key="k"), 422, "invalid_args")
    answer = deployment.decide(asked, key="k")
    assert (answer.status_code, answer.json()["status"]) == (200, "approved")


def test_one_key_on_two_approvals_is_two_decisions(deployment: Deployment) -> None:
    asked = [deployment.ask(), deployment.ask()]
    answers = [deployment.decide(approval, key="k") for approval in asked]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["decision"]["id"] != answers[1].json()["decision"]["id"]
