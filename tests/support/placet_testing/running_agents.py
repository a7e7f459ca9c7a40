"""Runs of `AgentRun` with fake effects, and decisions on what they ask."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from placet.contracts.approvals import Asked
from placet.contracts.runs import RunInput, RunResult
from placet_testing.fake_effects import FakeEffects

Run = WorkflowHandle[Any, RunResult]


@asynccontextmanager
async def a_run(
    environment: WorkflowEnvironment, task_queue: str, effects: FakeEffects, **limits: Any
) -> AsyncGenerator[Run]:
    """Starts a run with these effects and a worker for it, and leaves nothing behind that has not ended.

    A task that nobody polls would keep the time-skipping server from skipping for every test after this one.
    """
    run_id = f"run-{uuid.uuid4()}"
    given = RunInput(run_id=run_id, agent="clerk", thread_id="thread", input_turn="input", **limits)
    async with effects.worker(environment.client, task_queue):
        run: Run = await environment.client.start_workflow(
            "AgentRun", given, id=run_id, task_queue=task_queue, result_type=RunResult
        )
        yield run
        for held in effects.hold.values():
            held.set()
        if (await run.describe()).status == WorkflowExecutionStatus.RUNNING:
            await run.cancel()
            with pytest.raises(WorkflowFailureError):
                await run.result()


async def decide(client: Client, asked: Asked, kind: str, **fields: Any) -> dict[str, Any]:
    """Decides on an approval as dana."""
    handle = client.get_workflow_handle(f"approval-{asked.id}")
    body = {"type": kind, "digest": asked.args.digest, "by": "user:dana", **fields}
    return await handle.execute_update("decide", body)  # pyright: ignore[reportUnknownMemberType]
