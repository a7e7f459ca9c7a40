"""A run that an operator resets in Temporal: nothing runs on the strength of what was decided in the history before."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable

import pytest
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowExecutionStatus

from placet_testing import resets
from placet_testing.deployment import Deployment, Json

pytestmark = pytest.mark.timeout(120)


def reset(deployment: Deployment, run: Json, before: Callable[[HistoryEvent], bool]) -> None:
    """Resets a run to the workflow task before the first event that fits, as an operator does in the UI."""

    async def act() -> None:
        await resets.reset(await deployment.temporal_client(), run["id"], before)

    asyncio.run(act())


def status_in_temporal(deployment: Deployment, run: Json) -> WorkflowExecutionStatus | None:
    async def ask() -> WorkflowExecutionStatus | None:
        client = await deployment.temporal_client()
        return (await client.get_workflow_handle(run["id"]).describe()).status

    return asyncio.run(ask())


def test_what_is_decided_anew_after_a_reset_is_what_runs(deployment: Deployment) -> None:
    first, second, last = (uuid.uuid4().hex[:8] for _ in range(3))
    send = [{"tool": "send", "args": {"text": first}}]
    run = deployment.run(send, [{"tool": "send", "args": {"text": last}}])
    (asked,) = deployment.pending(run)
    assert deployment.decide(asked, "edit", args={"text": first, "copies": 2}).status_code == 200
    deployment.wait(lambda: [one["turn"] for one in deployment.read_run(run)["pending"]] == [1])
    assert len(deployment.effects(first)) == 1
    reset(deployment, run, resets.asks_a_person)
    deployment.wait(lambda: [one for one in deployment.read_run(run)["pending"] if fresh(one, asked)])
    (again,) = [one for one in deployment.read_run(run)["pending"] if fresh(one, asked)]
    assert deployment.decide(again, "edit", args={"text": second}).status_code == 200
    deployment.wait(lambda: deployment.effects(second))
    (effect,) = deployment.effects(second)
    assert effect["approval"] == again["id"]
    assert len(deployment.effects(first)) == 1, "what ran before the reset did not run again"
    deployment.wait(lambda: deployment.read(again)["execution"] is not None)
    assert deployment.read(again)["execution"]["status"] == "succeeded"


def fresh(one: Json, asked: Json) -> bool:
    return one["turn"] == 0 and one["id"] != asked["id"]


def test_a_call_that_ran_before_the_reset_and_is_not_asked_anew_does_not_run_again(deployment: Deployment) -> None:
    noted, sent = uuid.uuid4().hex[:8], uuid.uuid4().hex[:8]
    run = deployment.run([{"tool": "note", "args": {"text": noted}}, {"tool": "send", "args": {"text": sent}}])
    (asked,) = deployment.pending(run)
    deployment.wait(lambda: deployment.effects(noted))
    reset(deployment, run, resets.asks_a_person)
    deployment.wait(lambda: [one for one in deployment.read_run(run)["pending"] if fresh(one, asked)])
    (again,) = [one for one in deployment.read_run(run)["pending"] if fresh(one, asked)]
    assert deployment.decide(again).status_code == 200
    assert deployment.finished(run)["status"] == "completed"
    assert len(deployment.effects(noted)) == len(deployment.effects(sent)) == 1
    assert deployment.results(run) == [f"Noted {noted}.", f"Sent {sent}."]


def test_a_run_that_has_ended_stays_ended_and_its_reset_ends_by_itself(deployment: Deployment) -> None:
    text = uuid.uuid4().hex[:8]
    run = deployment.run([{"tool": "note", "args": {"text": text}}], thread_id=f"thread-{text}")
    assert deployment.finished(run)["status"] == "completed"
    deployment.wait(lambda: status_in_temporal(deployment, run) == WorkflowExecutionStatus.COMPLETED)
    reset(deployment, run, lambda _: False)
    deployment.wait(lambda: status_in_temporal(deployment, run) != WorkflowExecutionStatus.RUNNING)
    assert deployment.read_run(run)["status"] == "completed"
    assert len(deployment.effects(text)) == 1
