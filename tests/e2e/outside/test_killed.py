"""Worker, gateway and Temporal killed with -9 around a decision: what was answered stays, nothing counts twice."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest

from placet_testing.deployment import Deployment, Json, together
from placet_testing.deployments import Mortal
from placet_testing.gateway import REFUND, problem

pytestmark = pytest.mark.timeout(180)


def test_everything_killed_while_an_approval_waits_and_it_is_decided_once(mortal: Mortal) -> None:
    asked = mortal.ask()
    run = mortal.run([{"tool": "send", "args": {"text": "all"}}])
    (gated,) = mortal.pending(run)
    mortal.kill_everything()
    mortal.start_temporal()
    mortal.up(workers=1, gateways=1)
    assert mortal.read(asked) == asked
    assert mortal.read(gated) == gated
    assert mortal.effects("all") == []
    for approval in (asked, gated):
        answer = mortal.decide(approval)
        assert answer.status_code == 200, answer.text
    mortal.kill_everything()
    mortal.start_temporal()
    mortal.up(workers=1, gateways=1)
    assert mortal.ended(asked)["status"] == "approved"
    assert mortal.told(asked["id"]) == ["approval.requested", "approval.decided"]
    ended = _through(mortal, run)
    assert ended["status"] == "completed", ended
    (effect,) = mortal.effects("all")
    assert (effect["approval"], effect["approver"]) == (gated["id"], "user:dana")


def test_a_decision_while_temporal_is_down_is_told_to_be_repeated(mortal: Mortal) -> None:
    asked, other = mortal.ask(), mortal.ask()
    mortal.kill_temporal()
    began = time.monotonic()
    answer = mortal.decide(asked, key="k")
    assert time.monotonic() - began < 10.5
    body = problem(answer, 503, "unavailable")
    assert body["maybe_recorded"] in {True, False}
    assert (body["idempotency_key"], len(body["decision_id"])) == ("k", 32)
    assert answer.headers["Retry-After"]
    bot = mortal.client("bot")
    others = together(
        [
            partial(mortal.withdraw, other),
            partial(bot.post, "/v1/approvals", json=REFUND),
            partial(bot.post, "/v1/runs", json={"agent": "desk", "input": "[]"}),
        ]
    )
    for one in others:
        problem(one, 503, "unavailable")
    # What is known is shown all the same.
    assert mortal.read(asked) == asked
    assert mortal.client("dana").get("/v1/approvals").status_code == 200
    mortal.start_temporal()
    mortal.up(workers=1, gateways=1)
    repeated = mortal.decide(asked, key="k")
    assert repeated.status_code == 200, repeated.text
    kept = mortal.ended(asked)
    assert kept == repeated.json()
    assert kept["decision"]["id"] == body["decision_id"]


def test_a_run_asked_for_while_temporal_is_down_is_started_once_by_its_repeat(mortal: Mortal) -> None:
    sent = {"agent": "desk", "input": '[[{"tool": "note", "args": {"text": "repeated run"}}]]'}
    headers = {"Idempotency-Key": "repeated"}
    mortal.kill_temporal()
    problem(mortal.client("bot").post("/v1/runs", json=sent, headers=headers), 503, "unavailable")
    mortal.start_temporal()
    mortal.up(workers=1, gateways=1)
    first = mortal.client("bot").post("/v1/runs", json=sent, headers=headers)
    again = mortal.client("bot").post("/v1/runs", json=sent, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201), (first.text, again.text)
    assert first.json()["id"] == again.json()["id"]
    assert mortal.finished(first.json())["status"] == "completed"
    assert len(mortal.effects("repeated run")) == 1


def test_a_gateway_killed_while_it_decides_and_the_repeat_at_another_one(deployment: Deployment) -> None:
    deployment.kill_workers()
    asked = deployment.ask()
    with ThreadPoolExecutor(1) as pool:
        cut = pool.submit(partial(deployment.decide, asked, key="k", gateway=0))
        deployment.wait(lambda: not cut.done())
        time.sleep(0.3)  # the Update is on its way and nobody answers it
        deployment.gateways.pop(0).kill()
        with pytest.raises(httpx.HTTPError):
            cut.result()
    deployment.start_worker()
    repeated = deployment.decide(asked, key="k")
    assert repeated.status_code in {200, 202}, repeated.text
    kept = deployment.ended(asked)
    named = repeated.json()["decision"]["id"] if repeated.status_code == 200 else repeated.json()["decision_id"]
    assert kept["decision"]["id"] == named
    assert kept["decision"]["by"]["via"] == "api"
    assert deployment.told(asked["id"]) == ["approval.requested", "approval.decided"]


def test_a_worker_killed_right_after_the_answer_loses_nothing(deployment: Deployment) -> None:
    asked = [deployment.ask() for _ in range(4)]
    answers = [deployment.decide(approval) for approval in asked]
    deployment.kill_workers()
    assert {answer.status_code for answer in answers} == {200}
    # The ledger may not have heard; whoever comes next is told the truth or that it is recorded.
    for approval in asked:
        late = deployment.decide(approval, "reject", user="eve")
        assert late.status_code in {202, 409}, late.text
    deployment.up(workers=1, gateways=2)
    for approval, answer in zip(asked, answers, strict=True):
        kept = deployment.ended(approval)
        assert (kept["status"], kept["decision"]) == ("approved", answer.json()["decision"])
        told = [kind for kind in deployment.told(approval["id"]) if kind != "approval.refused"]
        assert told == ["approval.requested", "approval.decided"]


def test_one_of_two_workers_killed_delays_a_decision_and_loses_none(deployment: Deployment) -> None:
    deployment.up(workers=2, gateways=2)
    asked = [deployment.ask() for _ in range(6)]
    deployment.workers.pop(0).kill()
    answers = together([partial(deployment.decide, one, gateway=place % 2) for place, one in enumerate(asked)])
    assert {answer.status_code for answer in answers} <= {200, 202}, [answer.text for answer in answers]
    for approval in asked:
        assert deployment.ended(approval)["status"] == "approved"


def _through(deployment: Deployment, run: Json) -> Json:
    """Brings a run to its end; a call that a kill left uncertain is looked into, as a person would."""
    found: list[Json] = []

    def settled() -> bool:
        # The ledger may not have heard of a decision yet that Temporal holds: then the call's approval is still shown.
        read = deployment.read_run(run)
        found[:] = [asked for asked in read["pending"] if asked["kind"] == "question"]
        return bool(read["ended_at"] or found)

    deployment.wait(settled)
    for question in found:
        (name,) = [one["id"] for one in question["questions"]]
        ran = bool(deployment.effects("all"))
        answers = {name: {"options": ["ran"], "text": "Sent all."} if ran else {"options": ["not_run"]}}
        assert deployment.decide(question, "answer", answers=answers).status_code == 200
    return deployment.finished(run)
