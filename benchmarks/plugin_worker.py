"""A worker for Temporal's own LangGraph plugin, with Placet's settings: `python plugin_worker.py ADDRESS QUEUE FOLDER`.

The graph runs in the workflow, and each of its nodes as an activity. Edges that choose have to be coroutines there.
"""

# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# The plugin is installed for this program only, and has no types here.

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta
from typing import Any, cast

from bench_graph import State, builder, following
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from temporalio import workflow
from temporalio.client import Client
from temporalio.langgraph import LangGraphPlugin, graph
from temporalio.worker import Plugin, UnsandboxedWorkflowRunner, Worker

from placet.worker import ACTIVITY_SLOTS, CACHED_WORKFLOWS, STICKY_LIMIT, WORKFLOW_TASKS_PER_CORE

NAME = "bench"
IN_AN_ACTIVITY = {"execute_in": "activity", "start_to_close_timeout": timedelta(minutes=10)}


async def route(state: State) -> str:
    """Returns the node after one that worked."""
    return following(state)


@workflow.defn
class PluginGraph:
    """Runs the graph to its end; what it asks is answered by an Update."""

    def __init__(self) -> None:
        """Starts with nothing asked and nothing answered."""
        self._asked = 0
        self._answers: list[str] = []

    @workflow.run
    async def run(self, given: dict[str, Any]) -> int:
        """Returns how often it worked."""
        running = cast("Any", graph(NAME)).compile(checkpointer=InMemorySaver())
        config = {"configurable": {"thread_id": workflow.info().workflow_id}, "recursion_limit": 10_000}
        state = await running.ainvoke(given, config)
        while "__interrupt__" in state:
            (interrupt,) = state["__interrupt__"]
            self._asked += 1
            await workflow.wait_condition(lambda: len(self._answers) == self._asked)
            state = await running.ainvoke(Command(resume={interrupt.id: self._answers[-1]}), config)
        return len(state["brought"])

    @workflow.query
    def asked(self) -> int:
        """Returns how often somebody was asked."""
        return self._asked

    @workflow.update
    async def answer(self, value: str) -> None:
        """Answers."""
        self._answers.append(value)


async def main(address: str, queue: str) -> None:
    """Runs until it is killed."""
    plugin = cast("Plugin", LangGraphPlugin(graphs={NAME: builder(route, IN_AN_ACTIVITY)}))
    worker = Worker(
        await Client.connect(address, namespace="default"),
        task_queue=queue,
        workflows=[PluginGraph],
        plugins=[plugin],
        # Without a sandbox as with it; this is the cheaper one.
        workflow_runner=UnsandboxedWorkflowRunner(),
        build_id="plugin",
        max_cached_workflows=CACHED_WORKFLOWS,
        max_concurrent_activities=ACTIVITY_SLOTS,
        max_concurrent_workflow_tasks=WORKFLOW_TASKS_PER_CORE * (os.cpu_count() or 1),
        sticky_queue_schedule_to_start_timeout=STICKY_LIMIT,
    )
    await worker.run()


if __name__ == "__main__":
    os.environ["BENCH_FOLDER"] = sys.argv[3]
    asyncio.run(main(sys.argv[1], sys.argv[2]))
