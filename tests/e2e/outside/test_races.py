"""Many at one approval: one winner, and every loser is told who won, when and how."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest

from placet_testing.deployment import Deployment, together
from placet_testing.gateway import problem
from placet_testing.processes import CROWD

pytestmark = pytest.mark.timeout(180)

KINDS = ("approve", "reject")


def test_of_eight_people_at_two_gateways_one_wins_and_seven_learn_who(deployment: Deployment) -> None:
    for _ in range(3):
        asked = deployment.ask()
        answers = together(
            [
                partial(deployment.decide, asked, KINDS[place % 2], user=user, gateway=place % 2)
                for place, user in enumerate(CROWD)
            ]
        )
        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 7}, [one.text for one in answers]
        (won,) = (answer.json() for answer in answers if answer.status_code == 200)
        for answer in answers:
            if answer.status_code == 409:
                told = problem(answer, 409, "already_decided")["approval"]
                assert told == won
        assert deployment.ended(asked) == won
        assert deployment.told(asked["id"]) == ["approval.requested", "approval.decided"]


def test_with_no_worker_eight_are_recorded_and_one_wins_once_it_is_back(deployment: Deployment) -> None:
    asked = deployment.ask()
    deployment.kill_workers()
    answers = together(
        [
            partial(deployment.decide, asked, KINDS[place % 2], user=user, gateway=place % 2)
            for place, user in enumerate(CROWD)
        ]
    )
    assert {answer.status_code for answer in answers} == {202}, [one.text for one in answers]
    assert {answer.json()["status"] for answer in answers} == {"recorded"}
    ids = {answer.json()["decision_id"] for answer in answers}
    assert len(ids) == 8
    shown = deployment.read(asked)
    assert (shown["status"], shown["recorded"], shown["decision"]) == ("pending", True, None)
    deployment.up(workers=1, gateways=2)
    kept = deployment.ended(asked)
    assert kept["decision"]["id"] in ids
    assert kept["status"] == {"approve": "approved", "reject": "rejected"}[kept["decision"]["type"]]
    refused = {entry["decision_id"]: entry["code"] for entry in kept["refused"]}
    assert refused == dict.fromkeys(ids - {kept["decision"]["id"]}, "already_decided")
    assert {entry["by"]["via"] for entry in kept["refused"]} == {"api"}
    told = Counter(deployment.told(asked["id"]))
    assert told == {"approval.requested": 1, "approval.decided": 1, "approval.refused": 7}


def test_of_a_decision_and_a_withdrawal_exactly_one_counts(deployment: Deployment) -> None:
    ends: Counter[str] = Counter()
    for place in range(12):
        asked = deployment.ask()
        first = [partial(deployment.decide, asked, gateway=0), partial(deployment.withdraw, asked, gateway=1)]
        answers = together(first if place % 2 else first[::-1])
        decided, withdrawn = answers if place % 2 else answers[::-1]
        assert sorted((decided.status_code, withdrawn.status_code)) == [200, 409], (decided.text, withdrawn.text)
        kept = deployment.ended(asked)
        if decided.status_code == 200:
            assert problem(withdrawn, 409, "already_decided")["approval"] == decided.json() == kept
        else:
            assert problem(decided, 409, "cancelled")["approval"] == withdrawn.json() == kept
        ends[kept["status"]] += 1
        assert len(deployment.told(asked["id"])) == 2
    assert set(ends) <= {"approved", "cancelled"}


def test_one_key_sent_through_both_gateways_at_once_counts_once(deployment: Deployment) -> None:
    for _ in range(3):
        asked = deployment.ask()
        answers = together([partial(deployment.decide, asked, key="one", gateway=place % 2) for place in range(6)])
        assert {answer.status_code for answer in answers} == {200}, [one.text for one in answers]
        assert len({answer.json()["decision"]["id"] for answer in answers}) == 1
        deployment.ended(asked)
        assert deployment.told(asked["id"]) == ["approval.requested", "approval.decided"]


def test_one_key_of_an_ask_sent_through_both_gateways_at_once_asks_once(deployment: Deployment) -> None:
    body = {"kind": "tool_call", "tool": "refund", "args": {"amount": 1}, "title": "Refund 1"}
    headers = {"Idempotency-Key": f"ask-{deployment.ask()['id']}"}
    answers = together(
        [
            partial(deployment.client("bot", gateway=place % 2).post, "/v1/approvals", json=body, headers=headers)
            for place in range(6)
        ]
    )
    assert {answer.status_code for answer in answers} == {201}, [one.text for one in answers]
    (approval_id,) = {answer.json()["id"] for answer in answers}
    assert deployment.told(approval_id) == ["approval.requested"]
    other = deployment.client("bot").post("/v1/approvals", json={**body, "title": "x"}, headers=headers)
    problem(other, 422, "idempotency_key_reused")
