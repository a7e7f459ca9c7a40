"""Graphs of which one activity runs all from one wait to the next."""

# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false
# LangGraph's builder is untyped here and there.

from __future__ import annotations

from typing import Any

import pytest
from langgraph.graph import START, StateGraph
from langgraph.types import interrupt

from placet.contracts.config import AgentConfig
from placet.graphs import GraphAgent, NodeError, TooManyStepsError
from placet.graphs._loading import Source
from placet_testing.graphs.stepping import Notes, Runs, says


class Dying:
    """Nodes in a row, of which each fails once where it is told to."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.fails: set[str] = set()

    def node(self, name: str, *, asks: bool = False) -> Any:
        def run(state: Notes) -> dict[str, list[str]]:
            del state
            said = interrupt(f"{name}?") if asks else "done"
            self.ran.append(name)
            if name in self.fails:
                self.fails.remove(name)
                message = "the worker died here"
                raise RuntimeError(message)
            return {"notes": [f"{name} {said}"]}

        return run

    def graph(self, inner: Any = None) -> Any:
        """Returns one, two, a question, three, and a subgraph in their midst where there is one."""
        builder = StateGraph(Notes)
        nodes = [("one", False), ("two", False), ("asks", True), ("three", False), ("four", False)]
        before = START
        for name, asks in nodes:
            builder.add_node(name, inner if inner is not None and name == "three" else self.node(name, asks=asks))
            builder.add_edge(before, name)
            before = name
        return builder.compile()

    def subgraph(self) -> Any:
        builder = StateGraph(Notes).add_node("first", self.node("first")).add_node("second", self.node("second"))
        return builder.add_edge(START, "first").add_edge("first", "second").compile(checkpointer=True)


def in_segments(graph: Any) -> GraphAgent:
    return GraphAgent("a", AgentConfig(graph="x:y", step="segment"), Source(graph))


async def test_it_stops_only_where_it_waits_and_at_its_end(runs: Runs) -> None:
    dying = Dying()
    agent = in_segments(dying.graph())
    waits = await runs.step(agent, begins=True, given={"notes": []})
    assert (waits.status, dying.ran) == ("waits", ["one", "two"])
    ended = await runs.step(agent, answers=(says(waits, "yes"),))
    assert ended.output == {"notes": ["one done", "two done", "asks yes", "three done", "four done"]}
    assert agent.describe().warnings == ()


async def test_the_next_attempt_goes_on_from_the_last_superstep_of_the_one_that_died(runs: Runs) -> None:
    dying = Dying()
    agent = in_segments(dying.graph())
    dying.fails = {"two", "four"}
    first: dict[str, Any] = {"begins": True, "given": {"notes": []}, "mark": "w 0"}
    with pytest.raises(NodeError):
        await runs.step(agent, **first)
    waits = await runs.step(agent, **first, again=True)
    assert dying.ran == ["one", "two", "two"]
    second: dict[str, Any] = {"answers": (says(waits, "yes"),), "mark": "w 1"}
    with pytest.raises(NodeError):
        await runs.step(agent, **second)
    ended = await runs.step(agent, **second, again=True)
    assert dying.ran == ["one", "two", "two", "asks", "three", "four", "four"]
    assert ended.output == {"notes": ["one done", "two done", "asks yes", "three done", "four done"]}


async def test_what_ended_unheard_is_told_again_and_nothing_of_it_runs_twice(runs: Runs) -> None:
    dying = Dying()
    agent = in_segments(dying.graph())
    first: dict[str, Any] = {"begins": True, "given": {"notes": []}, "mark": "w 0"}
    lost = await runs.step(agent, **first)
    waits = await runs.step(agent, **first, head=None, again=True)
    assert [one.id for one in waits.waiting] == [one.id for one in lost.waiting]
    second: dict[str, Any] = {"answers": (says(waits, "yes"),), "mark": "w 1"}
    lost = await runs.step(agent, **second)
    ended = await runs.step(agent, **second, head=waits.head, again=True)
    assert (ended.status, ended.output) == (lost.status, lost.output)
    assert dying.ran == ["one", "two", "asks", "three", "four"]


async def test_a_subgraph_with_a_memory_goes_on_where_it_died(runs: Runs) -> None:
    dying = Dying()
    agent = in_segments(dying.graph(dying.subgraph()))
    waits = await runs.step(agent, begins=True, given={"notes": []}, mark="w 0")
    dying.fails = {"second"}
    second: dict[str, Any] = {"answers": (says(waits, "yes"),), "mark": "w 1"}
    with pytest.raises(NodeError):
        await runs.step(agent, **second)
    ended = await runs.step(agent, **second, again=True)
    assert dying.ran == ["one", "two", "asks", "first", "second", "second", "four"]
    assert ended.status == "ended"


async def test_attempts_share_one_limit_of_supersteps(runs: Runs) -> None:
    ran: list[str] = []

    def on(state: Notes) -> dict[str, list[str]]:
        del state
        ran.append("on")
        if len(ran) == 4:
            message = "the worker died here"
            raise RuntimeError(message)
        return {"notes": ["on"]}

    graph = StateGraph(Notes).add_node(on).add_edge(START, "on").add_edge("on", "on").compile()
    agent = in_segments(graph.with_config(recursion_limit=6))
    first: dict[str, Any] = {"begins": True, "given": {"notes": []}, "mark": "w 0"}
    with pytest.raises(NodeError):
        await runs.step(agent, **first)
    with pytest.raises(TooManyStepsError, match="more than 6 supersteps"):
        await runs.step(agent, **first, again=True)
    assert len(ran) == 7, "six, and the one that died"
