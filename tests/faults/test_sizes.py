"""Arguments of any size and of any kind: kept by reference or refused, and no other run is held up by them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from placet_testing.deployment import Deployment, Json
from placet_testing.gateway import REFUND, problem

pytestmark = pytest.mark.timeout(300)

SIZES = {"1.9 MB": 1_900_000, "2.1 MB": 2_100_000}
ENORMOUS = 50_000_000
POISON: dict[str, Any] = {
    "not a number": {"text": float("nan")},
    "a lone surrogate": {"text": "\ud800"},
    "half of a number": {"text": "x", "copies": 10**4_000},
    "too deep": {"text": None},
    "a wrong type": {"text": {"a": []}},
    "a field too many": {"text": "x", "colour": "red"},
    "no JSON": "{",
    "a null byte": {"text": "\0"},
}


def long_call(text: str, letters: int) -> Json:
    return {"tool": "send", "args": {"text": text, "hold": {"letters": letters}}}


def goes_through(deployment: Deployment, letters: int, limit: float) -> None:
    """A call with arguments that long is shown whole, decided, run once with them, and its run completes."""
    text = f"long-{uuid.uuid4()}"
    run = deployment.run([long_call(text, letters)])
    (asked,) = deployment.pending(run, limit=limit)
    shown = deployment.read(asked)
    assert len(shown["args"]["hold"]) == letters
    assert deployment.decide(shown).status_code == 200
    assert deployment.finished(run, limit=limit)["status"] == "completed"
    assert len(deployment.effects(text)) == 1


@pytest.mark.parametrize("size", SIZES)
def test_a_call_with_long_arguments_is_asked_about_and_runs(deployment: Deployment, size: str) -> None:
    goes_through(deployment, SIZES[size], limit=60)


@pytest.mark.parametrize(
    "letters", [5_000_000, pytest.param(ENORMOUS, marks=pytest.mark.repeated)], ids=["5 MB", "50 MB"]
)
def test_the_model_is_told_of_enormous_arguments_and_nobody_is_held_up(deployment: Deployment, letters: int) -> None:
    text = f"long-{uuid.uuid4()}"
    run = deployment.run([long_call(text, letters)])
    other = deployment.run([{"tool": "note", "args": {"text": f"beside-{text}"}}])
    assert deployment.finished(other, limit=60)["status"] == "completed"
    deployment.wait(lambda: _is_decidable_or_over(deployment, run), limit=120)
    shown = deployment.read_run(run)
    assert shown["status"] == "completed", shown
    (result,) = deployment.results(run)
    assert "a call takes at most" in result
    assert deployment.effects(text) == []


def _is_decidable_or_over(deployment: Deployment, run: Json) -> bool:
    shown = deployment.read_run(run)
    return shown["ended_at"] is not None or bool(shown["pending"])


@pytest.mark.parametrize("letters", [*SIZES.values(), ENORMOUS], ids=[*SIZES, "50 MB"])
def test_over_http_it_is_refused_before_anything_is_kept(deployment: Deployment, letters: int) -> None:
    before = len(deployment.events())
    client, args = deployment.client("bot"), {"amount": 1, "order": "x" * letters}
    problem(client.post("/v1/approvals", json={**REFUND, "args": args}), 413, "too_large")
    problem(client.post("/v1/runs", json={"agent": "desk", "input": "x" * letters}), 413, "too_large")
    assert len(deployment.events()) == before


async def test_past_the_gateway_it_is_refused_and_never_tried_for_ever(deployment: Deployment) -> None:
    """A workflow of somebody else's hands it over: Temporal refuses it, or the approval fails and says why."""
    client, told = await deployment.temporal_client(), list[str]()
    for letters in SIZES.values():
        workflow_id = f"approval-{uuid.uuid4().hex}"
        given = {"kind": "tool_call", "tool": "send", "args": {"text": "x" * letters}, "title": "long"}
        try:
            handle = await client.start_workflow("Approval", given, id=workflow_id, task_queue=deployment.task_queue)
        except RPCError as error:
            told.append(str(error))
            continue
        with pytest.raises(WorkflowFailureError) as caught:
            await handle.result()
        cause = caught.value.cause
        assert isinstance(cause, ApplicationError)
        assert cause.type == "invalid_request"
        assert (await handle.describe()).status == WorkflowExecutionStatus.FAILED
    assert all("size" in refusal for refusal in told), told


def test_poison_in_one_run_holds_up_no_other(deployment: Deployment) -> None:
    runs = [deployment.run([{"tool": "send", "args": _poison(name)}]) for name in POISON]
    beside = deployment.run([{"tool": "note", "args": {"text": f"beside-{uuid.uuid4()}"}}])
    assert deployment.finished(beside)["status"] == "completed"
    for run in runs:
        deployment.wait(lambda run=run: _is_decidable_or_over(deployment, run), limit=30)
        shown = deployment.read_run(run)
        if shown["ended_at"] is None:
            (asked,) = shown["pending"]
            assert deployment.decide(asked, "reject").status_code == 200
            shown = deployment.finished(run)
        assert shown["status"] == "completed", shown


def _poison(name: str) -> Any:
    if name != "too deep":
        return POISON[name]
    deep: Any = "x"
    for _ in range(90):
        deep = [deep]
    return {"text": deep}
