"""Whether LangGraph stops at the end of a superstep and goes on as if it had not: tried, before it is relied upon.

A small graph with everything that is hard is run superstep by superstep and in one go. Where the two differ, or fail,
graphs are run from one wait to the next in one activity: a crash repeats more then, and nothing else is lost.
"""

from __future__ import annotations

import asyncio
import operator
import uuid
from dataclasses import replace
from typing import Annotated, Any, Final, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph  # pyright: ignore[reportMissingTypeStubs]
from langgraph.types import Command, Send, interrupt
from typing_extensions import TypedDict

from placet.contracts.approvals import Outcome
from placet.contracts.decisions import DecisionRecord
from placet.contracts.graphs import Answered, Released
from placet.graphs._loading import Graph
from placet.graphs._pinned import Pin, Pinned
from placet.graphs._shapes import Reached, Wanted
from placet.graphs._stepping import Stepping
from placet.graphs.errors import TooManyStepsError

_LIMIT: Final = 12
_PATIENCE: Final = 20.0
_LONGEST: Final = 500
_RUNS: Final = 2
_LEAST_STEPS: Final = 8
_ANSWER: Final = "go on"


class Probe(TypedDict):
    """What the probe works on."""

    notes: Annotated[list[str], operator.add]


class MemorySaver(Pinned, InMemorySaver):
    """LangGraph's saver in memory, pinned."""

    async def subgraph_began(self) -> bool:
        """Returns whether a subgraph has stored something since the pinned checkpoint."""
        for namespace, stored in self.storage[self.pin.thread_id].items():
            for _, metadata, _ in stored.values() if namespace else ():
                if self.serde.loads_typed(metadata).get("parents", {}).get("") == self.pin.head:
                    return True
        return False


async def self_test() -> str | None:
    """Returns why graphs cannot be run superstep by superstep; None where they can."""
    try:
        whole = await _whole()
        stepped, steps = await asyncio.wait_for(_stepped(), _PATIENCE)
        if stepped != whole:
            return f"stepped, it came to {stepped}, and in one go to {whole}"[:_LONGEST]
        if steps < _LEAST_STEPS:
            return f"it did not stop at the end of a superstep: {steps} activities"
        if not await _too_long_is_noticed():
            return "stepped, it went on past its recursion limit"
    except Exception as error:  # noqa: BLE001 - whatever a release of LangGraph does
        return f"{type(error).__name__}: {error}"
    return None


def _probe() -> Graph:
    """Makes parallel nodes of which one asks twice, tasks that are sent, a subgraph with a memory, and a breakpoint."""

    def asks(_: Probe) -> Probe:
        return {"notes": [f"told {interrupt('go on?')}", f"told {interrupt('again?')}"]}

    def seen(state: Probe) -> Probe:
        return {"notes": [f"seen {len(state['notes'])}"]}

    def spread(_: Probe) -> list[Send]:
        return [Send("part", {"notes": [""] * place}) for place in range(2)]

    inner: Any = StateGraph(Probe).add_node("remembers", seen)  # pyright: ignore[reportUnknownMemberType]
    memory = inner.add_edge(START, "remembers").compile(checkpointer=True)
    builder: Any = StateGraph(Probe).add_node("starts", _note)  # pyright: ignore[reportUnknownMemberType]
    builder.add_node("asks", asks).add_node("part", seen).add_node("inner", memory).add_node("ends", _note)
    builder.add_edge(START, "starts").add_edge("starts", "asks").add_edge("starts", "inner")
    builder.add_conditional_edges("inner", spread, ["part"]).add_edge(["asks", "part"], "ends").add_edge("ends", END)
    return cast("Graph", builder.compile(interrupt_before=["ends"]))


def _endless() -> Graph:
    builder: Any = StateGraph(Probe).add_node("on", _note)  # pyright: ignore[reportUnknownMemberType]
    return cast("Graph", builder.add_edge(START, "on").add_edge("on", "on").compile())


def _note(state: Probe) -> Probe:
    del state
    return {"notes": ["."]}


async def _whole() -> list[str]:
    """Runs it twice on one thread, each time in one go from wait to wait."""
    graph: Any = _probe()
    graph.checkpointer = InMemorySaver()
    config: RunnableConfig = {"configurable": {"thread_id": "whole"}, "recursion_limit": _LIMIT}
    for _ in range(_RUNS):
        given: Any = {"notes": []}
        while True:
            await graph.ainvoke(given, config)
            state = await graph.aget_state(config)
            if not state.next:
                break
            given = Command(resume={one.id: _ANSWER for one in state.interrupts}) if state.interrupts else None
    return sorted((await graph.aget_state(config)).values["notes"])


async def _stepped() -> tuple[list[str], int]:
    """Runs it as the workflow does, with every answer told twice, and returns in how many activities."""
    saver, graph, steps = MemorySaver(), _probe(), 0
    graph.checkpointer = saver
    wanted, output = Wanted(run_id="", agent="probe", thread_id=uuid.uuid4().hex), list[str]()
    for run in range(_RUNS):
        wanted = replace(wanted, run_id=f"run {run}", begins=True, given={"notes": []})
        reached = await _step(graph, saver, wanted)
        while reached.status != "ended":
            answers = tuple(_told(one.id, one.task) for one in reached.waiting)
            wanted = replace(wanted, begins=False, head=reached.head, stop_at=reached.stop_at, answers=answers)
            if answers:
                await _step(graph, saver, wanted)
            reached = await _step(graph, saver, replace(wanted, again=bool(answers)))
            steps += 1
        wanted = replace(wanted, head=reached.head, stop_at=None, answers=())
        output = sorted(cast("Probe", reached.output)["notes"])
    return output, steps


async def _step(graph: Graph, saver: MemorySaver, wanted: Wanted, limit: int = _LIMIT) -> Reached:
    saver.pin = Pin(wanted.thread_id, wanted.head)
    return await Stepping(graph, saver, {}, wanted, limit).run()


async def _too_long_is_noticed() -> bool:
    saver, graph = MemorySaver(), _endless()
    graph.checkpointer = saver
    wanted = Wanted(run_id="probe", agent="probe", thread_id=uuid.uuid4().hex, begins=True, given={"notes": []})
    for _ in range(_LIMIT * 2):
        try:
            reached = await _step(graph, saver, wanted)
        except TooManyStepsError:
            return True
        wanted = replace(wanted, head=reached.head, stop_at=reached.stop_at, begins=False)
    return False


def _told(interrupt_id: str, task: str) -> Answered:
    decision = DecisionRecord.model_validate(
        {
            "id": "probe",
            "type": "answer",
            "by": {"id": "user:probe", "name": "probe", "via": "api"},
            "received_at": "2026-01-01T00:00:00Z",
            "digest": "",
            "answers": {"answer": {"text": _ANSWER}},
        }
    )
    outcome = Outcome(status="answered", digest="", decision=decision)
    return Answered(interrupt=interrupt_id, task=task, calls=(Released(tool="ask_human", outcome=outcome),))
