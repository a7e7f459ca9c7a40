"""Operators reset and terminate in Temporal, and workflows vanish: the ledger is put right after two sightings."""

from __future__ import annotations

import asyncio
import sqlite3
import time
import uuid
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest, ResetWorkflowExecutionRequest
from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleHandle,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.service import RPCError
from temporalio.worker import Worker

from placet.contracts import reconciling
from placet.contracts.reconciling import Reconciled, ReconcileInput
from placet.effects._reconcile import ReconcileActivities
from placet.effects._whereabouts import Whereabouts
from placet.engine.preparing import prepare
from placet.engine.schedules import reconciler_id
from placet.ledger import Ledger
from placet.runs.reconcile import Reconcile
from placet.worker import runner
from placet_testing.deployment import Deployment, Json
from placet_testing.gateway import problem

pytestmark = pytest.mark.timeout(180)

Handle = WorkflowHandle[Any, Any]
PATIENCE: Final = 20.0


@pytest.fixture
async def temporal(deployment: Deployment) -> Client:
    return await deployment.temporal_client()


async def a_pass(deployment: Deployment, temporal: Client) -> Reconciled:
    """Runs one pass now, over rows of any age; every sighting before it is long enough ago."""
    return await temporal.execute_workflow(
        reconciling.WORKFLOW_TYPE,
        ReconcileInput(older_than_seconds=0, apart_seconds=0),
        id=f"pass-{uuid.uuid4().hex}",
        task_queue=deployment.task_queue,
        result_type=Reconciled,
    )


async def reset(temporal: Client, run: Json, to: int) -> str:
    """Takes a run back to the end of its nth workflow task, as the Temporal UI does."""
    handle = temporal.get_workflow_handle(run["id"])
    done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    tasks = [event.event_id async for event in handle.fetch_history_events() if event.event_type == done]
    request = ResetWorkflowExecutionRequest(
        namespace="default",
        workflow_execution=WorkflowExecution(workflow_id=run["id"]),
        reason="try again",
        workflow_task_finish_event_id=tasks[to],
        request_id=uuid.uuid4().hex,
    )
    return (await temporal.workflow_service.reset_workflow_execution(request)).run_id


async def until_deleted(handle: Handle) -> None:
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            await handle.describe()
        except RPCError:
            return
        assert time.monotonic() < give_up, "it is still there"
        await asyncio.sleep(0.05)


async def first_action(handle: ScheduleHandle) -> object:
    give_up = time.monotonic() + PATIENCE
    while True:
        started = (await handle.describe()).info.recent_actions
        if started:
            return started[0].action
        assert time.monotonic() < give_up, "nothing was started"
        await asyncio.sleep(0.05)


def told(deployment: Deployment, **of: str) -> list[tuple[str, str | None]]:
    """Returns type and actor of the events of a run or an approval."""
    ((key, value),) = of.items()
    return [(event["type"], event["actor"]) for event in deployment.events() if event[key] == value]


def waiting_run(deployment: Deployment, text: str) -> tuple[Json, Json]:
    run = deployment.run([{"tool": "send", "args": {"text": text}}])
    (asked,) = deployment.pending(run)
    return run, asked


async def test_what_a_reset_left_behind_is_superseded_and_the_run_asks_again(
    deployment: Deployment, temporal: Client
) -> None:
    run, orphan = waiting_run(deployment, "reset")
    await a_pass(deployment, temporal)
    # To before the approval was asked for.
    new_run = await reset(temporal, run, 1)
    both = deployment.pending(run, 2)
    (fresh,) = [one for one in both if one["id"] != orphan["id"]]
    await a_pass(deployment, temporal)
    assert deployment.read(orphan)["status"] == "pending", "one sighting is none"
    assert deployment.read_run(run)["temporal"]["run_id"] == new_run
    await a_pass(deployment, temporal)
    ended = deployment.ended(orphan)
    assert (ended["status"], ended["decision"]) == ("superseded", None)
    assert told(deployment, approval_id=orphan["id"])[-1] == ("approval.superseded", "system:reconciler")
    body = problem(deployment.decide(orphan), 409, "superseded")
    assert body["approval"]["id"] == orphan["id"]
    assert deployment.read(fresh)["status"] == "pending"
    assert deployment.effects("reset") == []
    assert deployment.decide(fresh).status_code == 200
    finished = deployment.finished(run)
    assert finished["status"] == "completed", finished
    (effect,) = deployment.effects("reset")
    assert effect["approval"] == fresh["id"]
    resets = [one for one in told(deployment, run_id=run["id"]) if one[0] == "run.reset"]
    assert resets == [("run.reset", "operator")]


async def test_an_approval_from_before_the_point_of_a_reset_is_still_waited_for(
    deployment: Deployment, temporal: Client
) -> None:
    run, asked = waiting_run(deployment, "kept")
    handle = temporal.get_workflow_handle(run["id"])
    done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    count = sum([event.event_type == done async for event in handle.fetch_history_events()])
    await reset(temporal, run, count - 1)
    for _ in range(3):
        await a_pass(deployment, temporal)
    assert [one["id"] for one in deployment.pending(run)] == [asked["id"]]
    assert deployment.decide(asked).status_code == 200
    assert deployment.finished(run)["status"] == "completed"
    assert len(deployment.effects("kept")) == 1


async def test_a_terminated_run_is_cancelled_and_its_thread_goes_on(deployment: Deployment, temporal: Client) -> None:
    thread = uuid.uuid4().hex
    run = deployment.run([{"tool": "send", "args": {"text": "gone"}}], thread_id=thread)
    (asked,) = deployment.pending(run)
    await temporal.get_workflow_handle(run["id"]).terminate("wrong customer")
    await a_pass(deployment, temporal)
    assert deployment.read_run(run)["ended_at"] is None, "one sighting is none"
    await a_pass(deployment, temporal)
    ended = deployment.finished(run)
    assert ended["status"] == "cancelled"
    assert told(deployment, run_id=run["id"])[-1] == ("run.cancelled", "operator")
    assert deployment.results(run) == ["This call was cancelled before it started; it did not run."]
    assert deployment.ended(asked)["status"] == "cancelled"
    assert deployment.effects("gone") == []
    after = deployment.run([{"tool": "note", "args": {"text": "next"}}], thread_id=thread)
    assert deployment.finished(after)["status"] == "completed"


async def test_a_terminated_approval_ends_cancelled_and_its_run_goes_on(
    deployment: Deployment, temporal: Client
) -> None:
    run, asked = waiting_run(deployment, "terminated")
    await temporal.get_workflow_handle(f"approval-{asked['id']}").terminate("no")
    await a_pass(deployment, temporal)
    assert "approval.cancelled" not in deployment.told(asked["id"]), "one sighting is none"
    await a_pass(deployment, temporal)
    assert deployment.ended(asked)["status"] == "cancelled"
    assert told(deployment, approval_id=asked["id"])[-1] == ("approval.cancelled", "operator")
    problem(deployment.decide(asked), 409, "cancelled")
    assert deployment.finished(run)["status"] == "completed"
    assert deployment.effects("terminated") == []


async def test_an_approval_that_temporal_has_lost_ends_cancelled(deployment: Deployment, temporal: Client) -> None:
    asked = deployment.ask()
    request = DeleteWorkflowExecutionRequest(
        namespace="default", workflow_execution=WorkflowExecution(workflow_id=f"approval-{asked['id']}")
    )
    await a_pass(deployment, temporal)
    await temporal.workflow_service.delete_workflow_execution(request)
    await until_deleted(temporal.get_workflow_handle(f"approval-{asked['id']}"))
    for _ in range(2):
        await a_pass(deployment, temporal)
    assert deployment.ended(asked)["status"] == "cancelled"
    assert told(deployment, approval_id=asked["id"])[-1] == ("approval.cancelled", "system:reconciler")


async def test_who_decides_on_an_orphan_before_it_is_superseded_lets_nothing_run(
    deployment: Deployment, temporal: Client
) -> None:
    run, orphan = waiting_run(deployment, "orphan decided")
    await reset(temporal, run, 1)
    (fresh,) = [one for one in deployment.pending(run, 2) if one["id"] != orphan["id"]]
    assert deployment.decide(orphan).status_code == 200
    for _ in range(3):
        await a_pass(deployment, temporal)
    assert deployment.ended(orphan)["status"] == "approved", "the first end stays"
    assert [one["id"] for one in deployment.pending(run)] == [fresh["id"]]
    assert deployment.effects("orphan decided") == []
    assert deployment.decide(fresh, "reject").status_code == 200
    assert deployment.finished(run)["status"] == "completed"
    assert deployment.effects("orphan decided") == []


async def test_a_run_that_is_reset_again_and_again_asks_once_in_the_end(
    deployment: Deployment, temporal: Client
) -> None:
    run, first = waiting_run(deployment, "again")
    seen = {first["id"]}
    for count in (2, 3):
        await reset(temporal, run, 1)
        await a_pass(deployment, temporal)
        seen |= {one["id"] for one in deployment.pending(run, count)}
    for _ in range(2):
        await a_pass(deployment, temporal)
    (last,) = deployment.pending(run)
    assert [deployment.ended(one)["status"] for one in seen - {last["id"]}] == ["superseded"] * 2
    assert deployment.decide(last).status_code == 200
    assert deployment.finished(run)["status"] == "completed"
    assert len(deployment.effects("again")) == 1
    assert [one[0] for one in told(deployment, run_id=run["id"])].count("run.reset") == 2


async def test_an_approval_that_the_ledger_has_lost_is_shown_again(deployment: Deployment, temporal: Client) -> None:
    run, asked = waiting_run(deployment, "lost")
    with closing(sqlite3.connect(deployment.ledger_file, timeout=10)) as ledger, ledger:
        for table, column in (("approvals", "id"), ("approvers", "approval_id"), ("events", "approval_id")):
            ledger.execute(f"DELETE FROM {table} WHERE {column} = ?", (asked["id"],))  # noqa: S608 - of this test
    assert deployment.client().get(f"/v1/approvals/{asked['id']}").status_code == 404
    await a_pass(deployment, temporal)
    await a_pass(deployment, temporal)
    assert deployment.read(asked) == asked
    assert deployment.pending(run) == [asked]
    assert deployment.decide(asked).status_code == 200
    assert deployment.finished(run)["status"] == "completed"
    assert len(deployment.effects("lost")) == 1


async def test_a_ledger_from_a_backup_learns_what_has_ended_since(deployment: Deployment, temporal: Client) -> None:
    run, asked = waiting_run(deployment, "backup")
    assert deployment.decide(asked, "reject", message="not this one").status_code == 200
    finished, decided = deployment.finished(run), deployment.ended(asked)
    with closing(sqlite3.connect(deployment.ledger_file, timeout=10)) as ledger, ledger:
        ledger.execute(
            "UPDATE approvals SET status = 'pending', ended_at = NULL, decision = NULL WHERE id = ?", (asked["id"],)
        )
        ledger.execute("DELETE FROM decisions WHERE approval_id = ?", (asked["id"],))
        ledger.execute(
            "UPDATE runs SET status = 'running', ended_at = NULL, output = NULL, results = '[]' WHERE id = ?",
            (run["id"],),
        )
        ledger.execute("DELETE FROM events WHERE type = 'approval.decided' AND approval_id = ?", (asked["id"],))
        ledger.execute("DELETE FROM events WHERE type = 'run.completed' AND run_id = ?", (run["id"],))
    assert deployment.read(asked)["status"] == "pending"
    await a_pass(deployment, temporal)
    await a_pass(deployment, temporal)
    # The outcome in Temporal has who decided, but not how they were known: that was the ledger's.
    assert deployment.read(asked) == {**decided, "decision": {**decided["decision"], "proof": None}}
    after = deployment.read_run(run)
    assert {**after, "ended_at": None} == {**finished, "ended_at": None}
    assert told(deployment, approval_id=asked["id"])[-1] == ("approval.decided", "user:dana")
    assert told(deployment, run_id=run["id"])[-1] == ("run.completed", "agent:desk")


async def test_a_run_that_is_terminated_while_its_tool_runs_leaves_it_open_what_the_tool_did(
    deployment: Deployment, temporal: Client
) -> None:
    text, thread = uuid.uuid4().hex, uuid.uuid4().hex
    run = deployment.run([{"tool": "note", "args": {"text": text, "hold": "before"}}], thread_id=thread)
    deployment.held(text, "before")
    await temporal.get_workflow_handle(run["id"]).terminate("stop")
    for _ in range(2):
        await a_pass(deployment, temporal)
    assert deployment.finished(run)["status"] == "cancelled"
    deployment.let_go(text)
    deployment.wait(lambda: deployment.effects(text))
    (result,) = deployment.results(run)
    assert result.startswith("A crash left it open whether this call ran")
    events = [kind for kind, _ in told(deployment, run_id=run["id"])]
    assert events[-2:] == ["call.uncertain", "run.cancelled"]
    after = deployment.run([{"tool": "note", "args": {"text": f"after {text}"}}], thread_id=thread)
    assert deployment.finished(after)["status"] == "completed"
    assert [kind for kind, _ in told(deployment, run_id=run["id"])] == events


async def test_a_worker_in_the_wrong_namespace_changes_nothing_and_its_pass_fails(
    deployment: Deployment, temporal: Client
) -> None:
    run, asked = waiting_run(deployment, "elsewhere")
    await a_pass(deployment, temporal)
    wrong = replace(deployment.settings, temporal=replace(deployment.settings.temporal, namespace="elsewhere"))
    elsewhere = await prepare(wrong, own=True, patience=timedelta(seconds=20))
    ledger = Ledger.at(deployment.ledger_url)
    before = await ledger.tail()
    activities = ReconcileActivities(ledger, Whereabouts(elsewhere))
    async with Worker(
        elsewhere,
        task_queue=deployment.task_queue,
        workflows=[Reconcile],
        activities=[activities.reconcile],
        workflow_runner=runner(),
        build_id="test",
    ):
        for _ in range(3):
            with pytest.raises(WorkflowFailureError) as failed:
                await a_pass(deployment, elsewhere)
            cause = failed.value.cause
            assert isinstance(cause, ActivityError)
            assert isinstance(cause.cause, ApplicationError)
            assert cause.cause.type in {"wrong_namespace", "too_many_gone"}
            assert "Nothing was changed" in cause.cause.message
    assert await ledger.tail() == before
    await ledger.close()
    assert deployment.read(asked) == asked
    assert deployment.decide(asked, "reject").status_code == 200
    assert deployment.finished(run)["status"] == "completed"


async def test_a_withdrawal_that_only_claims_to_be_of_the_reconciler_is_an_operators(
    deployment: Deployment, temporal: Client
) -> None:
    asked = deployment.ask()
    claimed = {"id": "system:reconciler", "via": "reconciler"}
    handle: Handle = temporal.get_workflow_handle(f"approval-{asked['id']}")
    await handle.signal("cancel", {"status": "superseded", "by": claimed, "seal": "0" * 64})
    assert deployment.ended(asked)["status"] == "superseded"
    assert told(deployment, approval_id=asked["id"])[-1] == ("approval.superseded", "operator")


async def test_the_schedule_of_every_worker_is_one_and_starts_passes(deployment: Deployment, temporal: Client) -> None:
    handle = temporal.get_schedule_handle(reconciler_id(deployment.task_queue))
    before = (await handle.describe()).info.last_updated_at
    one_more = deployment.start_worker()
    deployment.wait(lambda: "worker.started" in one_more.log.read_text())
    one_more.kill()
    deployment.up(workers=1, gateways=2)
    assert (await handle.describe()).info.last_updated_at == before
    await handle.trigger()
    action = await first_action(handle)
    assert isinstance(action, ScheduleActionExecutionStartWorkflow)
    done = temporal.get_workflow_handle(action.workflow_id, result_type=Reconciled)
    assert (await done.result()).next is None
