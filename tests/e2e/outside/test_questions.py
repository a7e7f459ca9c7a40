"""Questions of an agent, over HTTP: who sees them, who answers, what the model reads."""

from __future__ import annotations

import json
import uuid
from typing import Any, Final

import pytest

from placet_testing.deployment import Deployment, Json

pytestmark = pytest.mark.timeout(120)

WHICH: Final[Json] = {"question": "Which one?", "options": ["Left", {"id": "r", "label": "Right"}]}
WHY: Final[Json] = {"id": "why", "question": "Why?", "allow_text": True}


def ask(*questions: Json, **frame: Any) -> Json:
    return {"tool": "ask_human", "args": {"questions": list(questions), **frame}}


def told(deployment: Deployment, run: Json) -> list[Json]:
    return [json.loads(result) for result in deployment.results(run)]


def test_the_requester_answers_and_the_model_reads_the_labels(deployment: Deployment) -> None:
    run = deployment.run([ask({**WHICH, "multi_select": True}, WHY, context={"order": 7})])
    (asked,) = deployment.pending(run)
    assert (asked["kind"], asked["tool"], asked["title"]) == ("question", "ask_human", "Which one? and 1 more")
    assert asked["context"] == {"order": 7}
    assert asked["approvers"] == ["requester", "role:approver"]
    assert [one["id"] for one in asked["questions"]] == ["q1", "why"]
    assert list(asked["args"]) == ["questions"]
    answers: Json = {"why": {"text": "They fit."}, "q1": {"options": ["r", "1"]}}
    answer = deployment.decide(asked, "answer", user="bot", answers=answers)
    assert answer.status_code == 200, answer.text
    assert deployment.finished(run)["status"] == "completed"
    (result,) = told(deployment, run)
    assert result["status"] == "answered"
    assert result["by"] == "user:bot"
    assert result["at"] == deployment.read(asked)["ended_at"]
    assert result["answers"] == [
        {"question_id": "q1", "options": [{"id": "1", "label": "Left"}, {"id": "r", "label": "Right"}], "text": None},
        {"question_id": "why", "options": [], "text": "They fit."},
    ]


def test_an_approver_may_answer_the_flat_form(deployment: Deployment) -> None:
    run = deployment.run([{"tool": "ask_human", "args": {"prompt": "Which one?", "options": ["Left", "Right"]}}])
    (asked,) = deployment.pending(run)
    assert deployment.decide(asked, "answer", answers={"q1": {"options": ["2"]}}).status_code == 200
    deployment.finished(run)
    (result,) = told(deployment, run)
    assert result["answers"] == [{"question_id": "q1", "options": [{"id": "2", "label": "Right"}], "text": None}]


def test_a_question_is_skipped_only_where_it_may_be(deployment: Deployment) -> None:
    run = deployment.run([ask(WHICH, allow_skip=True), ask(WHICH)])
    may, must = deployment.pending(run, 2)
    assert deployment.decide(must, "skip").json()["code"] == "decision_not_allowed"
    assert deployment.decide(may, "skip").status_code == 200
    assert deployment.decide(must, "answer", answers={"q1": {"options": ["1"]}}).status_code == 200
    deployment.finished(run)
    skipped, answered = told(deployment, run)
    assert (skipped["status"], skipped["answers"], skipped["by"]) == ("skipped", [], "user:dana")
    assert answered["status"] == "answered"


def test_malformed_questions_go_back_to_the_model_and_nobody_is_asked(deployment: Deployment) -> None:
    run = deployment.run(
        [
            ask(),
            ask({"question": "Which one?"}),
            ask({**WHICH, "options": ["a", "A"]}),
            ask(WHICH, urgent=True),
            {"tool": "ask_human", "args": {"prompt": " ", "options": ["a"]}},
            ask({"question": "x" * 9_000, "options": [{"label": f"{n}", "description": "y" * 900} for n in range(90)]}),
        ]
    )
    assert deployment.finished(run)["status"] == "completed"
    fields = ("/questions:", "/questions/0/options:", "/questions/0/options:", "/urgent:", "/prompt:", "/questions:")
    results = deployment.results(run)
    assert len(results) == len(fields)
    for result, field in zip(results, fields, strict=True):
        assert result.startswith("Nobody was asked:")
        assert field in result
    listed = deployment.client("root").get("/v1/approvals", params={"run_id": run["id"], "status": "any"}).json()
    assert listed["items"] == []


def test_a_cancelled_run_answers_its_question_for_the_model(deployment: Deployment) -> None:
    thread = f"thread-{uuid.uuid4().hex}"
    run = deployment.run([ask(WHICH)], thread_id=thread)
    (asked,) = deployment.pending(run)
    assert deployment.client("bot").post(f"/v1/runs/{run['id']}/cancel", json={}).status_code == 202
    assert deployment.finished(run)["status"] == "cancelled"
    assert deployment.read(asked)["status"] == "cancelled"
    (result,) = told(deployment, run)
    assert (result["status"], result["answers"], result["by"]) == ("cancelled", [], None)
    again = deployment.run([], thread_id=thread)
    assert deployment.finished(again)["status"] == "completed"


def test_nobody_else_sees_a_question(deployment: Deployment) -> None:
    """Not somebody who signs in and has no role."""
    run = deployment.run([ask(WHICH)])
    (asked,) = deployment.pending(run)
    assert deployment.client("nobody").get(f"/v1/approvals/{asked['id']}").status_code == 403
    assert deployment.decide(asked, "answer", user="nobody", answers={"q1": {"options": ["1"]}}).status_code == 403
    assert deployment.decide(asked, "answer", answers={"q1": {"options": ["1"]}}).status_code == 200
