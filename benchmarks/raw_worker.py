"""A worker for the baselines, with the settings of Placet's own: `python raw_worker.py ADDRESS QUEUE FOLDER`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from bench_agent import begin, end
from raw_workflows import Loop, RawAgent, RawApproval, RawRelease
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from placet.engine.connection import data_converter
from placet.worker import ACTIVITY_SLOTS, CACHED_WORKFLOWS, STICKY_LIMIT, WORKFLOW_TASKS_PER_CORE


@activity.defn
async def raw_tool(name: str) -> str:
    """Says that it has started."""
    begin(name)
    return "done"


@activity.defn
async def raw_model(step: int) -> int:
    """Says what to call."""
    return step


@activity.defn
async def raw_step(given: Loop) -> str:
    """Does a step, and returns where its bytes would be."""
    begin(given.name)
    text = "x" * given.size
    end(given.name)
    return f"kept elsewhere: {len(text)} bytes"


async def main(address: str, queue: str) -> None:
    """Runs until it is killed."""
    client = await Client.connect(address, namespace="default", data_converter=data_converter())
    restrictions = SandboxRestrictions.default.with_passthrough_modules("pydantic", "pydantic_core")
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[RawApproval, RawRelease, RawAgent],
        activities=[raw_tool, raw_model, raw_step],
        workflow_runner=SandboxedWorkflowRunner(restrictions=restrictions),
        build_id="raw",
        max_cached_workflows=CACHED_WORKFLOWS,
        max_concurrent_activities=ACTIVITY_SLOTS,
        max_concurrent_workflow_tasks=WORKFLOW_TASKS_PER_CORE * (os.cpu_count() or 1),
        sticky_queue_schedule_to_start_timeout=STICKY_LIMIT,
    )
    await worker.run()


if __name__ == "__main__":
    os.environ["BENCH_FOLDER"] = str(Path(sys.argv[3]))
    asyncio.run(main(sys.argv[1], sys.argv[2]))
