"""A step that takes longer than the SDK allows, on a machine that is short of CPU, wedges nobody."""

from __future__ import annotations

import asyncio
import uuid

from temporalio.client import Client
from temporalio.worker import Worker

from placet.worker import runner
from placet_testing.slow_step import Slowness, SlowOnce


async def test_a_workflow_goes_on_after_a_step_that_was_taken_for_a_deadlock(
    temporal_client: Client, task_queue: str
) -> None:
    restrictions = runner().restrictions.with_passthrough_modules("placet_testing")
    patient = type(runner())(restrictions=restrictions)
    Slowness.left = 1
    async with Worker(temporal_client, task_queue=task_queue, workflows=[SlowOnce], workflow_runner=patient):
        handle = await temporal_client.start_workflow(SlowOnce.run, id=f"slow-{uuid.uuid4()}", task_queue=task_queue)
        await handle.signal(SlowOnce.tell)
        assert await asyncio.wait_for(handle.result(), 40) == "done"
    assert Slowness.left == 0
