"""What Temporal says of runs that went on under another id of its own: a reset is told from a continue-as-new."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from placet.contracts.approvals import Outcome
from placet.contracts.runs import RunInput, RunResult
from placet.effects._repairing import has_been_reset
from placet.effects._whereabouts import AT_ONCE, Execution, Status, Whereabouts
from placet_testing.fake_effects import FakeEffects, a_call


async def reset(client: Client, workflow_id: str, run_id: str, to: int) -> None:
    handle = client.get_workflow_handle(workflow_id, run_id=run_id)
    done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    tasks = [event.event_id async for event in handle.fetch_history_events() if event.event_type == done]
    request = ResetWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
        reason="try again",
        workflow_task_finish_event_id=tasks[to],
        request_id=uuid.uuid4().hex,
    )
    await client.workflow_service.reset_workflow_execution(request)


async def latest(temporal: Whereabouts, workflow_id: str) -> Execution:
    found = (await temporal.look([workflow_id]))[workflow_id]
    assert found is not None
    return found


async def test_a_reset_is_told_from_a_continue_as_new(temporal_client: Client, task_queue: str) -> None:
    effects, temporal = FakeEffects([[a_call(0, "find")] for _ in range(3)]), Whereabouts(temporal_client)
    name = f"run-{uuid.uuid4()}"
    given = RunInput(run_id=name, agent="clerk", thread_id="thread", input_turn="input", turns_a_history=1)
    async with effects.worker(temporal_client, task_queue):
        handle = await temporal_client.start_workflow("AgentRun", given, id=name, task_queue=task_queue)
        await handle.result()
        first, last = handle.first_execution_run_id, await latest(temporal, name)
        assert first is not None
        assert (last.status, last.is_open, last.first_run_id) == (Status.COMPLETED, False, first)
        assert last.run_id != first
        assert not await has_been_reset(temporal, first, last), "it only went on in new histories"
        closing = await temporal.closing(last, RunResult)
        assert isinstance(closing.result, RunResult)
        assert closing.result.status == "completed"
        # Of the latest run, and then of one from which others had gone on.
        for base in (last.run_id, first):
            await reset(temporal_client, name, base, -1)
            await temporal_client.get_workflow_handle(name).result()
            here = await latest(temporal, name)
            assert await has_been_reset(temporal, first, here)
            assert not await has_been_reset(temporal, here.run_id, here)


async def test_the_turn_that_a_reset_goes_back_to_is_read_from_the_history(
    temporal_client: Client, task_queue: str
) -> None:
    effects, temporal = FakeEffects([[a_call(0, "find")] for _ in range(3)]), Whereabouts(temporal_client)
    name = f"run-{uuid.uuid4()}"
    given = RunInput(run_id=name, agent="clerk", thread_id="thread", input_turn="input")
    async with effects.worker(temporal_client, task_queue):
        handle = await temporal_client.start_workflow("AgentRun", given, id=name, task_queue=task_queue)
        await handle.result()
        assert await temporal.turn_after_reset(await latest(temporal, name)) is None
        # Each turn takes three tasks: the model's answer, the verdict, the tool.
        for task, turn in ((0, 0), (4, 1), (7, 2)):
            await reset(temporal_client, name, handle.first_execution_run_id or "", task)
            await temporal_client.get_workflow_handle(name).result()
            assert await temporal.turn_after_reset(await latest(temporal, name)) == turn


async def test_what_is_not_there_and_a_namespace_that_is_not_there_are_two_things(temporal_client: Client) -> None:
    temporal = Whereabouts(temporal_client)
    assert await temporal.look(["approval-nobody"]) == {"approval-nobody": None}
    config = temporal_client.config()
    config["namespace"] = "nowhere"
    with pytest.raises(RPCError):
        await Whereabouts(Client(**config)).look(["approval-nobody"])


async def test_many_are_asked_about_a_few_at_a_time_and_not_on_once_one_has_no_answer(
    temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporal = Whereabouts(temporal_client)
    asked: list[str] = []
    at_once = most = 0

    async def describe(workflow_id: str, run_id: str | None = None) -> Execution | None:
        nonlocal at_once, most
        del run_id
        async with temporal._slot():  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            asked.append(workflow_id)
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0)
            at_once -= 1
            if workflow_id == "25":
                message = "no answer"
                raise RPCError(message, RPCStatusCode.UNAVAILABLE, b"")
        return None

    monkeypatch.setattr(temporal, "_describe", describe)
    assert len(await temporal.look(f"fine {number}" for number in range(200))) == 200
    assert most == AT_ONCE
    asked.clear()
    with pytest.raises(RPCError):
        await temporal.look(str(number) for number in range(200))
    await asyncio.sleep(0.1)
    assert len(asked) < 25 + 2 * AT_ONCE


async def test_a_result_that_is_not_ours_is_no_result(temporal_client: Client, task_queue: str) -> None:
    effects, temporal = FakeEffects([]), Whereabouts(temporal_client)
    name = f"run-{uuid.uuid4()}"
    given = RunInput(run_id=name, agent="clerk", thread_id="thread", input_turn="input")
    async with effects.worker(temporal_client, task_queue):
        await temporal_client.execute_workflow("AgentRun", given, id=name, task_queue=task_queue)
    closing = await temporal.closing(await latest(temporal, name), Outcome)
    assert (closing.result, closing.reason) == (None, "its result cannot be read")
