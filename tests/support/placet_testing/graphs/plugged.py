"""What Temporal's LangGraph plugin makes of graphs: `tell` prints it as JSON.

The graph runs in the workflow there and is replayed with it. Needs the plugin's package on `PYTHONPATH`, and to be
imported: the plugin takes no functions of a program.
"""

# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# The plugin is installed for a test only, and has no types here.
# ruff: noqa: ARG001
# A node takes the state also where it does not look at it.

from __future__ import annotations

import asyncio
import json
import operator
import sys
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Final, cast

from langchain.agents import create_agent
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from temporalio import workflow
from temporalio.client import Client
from temporalio.langgraph import LangGraphPlugin, graph
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from typing_extensions import TypedDict

from placet_testing.graphs.shop_graphs import TOOLS, Model

IN_AN_ACTIVITY: Final = {"execute_in": "activity", "start_to_close_timeout": timedelta(minutes=1)}
PATIENCE: Final = 15.0


class State(TypedDict):
    """What the graphs work on."""

    notes: Annotated[list[str], operator.add]


ran: list[str] = []


def one(state: State) -> dict[str, Any]:
    """Does something."""
    ran.append("one")
    return {"notes": ["one"]}


def ask(state: State) -> dict[str, Any]:
    """Waits for somebody."""
    ran.append("ask")
    return {"notes": [f"told {interrupt('go on?')}"]}


def other(state: State) -> dict[str, Any]:
    """Does something that was not there before."""
    ran.append("other")
    return {"notes": ["other"]}


def row(**nodes: Callable[[State], dict[str, Any]]) -> Any:
    """Returns a graph of nodes in a row, not compiled."""
    builder, before = cast("Any", StateGraph(State)), START
    for name, node in nodes.items():
        builder.add_node(name, node, metadata=dict(IN_AN_ACTIVITY))
        builder.add_edge(before, name)
        before = name
    return builder


def choose(state: State) -> str:
    """Returns the node that follows."""
    return "other"


def chosen() -> Any:
    """Returns a graph with an edge that chooses by a plain function."""
    builder = cast("Any", StateGraph(State))
    for node in (one, other):
        builder.add_node(node, metadata=dict(IN_AN_ACTIVITY))
    return builder.add_edge(START, "one").add_conditional_edges("one", choose)


def nested() -> Any:
    """Returns a graph whose node is a graph."""
    inner = row(one=one).compile()
    return cast("Any", StateGraph(State)).add_node("inner", inner, metadata=dict(IN_AN_ACTIVITY))


def agent() -> Any:
    """Returns LangChain's agent, with what the plugin wants of its nodes."""
    builder = cast("Any", create_agent(Model(), TOOLS)).builder
    for node in builder.nodes.values():
        node.metadata = dict(IN_AN_ACTIVITY)
    return builder


@workflow.defn
class Plugged:
    """Runs a graph to its end; a question is answered by its id, or by whatever comes."""

    def __init__(self) -> None:
        """Starts with nothing asked."""
        self._asked: str | None = None
        self._answered: str | None = None

    @workflow.run
    async def run(self, by_id: bool) -> list[str]:  # noqa: FBT001 - Temporal's inputs have no names
        """Returns its notes."""
        running = cast("Any", graph("g")).compile(checkpointer=InMemorySaver())
        config = {"configurable": {"thread_id": "t"}}
        state = await running.ainvoke({"notes": []}, config)
        while "__interrupt__" in state:
            (waiting,) = state["__interrupt__"]
            self._asked, self._answered = waiting.id, None
            await workflow.wait_condition(lambda: self._answered is not None)
            resume = {self._answered: "yes"} if by_id else "yes"
            state = await running.ainvoke(Command(resume=resume), config)
        return state["notes"]

    @workflow.query
    def asked(self) -> str | None:
        """Returns the id of what it asks."""
        return self._asked

    @workflow.signal
    def answer(self, interrupt_id: str) -> None:
        """Answers yes."""
        self._answered = interrupt_id


class Bench:
    """A queue, and workers with one graph after the other."""

    def __init__(self, client: Client) -> None:
        """Uses this client."""
        self._client = client
        self._queue = uuid.uuid4().hex
        self._handle: Any = None

    def worker(self, made: Any) -> Worker:
        """Returns a worker with a graph.

        Raises:
            ValueError: The plugin does not take it.
        """
        return Worker(
            self._client,
            task_queue=self._queue,
            workflows=[Plugged],
            plugins=cast("Any", [LangGraphPlugin(graphs={"g": made})]),
            workflow_runner=UnsandboxedWorkflowRunner(),
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        )

    async def start(self, *, by_id: bool = False) -> None:
        """Starts a run."""
        name = uuid.uuid4().hex
        self._handle = await self._client.start_workflow("Plugged", by_id, id=name, task_queue=self._queue)

    async def asked(self, but: str | None = None) -> str:
        """Returns the id of what it asks, as soon as it asks something else."""
        while True:
            found = await self._handle.query("asked")
            if found not in {None, but}:
                return found
            await asyncio.sleep(0.05)

    async def answer(self, interrupt_id: str) -> None:
        """Answers."""
        await self._handle.signal("answer", interrupt_id)

    async def ended(self) -> Any:
        """Returns the notes, or the first thing that went wrong with a workflow task."""
        result = asyncio.create_task(self._handle.result())
        give_up = asyncio.get_running_loop().time() + PATIENCE
        while asyncio.get_running_loop().time() < give_up:
            if (await asyncio.wait({result}, timeout=0.2))[0]:
                return result.result()
            async for event in self._handle.fetch_history_events():
                if event.HasField("workflow_task_failed_event_attributes"):
                    result.cancel()
                    await self._handle.terminate()
                    failure = event.workflow_task_failed_event_attributes.failure
                    return failure.message or failure.application_failure_info.type
        return None


async def changed(client: Client, made: Any) -> Any:
    """Returns what becomes of a run that waits while its graph changes."""
    bench = Bench(client)
    async with bench.worker(row(one=one, ask=ask)):
        await bench.start()
        first = await bench.asked()
    async with bench.worker(made):
        await bench.answer(first)
        return await bench.ended()


async def answered(client: Client, *, restarted: bool) -> dict[str, Any]:
    """Returns how often the node that asks ran, and whether the first answer was taken."""
    bench = Bench(client)
    ran.clear()
    async with bench.worker(row(one=one, ask=ask)):
        await bench.start(by_id=True)
        first = await bench.asked()
        if not restarted:
            await bench.answer(first)
            return {"notes": await bench.ended(), "ran": list(ran)}
    async with bench.worker(row(one=one, ask=ask)):
        await bench.answer(first)
        await bench.answer(await bench.asked(but=first))
        return {"notes": await bench.ended(), "ran": list(ran)}


async def started(client: Client, made: Any) -> Any:
    """Returns what becomes of a run of a graph."""
    bench = Bench(client)
    try:
        worker = bench.worker(made)
    except ValueError as error:
        return str(error)
    async with worker:
        await bench.start()
        return await bench.ended()


async def main(address: str) -> dict[str, Any]:
    """Tries each thing."""
    client = await Client.connect(address)
    return {
        "answered": await answered(client, restarted=False),
        "answered after a restart": await answered(client, restarted=True),
        "renamed": await changed(client, row(one=one, other=ask)),
        "inserted before": await changed(client, row(one=one, other=other, ask=ask)),
        "inserted behind": await changed(client, row(one=one, ask=ask, other=other)),
        "chosen": await started(client, chosen()),
        "nested": await started(client, nested()),
        "agent": await started(client, agent()),
    }


def tell(address: str) -> None:
    """Prints what came of each thing."""
    sys.stdout.write(json.dumps(asyncio.run(main(address))))
