"""Each error code of a decision, with its body, over HTTP; each leaves the approval decidable where it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from placet_testing.deployment import Deployment, Json
from placet_testing.gateway import QUESTION, problem

pytestmark = pytest.mark.timeout(120)

OTHER = "sha256:" + "0" * 64
Say = Callable[[Deployment, Json], httpx.Response]


def said(kind: str, **body: Any) -> Say:
    user = body.pop("user", "dana")
    return lambda deployment, asked: deployment.decide(asked, kind, user=user, **body)


def raw(content: bytes, **headers: str) -> Say:
    return lambda deployment, asked: deployment.client("dana").post(
        f"/v1/approvals/{asked['id']}/decision", content=content, headers=headers
    )


CALLS: dict[str, tuple[Say, int, str, set[str]]] = {
    "no key": (said("approve", user=""), 401, "unauthenticated", set()),
    "no role": (said("approve", user="nobody"), 403, "not_allowed", set()),
    "asked themselves, cannot decide": (said("approve", user="bot"), 403, "not_allowed", {"approvers"}),
    "sees all, decides nothing": (said("approve", user="audra"), 403, "not_allowed", {"approvers"}),
    "type not for calls": (said("answer", answers={}), 403, "decision_not_allowed", {"allowed_decisions"}),
    "skip of a call": (said("skip"), 403, "decision_not_allowed", {"allowed_decisions"}),
    "unknown type": (said("aprove"), 422, "invalid_decision", {"errors"}),
    "edit without arguments": (said("edit"), 422, "invalid_decision", {"errors"}),
    "arguments without edit": (said("approve", args={}), 422, "invalid_decision", {"errors"}),
    "blank response": (said("respond", message=" \n"), 422, "invalid_decision", {"errors"}),
    "response without words": (said("respond"), 422, "invalid_decision", {"errors"}),
    "field that nobody knows": (said("approve", wat=1), 422, "invalid_request", {"errors"}),
    "message that is no text": (said("reject", message=7), 422, "invalid_request", {"errors"}),
    "arguments that are no object": (said("edit", args=[1]), 422, "invalid_request", {"errors"}),
    "edit that breaks the schema": (said("edit", args={"amount": "1"}), 422, "invalid_args", {"errors"}),
    "edit with a field too many": (said("edit", args={"amount": 1, "x": 1}), 422, "invalid_args", {"errors"}),
    "another digest": (said("approve", digest=OTHER), 409, "stale_digest", {"digest", "given"}),
    "no digest": (raw(b'{"type": "approve"}'), 422, "invalid_decision", {"errors"}),
    "not JSON": (raw(b"{"), 400, "malformed_json", set()),
    "too large": (raw(b'{"type": "' + b"x" * 2_000_000 + b'"}'), 413, "too_large", {"limit"}),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_refused_decision_on_a_call_leaves_it_decidable(deployment: Deployment, name: str) -> None:
    say, status, code, named = CALLS[name]
    asked = deployment.ask()
    body = problem(say(deployment, asked), status, code)
    assert named <= body.keys()
    assert deployment.read(asked) == asked
    assert deployment.decide(asked).status_code == 200
    kept = deployment.ended(asked)
    assert (kept["status"], kept["refused"]) == ("approved", [])


QUESTIONS: dict[str, tuple[Say, int, str]] = {
    "approve of a question": (said("approve"), 403, "decision_not_allowed"),
    "skip that is not offered": (said("skip"), 403, "decision_not_allowed"),
    "no answers": (said("answer"), 422, "invalid_decision"),
    "one answer of two": (said("answer", answers={"q1": {"options": ["1"]}}), 422, "invalid_decision"),
    "an option that is not there": (
        said("answer", answers={"q1": {"options": ["9"]}, "q2": {"text": "x"}}),
        422,
        "invalid_decision",
    ),
    "a question that is not there": (
        said("answer", answers={"q1": {"options": ["1"]}, "q2": {"text": "x"}, "q3": {"text": "x"}}),
        422,
        "invalid_decision",
    ),
    "two options of one": (
        said("answer", answers={"q1": {"options": ["1", "2"]}, "q2": {"text": "x"}}),
        422,
        "invalid_decision",
    ),
    "text where none is taken": (
        said("answer", answers={"q1": {"text": "savings"}, "q2": {"text": "x"}}),
        422,
        "invalid_decision",
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_refused_decision_on_a_question_leaves_it_decidable(deployment: Deployment, name: str) -> None:
    say, status, code = QUESTIONS[name]
    asked = deployment.ask(**QUESTION)
    problem(say(deployment, asked), status, code)
    assert deployment.read(asked) == asked
    answers = {"q1": {"options": ["1"]}, "q2": {"text": "because"}}
    assert deployment.decide(asked, "answer", answers=answers).status_code == 200
    assert deployment.ended(asked)["refused"] == []


def test_who_is_not_named_is_refused_and_who_may_not_see_it_finds_nothing(deployment: Deployment) -> None:
    asked = deployment.ask(approvers=["group:finance"])
    problem(deployment.decide(asked, user="eve"), 404, "not_found")
    body = problem(deployment.decide(asked, user="both"), 403, "not_an_approver")
    assert body["approvers"] == ["group:finance"]
    unknown = {**asked, "id": "0" * 32}
    problem(deployment.decide(unknown), 404, "not_found")
    problem(deployment.decide({**asked, "id": "x"}), 404, "not_found")
    assert deployment.decide(asked, user="dana").status_code == 200


def test_nobody_decides_on_a_call_that_they_asked_for_themselves(deployment: Deployment) -> None:
    asked = deployment.ask("max")
    body = problem(deployment.decide(asked, user="max"), 403, "self_approval")
    assert body["requester"] == "user:max"
    assert deployment.read(asked) == asked
    question = deployment.ask("max", **QUESTION)
    answers = {"q1": {"options": ["1"]}, "q2": {"text": "because"}}
    assert deployment.decide(question, "answer", user="max", answers=answers).status_code == 200
    assert deployment.decide(asked).status_code == 200


def test_only_the_decisions_that_were_offered_are_taken(deployment: Deployment) -> None:
    asked = deployment.ask(decisions=["approve"])
    body = problem(deployment.decide(asked, "reject"), 403, "decision_not_allowed")
    assert body["allowed_decisions"] == ["approve"]
    assert deployment.decide(asked).status_code == 200


def test_an_edit_that_policy_denies_is_refused_and_the_call_stays_decidable(deployment: Deployment) -> None:
    asked = deployment.ask(tool="wipe")
    body = problem(deployment.decide(asked, "edit", args={"amount": 1}), 422, "edit_denied")
    assert body["rule"]
    assert body["reason"]
    assert deployment.decide(asked, "reject").status_code == 200


def test_only_who_asked_or_an_admin_withdraws(deployment: Deployment) -> None:
    asked = deployment.ask()
    problem(deployment.withdraw(asked, user="dana"), 403, "not_allowed")
    problem(deployment.withdraw(asked, user="max"), 403, "not_allowed")
    assert deployment.read(asked) == asked
    answer = deployment.withdraw(asked)
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert deployment.ended(asked)["ended_at"] == answer.json()["ended_at"]
    for late in (deployment.decide(asked), deployment.withdraw(asked)):
        assert problem(late, 409, "cancelled")["approval"]["status"] == "cancelled"
    assert deployment.told(asked["id"]) == ["approval.requested", "approval.cancelled"]


def test_nobody_decides_after_the_deadline(deployment: Deployment) -> None:
    asked = deployment.ask(expires_after="1s")
    deployment.wait(lambda: deployment.read(asked)["status"] == "expired")
    for late in (deployment.decide(asked), deployment.withdraw(asked)):
        shown = problem(late, 409, "expired")["approval"]
        assert (shown["status"], shown["decision"]) == ("expired", None)
    kept = deployment.ended(asked)
    assert (kept["status"], kept["ended_at"], kept["decision"]) == ("expired", asked["expires_at"], None)
    assert deployment.told(asked["id"]) == ["approval.requested", "approval.expired"]
