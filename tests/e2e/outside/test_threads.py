"""A thread: runs that share messages, one at a time, whatever became of the run before."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from placet_testing.deployment import Deployment, Json, together

pytestmark = pytest.mark.timeout(120)


def new_thread() -> str:
    return f"thread-{uuid.uuid4().hex[:12]}"


def note(text: str) -> Json:
    return {"tool": "note", "args": {"text": text}}


def kinds(deployment: Deployment, run: Json) -> list[str]:
    return [message["type"] for message in deployment.messages(run)]


def start(deployment: Deployment, *, key: str = "", user: str = "bot", gateway: int = 0, **body: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    sent = {"agent": "desk", "input": "[]", **body}
    return deployment.client(user, gateway).post("/v1/runs", json=sent, headers=headers)


def test_a_run_remembers_the_runs_before_it(deployment: Deployment) -> None:
    thread = new_thread()
    first = deployment.run([note("one")], thread_id=thread)
    deployment.finished(first)
    second = deployment.run([note("two")], thread_id=thread)
    deployment.finished(second)
    third = deployment.run([], thread_id=thread)
    deployment.finished(third)
    turn = ["human", "ai", "tool", "ai"]
    assert kinds(deployment, first) == turn
    assert kinds(deployment, second) == turn * 2
    assert kinds(deployment, third) == [*turn * 2, "human", "ai"]
    assert deployment.messages(third)[: len(turn)] == deployment.messages(first)
    assert first["thread_id"] == third["thread_id"] == thread


@pytest.mark.parametrize("end", ["cancelled", "expired", "failed"])
def test_a_thread_goes_on_after_a_run_that_came_to_nothing(deployment: Deployment, end: str) -> None:
    """Every call has its result: a provider would refuse a transcript in which one is missing."""
    thread, text = new_thread(), uuid.uuid4().hex[:8]
    if end == "failed":
        first = deployment.run(*[[note(text)]] * 45, thread_id=thread)
    else:
        tool = "send_or_stop" if end == "expired" else "send"
        first = deployment.run([{"tool": tool, "args": {"text": text}}, note(text)], thread_id=thread)
    if end == "cancelled":
        deployment.pending(first)
        assert deployment.client("bot").post(f"/v1/runs/{first['id']}/cancel", json={}).status_code == 202
    assert deployment.finished(first, 60)["status"] == end
    second = deployment.run([note(text)], thread_id=thread)
    assert deployment.finished(second)["status"] == "completed"
    messages = [message["data"] for message in deployment.messages(second)]
    asked = [call["id"] for message in messages for call in message.get("tool_calls", ())]
    answered = [message["tool_call_id"] for message in messages if message["type"] == "tool"]
    assert asked == answered


def test_a_thread_has_one_open_run_however_many_start_at_once(deployment: Deployment) -> None:
    thread, text = new_thread(), uuid.uuid4().hex[:8]
    script = f'[[{{"tool": "send", "args": {{"text": "{text}"}}}}]]'
    answers = together(
        [lambda at=at: start(deployment, gateway=at % 2, thread_id=thread, input=script) for at in range(8)]
    )
    started = [answer.json() for answer in answers if answer.status_code == 201]
    busy = [answer.json() for answer in answers if answer.status_code == 409]
    assert (len(started), len(busy)) == (1, 7)
    assert {problem["code"] for problem in busy} == {"thread_busy"}
    assert {problem["run"]["id"] for problem in busy} == {started[0]["id"]}
    (asked,) = deployment.pending(started[0])
    assert deployment.decide(asked, "reject").status_code == 200
    deployment.finished(started[0])
    deployment.wait(lambda: start(deployment, thread_id=thread).status_code == 201)


def test_one_key_starts_one_run_however_often_it_is_sent(deployment: Deployment) -> None:
    thread, key = new_thread(), uuid.uuid4().hex
    answers = together([lambda at=at: start(deployment, gateway=at % 2, key=key, thread_id=thread) for at in range(8)])
    assert {answer.status_code for answer in answers} == {201}
    (run_id,) = {answer.json()["id"] for answer in answers}
    deployment.finished(answers[0].json())
    again = start(deployment, key=key, thread_id=thread)
    assert (again.status_code, again.json()["id"]) == (201, run_id)
    other = start(deployment, key=key, thread_id=thread, input="[[]]")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_nobody_goes_on_with_the_thread_of_somebody_else(deployment: Deployment) -> None:
    thread = new_thread()
    deployment.finished(deployment.run([], thread_id=thread))
    assert start(deployment, user="max", thread_id=thread).status_code == 404
