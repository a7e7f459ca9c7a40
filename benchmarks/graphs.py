"""What a graph costs in Placet, beside LangGraph alone with the same saver: supersteps, waits, and bytes."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiosqlite
from bench_agent import now
from bench_graph import made
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command
from running import finished, gaps, until
from stage import Http, Stage, quiet, sqlite_bytes, times
from table import Row, median, slow

AGAINST: Final = "LangGraph alone, its SQLite saver"
STEP: Final = 1024
"""User bytes of a step."""
_LOOK: Final = 0.005


@dataclass
class Waits:
    """Seconds from an interrupt until somebody can see it, and from their answer to the next node."""

    seen: list[float] = field(default_factory=list[float])
    went_on: list[float] = field(default_factory=list[float])


async def figures(stage: Stage, supersteps: int, waits: int, settling: float) -> list[Row]:
    """Measures a graph that runs through, and one that waits again and again.

    Args:
        stage: Where they run.
        supersteps: Of the first.
        waits: Of the second.
        settling: Seconds before bytes are counted, and after.
    """
    ours, kept = _through(stage, supersteps, settling)
    waited = _waiting(stage, waits)
    async with _alone(stage.folder) as alone:
        theirs = await alone.through(supersteps)
        beside = await alone.waiting(waits)
        size = alone.bytes
    return [
        _row("from superstep to superstep, p50", median, ours, theirs),
        _row("from superstep to superstep, p95", slow, ours, theirs),
        _row("from an interrupt to its approval, p50", median, waited.seen, beside.seen),
        _row("from an answer to the next node, p50", median, waited.went_on, beside.went_on),
        Row(
            figure=f"bytes of {supersteps} supersteps of 1 KiB",
            ours=kept / (supersteps * STEP),
            baseline=size / (supersteps * STEP),
            unit="× user",
            against=AGAINST,
        ),
    ]


def _row(figure: str, of: Callable[[list[float]], float], ours: list[float], theirs: list[float]) -> Row:
    return Row(figure=figure, ours=of(ours) * 1000, baseline=of(theirs) * 1000, unit="ms", against=AGAINST, n=len(ours))


def _given(steps: int, *, asks: bool) -> dict[str, Any]:
    return {"name": uuid.uuid4().hex, "steps": steps, "size": STEP, "asks": asks, "brought": []}


def _through(stage: Stage, steps: int, settling: float) -> tuple[list[float], int]:
    """Runs a graph to its end; returns the seconds between its nodes, and the bytes that it leaves behind."""
    _run(stage, _given(2, asks=False))
    sizes = (stage.temporal_bytes, stage.ledger_bytes, stage.checkpoint_bytes)
    time.sleep(settling)
    quiet(*sizes)
    before = sum(size() for size in sizes)
    given = _given(steps, asks=False)
    _run(stage, given)
    time.sleep(settling)
    quiet(*sizes)
    return gaps(stage.times(given["name"])), sum(size() for size in sizes) - before


def _run(stage: Stage, given: dict[str, Any]) -> None:
    run = stage.http("bot").post("/runs", {"agent": "graph", "input": given})
    finished(stage, run["id"])


def _waiting(stage: Stage, count: int) -> Waits:
    """Runs a graph that asks so often, and answers at once."""
    bot, found, given = stage.http("bot"), Waits(), _given(count + 1, asks=True)
    run = bot.post("/runs", {"agent": "graph", "input": given})
    known = set[str]()
    for number in range(count):
        approval = _asked(bot, run["id"], known)
        found.seen.append(now() - stage.times(f"{given['name']}-asks")[-1][1])
        known.add(approval["id"])
        sent = now()
        answers = {approval["questions"][0]["id"]: {"text": "yes"}}
        body = {"type": "answer", "digest": approval["digest"], "answers": answers}
        bot.post(f"/approvals/{approval['id']}/decision", body)
        begun = _begun(lambda: stage.times(given["name"]), number + 2)
        found.went_on.append(begun - sent)
    until(bot, f"/runs/{run['id']}", lambda shown: shown["ended_at"])
    return found


def _asked(http: Http, run_id: str, known: set[str]) -> dict[str, Any]:
    while True:
        for approval in http.get(f"/runs/{run_id}")["pending"]:
            if approval["id"] not in known:
                return approval
        time.sleep(_LOOK)


def _begun(noted: Callable[[], list[tuple[str, float]]], nth: int) -> float:
    """Returns when a node began for the nth time."""
    while True:
        begun = [moment for what, moment in noted() if what == "begin"]
        if len(begun) >= nth:
            return begun[nth - 1]
        time.sleep(_LOOK)


@dataclass
class Alone:
    """LangGraph with its own saver, in this process."""

    graph: Any
    folder: Path
    bytes: int = 0

    async def through(self, steps: int) -> list[float]:
        """Runs the graph to its end, as durably as Placet does."""
        given = _given(steps, asks=False)
        await self._invoke(given, given["name"])
        self.bytes = sqlite_bytes(self.folder / "alone.db")
        return gaps(times(self.folder, given["name"]))

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
async def _alone(folder: Path) -> AsyncGenerator[Alone]:
    os.environ["BENCH_FOLDER"] = str(folder)
    async with aiosqlite.connect(folder / "alone.db") as connection:
        await connection.execute("PRAGMA synchronous = FULL")
        saver = AsyncSqliteSaver(connection)
        await saver.setup()
        graph = made()
        graph.checkpointer = saver
        yield Alone(graph, folder)
