"""The same graph in four ways: Placet's supersteps, its segments, Temporal's own plugin, and LangGraph alone."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import aiosqlite
from bench_agent import now
from bench_graph import builder
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command
from running import finished, gaps, until
from stage import Http, Stage, sqlite_bytes, times, worker_beside
from temporalio.client import Client

from placet_testing.graphs.running import HOME as GRAPHS
from placet_testing.python_packages import python_packages

STEP: Final = 1024
"""User bytes of a step."""
_LOOK: Final = 0.005
_PLUGIN: Final = ("temporal-langgraph", GRAPHS / "requirements-plugin.txt")


@dataclass
class Waits:
    """Seconds from an interrupt until somebody can see it, and from their answer to the next node."""

    seen: list[float] = field(default_factory=list[float])
    went_on: list[float] = field(default_factory=list[float])


@dataclass
class Through:
    """A run without a wait.

    Attributes:
        gaps: Seconds from the end of each node to the begin of the next.
        events: Of Temporal's history, where there is one.
        history: Its bytes.
    """

    gaps: list[float]
    events: int | None = None
    history: int | None = None


class Driven(Protocol):
    """A way to drive the graph."""

    def bytes(self) -> int:
        """Returns the bytes that the databases use by now."""
        ...

    async def through(self, steps: int) -> Through:
        """Runs the graph to its end."""
        ...

    async def waiting(self, count: int) -> Waits:
        """Runs a graph that asks so often, and answers at once."""
        ...


@dataclass
class InPlacet:
    """Placet, as people use it: over HTTP.

    Attributes:
        agent: Whose graph runs in supersteps, or in segments.
    """

    stage: Stage
    agent: str

    def bytes(self) -> int:
        """Returns the bytes that Temporal, the ledger and the checkpoints use by now."""
        return self.stage.temporal_bytes() + self.stage.ledger_bytes() + self.stage.checkpoint_bytes()

    async def through(self, steps: int) -> Through:
        """Runs the graph to its end."""
        given = _given(steps, asks=False)
        run = self.stage.http("bot").post("/runs", {"agent": self.agent, "input": given})
        finished(self.stage, run["id"])
        client = await self.stage.temporal()
        return await _through(client, run["id"], self.stage.times(given["name"]))

    async def waiting(self, count: int) -> Waits:
        """Runs a graph that asks so often, and answers at once."""
        bot, found, given = self.stage.http("bot"), Waits(), _given(count + 1, asks=True)
        run = bot.post("/runs", {"agent": self.agent, "input": given})
        known = set[str]()
        for number in range(count):
            approval = _asked(bot, run["id"], known)
            found.seen.append(now() - self.stage.times(f"{given['name']}-asks")[-1][1])
            known.add(approval["id"])
            sent = now()
            answers = {approval["questions"][0]["id"]: {"text": "yes"}}
            body = {"type": "answer", "digest": approval["digest"], "answers": answers}
            bot.post(f"/approvals/{approval['id']}/decision", body)
            begun = _begun(lambda: self.stage.times(given["name"]), number + 2)
            found.went_on.append(begun - sent)
        until(bot, f"/runs/{run['id']}", lambda shown: shown["ended_at"])
        return found


def _asked(http: Http, run_id: str, known: set[str]) -> dict[str, Any]:
    while True:
        for approval in http.get(f"/runs/{run_id}")["pending"]:
            if approval["id"] not in known:
                return approval
        time.sleep(_LOOK)


@dataclass
class ByPlugin:
    """Temporal's LangGraph plugin: the graph in the workflow, each node an activity, and all of it in history."""

    stage: Stage
    client: Client
    queue: str

    def bytes(self) -> int:
        """Returns the bytes that Temporal uses by now."""
        return self.stage.temporal_bytes()

    async def through(self, steps: int) -> Through:
        """Runs the graph to its end."""
        given = _given(steps, asks=False)
        handle = await self._started(given)
        await handle.result()
        return await _through(self.client, handle.id, self.stage.times(given["name"]))

    async def waiting(self, count: int) -> Waits:
        """Runs a graph that asks so often, and answers at once; a Query tells whether it asks."""
        found, given = Waits(), _given(count + 1, asks=True)
        handle = await self._started(given)
        for number in range(count):
            await _until_asked(handle, number + 1)
            found.seen.append(now() - self.stage.times(f"{given['name']}-asks")[-1][1])
            sent = now()
            await handle.execute_update("answer", "yes")
            begun = _begun(lambda: self.stage.times(given["name"]), number + 2)
            found.went_on.append(begun - sent)
        await handle.result()
        return found

    async def _started(self, given: dict[str, Any]) -> Any:  # noqa: ANN401 - of a workflow without types
        return await self.client.start_workflow("PluginGraph", given, id=given["name"], task_queue=self.queue)


async def _until_asked(handle: Any, nth: int) -> None:  # noqa: ANN401 - of a workflow without types
    while True:
        if await handle.query("asked") >= nth:
            return
        await asyncio.sleep(_LOOK)


@asynccontextmanager
async def by_plugin(stage: Stage) -> AsyncGenerator[ByPlugin]:
    """Starts a worker for the plugin.

    Raises:
        ProvisionError: The plugin cannot be got.
    """
    queue, address = f"plugin-{uuid.uuid4().hex[:12]}", stage.processes.temporal
    with worker_beside(stage.folder, address, "plugin_worker.py", queue, python_packages(*_PLUGIN)):
        yield ByPlugin(stage, await Client.connect(address, namespace="default"), queue)


@dataclass
class Alone:
    """LangGraph with its own saver, in this process."""

    graph: Any
    folder: Path

    def bytes(self) -> int:
        """Returns the bytes that its saver uses by now."""
        return sqlite_bytes(self.folder / "alone.db")

    async def through(self, steps: int) -> Through:
        """Runs the graph to its end, as durably as Placet does."""
        given = _given(steps, asks=False)
        await self._invoke(given, given["name"])
        return Through(gaps(times(self.folder, given["name"])))

    async def waiting(self, count: int) -> Waits:
        """Runs a graph that asks so often, and answers at once."""
        found, given = Waits(), _given(count + 1, asks=True)
        name = given["name"]
        state = await self._invoke(given, name)
        for number in range(count):
            found.seen.append(now() - times(self.folder, f"{name}-asks")[-1][1])
            (interrupt,) = state["__interrupt__"]
            sent = now()
            state = await self._invoke(Command(resume={interrupt.id: "yes"}), name)
            found.went_on.append(_begun(lambda: times(self.folder, name), number + 2) - sent)
        return found

    async def _invoke(self, given: object, thread: str) -> dict[str, Any]:
        config = {"configurable": {"thread_id": thread}, "recursion_limit": 10_000}
        return await self.graph.ainvoke(given, config, durability="sync")


@asynccontextmanager
async def alone(folder: Path) -> AsyncGenerator[Alone]:
    """Opens LangGraph's saver for SQLite, as durable as Placet's ledger."""
    os.environ["BENCH_FOLDER"] = str(folder)
    async with aiosqlite.connect(folder / "alone.db") as connection:
        await connection.execute("PRAGMA synchronous = FULL")
        saver = AsyncSqliteSaver(connection)
        await saver.setup()
        graph = builder().compile(checkpointer=saver)
        yield Alone(graph, folder)


def _given(steps: int, *, asks: bool) -> dict[str, Any]:
    return {"name": uuid.uuid4().hex, "steps": steps, "size": STEP, "asks": asks, "brought": []}


async def _through(client: Client, workflow_id: str, noted: list[tuple[str, float]]) -> Through:
    described = await client.get_workflow_handle(workflow_id).describe()
    info = described.raw_description.workflow_execution_info
    return Through(gaps(noted), info.history_length, info.history_size_bytes)


def _begun(noted: Callable[[], list[tuple[str, float]]], nth: int) -> float:
    """Returns when a node began for the nth time."""
    while True:
        begun = [moment for what, moment in noted() if what == "begin"]
        if len(begun) >= nth:
            return begun[nth - 1]
        time.sleep(_LOOK)
