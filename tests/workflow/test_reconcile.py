"""A pass goes page by page, begins where the one before it stopped, and fails visibly."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from temporalio import activity
from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleHandle,
    ScheduleSpec,
    WorkflowFailureError,
)
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from placet.contracts.reconciling import WORKFLOW_TYPE, Place, Reconciled, ReconcileInput, ReconcilePageInput
from placet.engine.findings import State
from placet.engine.reconciler_report import examine_reconciler
from placet.engine.schedules import reconciler, reconciler_id
from placet.runs import effects
from placet.runs.reconcile import Reconcile
from placet.worker import runner


class Pages:
    """The activity, with a list of three pages."""

    def __init__(self) -> None:
        self.given: list[ReconcilePageInput] = []
        self.refuses = False

    @activity.defn(name=effects.RECONCILE)
    async def reconcile(self, given: ReconcilePageInput) -> Reconciled:
        """Returns the next page."""
        self.given.append(given)
        if self.refuses:
            message = "Nothing was changed."
            raise ApplicationError(message, type="too_many_gone", non_retryable=True)
        after = {"approvals": Place(kind="approvals", after="1"), "1": Place(kind="runs"), "runs": None}
        going_on = after[given.place.after or given.place.kind]
        return Reconciled(examined=10, suspected=2, repaired=1, next=going_on)

    def places(self) -> list[str]:
        """Returns where pages began."""
        return [f"{given.place.kind} {given.place.after or ''}".strip() for given in self.given]


@asynccontextmanager
async def working(client: Client, queue: str, pages: Pages) -> AsyncGenerator[None]:
    async with Worker(
        client,
        task_queue=queue,
        workflows=[Reconcile],
        activities=[pages.reconcile],
        workflow_runner=runner(),
        build_id="test",
    ):
        yield


async def test_a_pass_goes_through_approvals_and_then_runs_and_adds_up(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    """Without any input too: so an operator starts it by hand."""
    pages, client = Pages(), workflow_environment.client
    async with working(client, task_queue, pages):
        name = f"pass-{uuid.uuid4().hex}"
        handle = await client.start_workflow(WORKFLOW_TYPE, id=name, task_queue=task_queue, result_type=Reconciled)
        assert await handle.result() == Reconciled(examined=30, suspected=6, repaired=3)
        given = {"anyway": True}
        by_hand = await client.start_workflow(WORKFLOW_TYPE, given, id=f"{name}-2", task_queue=task_queue)
        await by_hand.result()
    assert pages.places() == ["approvals", "approvals 1", "runs"] * 2
    assert [one.anyway for one in pages.given] == [False] * 3 + [True] * 3
    assert pages.given[0] == ReconcilePageInput()


async def test_a_refusal_fails_the_pass_at_once_with_its_reason(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    pages, client = Pages(), workflow_environment.client
    pages.refuses = True
    async with working(client, task_queue, pages):
        name = f"pass-{uuid.uuid4().hex}"
        handle = await client.start_workflow(WORKFLOW_TYPE, ReconcileInput(), id=name, task_queue=task_queue)
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
    assert isinstance(failed.value.cause, ActivityError)
    assert isinstance(failed.value.cause.cause, ApplicationError)
    assert failed.value.cause.cause.type == "too_many_gone"
    assert len(pages.given) == 1


async def test_a_pass_begins_where_the_one_before_it_stopped(temporal_client: Client, task_queue: str) -> None:
    pages = Pages()
    handle = await schedule_without_times(temporal_client, task_queue, ReconcileInput(pages=1))
    async with working(temporal_client, task_queue, pages):
        for count in range(1, 5):
            await handle.trigger()
            await passes(handle, temporal_client, count)
    await handle.delete()
    assert pages.places()[:4] == ["approvals", "approvals 1", "runs", "approvals"]


async def test_doctor_tells_why_the_last_pass_failed(temporal_client: Client, task_queue: str) -> None:
    assert (await examine_reconciler(temporal_client, task_queue)).state is State.IDLE
    handle = await schedule_without_times(temporal_client, task_queue, ReconcileInput())
    assert (await examine_reconciler(temporal_client, task_queue)).state is State.OK
    pages = Pages()
    pages.refuses = True
    async with working(temporal_client, task_queue, pages):
        await handle.trigger()
        with pytest.raises(WorkflowFailureError):
            await passes(handle, temporal_client, 1)
        finding = await examine_reconciler(temporal_client, task_queue)
        assert finding.state is State.MISSING
        assert "Nothing was changed" in finding.found
        pages.refuses = False
        await handle.trigger()
        await passes(handle, temporal_client, 2)
    assert (await examine_reconciler(temporal_client, task_queue)).state is State.OK
    await handle.pause(note="night shift")
    paused = await examine_reconciler(temporal_client, task_queue)
    assert paused.state is State.IDLE
    assert "night shift" in paused.found
    await handle.delete()


async def schedule_without_times(client: Client, queue: str, given: ReconcileInput) -> ScheduleHandle:
    """Makes the reconciler's schedule, which starts a pass only where a test says so."""
    schedule = reconciler(queue, given)
    schedule.spec = ScheduleSpec()
    return await client.create_schedule(reconciler_id(queue), schedule)


async def passes(handle: ScheduleHandle, client: Client, count: int) -> None:
    """Waits until so many passes have been started, and have ended."""
    async with asyncio.timeout(20):
        while True:
            started = (await handle.describe()).info.recent_actions
            if len(started) >= count:
                break
            await asyncio.sleep(0.05)
    action = started[-1].action
    assert isinstance(action, ScheduleActionExecutionStartWorkflow)
    await client.get_workflow_handle(action.workflow_id).result()
