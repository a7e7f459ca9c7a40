"""From a reference to a graph: as it is, or by whatever makes one, with what was opened closed again."""

# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false
# LangGraph's builder is untyped here and there.

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

import pytest
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint
from langgraph.graph import START, StateGraph

from placet.contracts.config import AgentConfig
from placet.graphs import GraphAgent
from placet.graphs._loading import Source
from placet_testing.graphs.stepping import Notes, Runs

diary: list[str] = []


@pytest.fixture(autouse=True)
def _empty_diary() -> None:
    diary.clear()


def builder(note: str = "one") -> Any:
    def one(state: Notes) -> Notes:
        del state
        return {"notes": [note]}

    def two(state: Notes) -> Notes:
        del state
        return {"notes": ["two"]}

    return StateGraph(Notes).add_node(one).add_node(two).add_edge(START, "one").add_edge("one", "two")


def plain() -> Any:
    diary.append("made")
    return builder().compile()


async def awaited() -> Any:
    diary.append("made")
    return builder()


@contextmanager
def opened() -> Generator[Any]:
    diary.append("made")
    yield builder().compile()
    diary.append("closed")


@asynccontextmanager
async def opened_async() -> AsyncGenerator[Any]:
    diary.append("made")
    yield builder().compile()
    diary.append("closed")


def with_config(config: RunnableConfig) -> Any:
    diary.append("made")
    return builder(config.get("metadata", {})["placet_agent"]).compile()


@asynccontextmanager
async def opened_with_config(config: RunnableConfig) -> AsyncGenerator[Any]:
    diary.append("made")
    yield builder(config.get("metadata", {})["placet_agent"]).compile()
    diary.append("closed")


@pytest.mark.parametrize(
    ("thing", "notes", "written"),
    [
        (builder(), ["one", "two"], []),
        (builder().compile(), ["one", "two"], []),
        (builder().compile(checkpointer=InMemorySaver()), ["one", "two"], []),
        (builder().compile(checkpointer=False), ["one", "two"], []),
        (plain, ["one", "two"], ["made"]),
        (awaited, ["one", "two"], ["made"]),
        (opened_async, ["one", "two"], ["made", "closed"]),
        (with_config, ["a", "two"], ["made"] * 3),
        (opened_with_config, ["a", "two"], ["made", "closed"] * 3),
    ],
)
async def test_whatever_makes_a_graph_is_called_as_often_as_it_has_to_be(
    runs: Runs, thing: object, notes: list[str], written: list[str]
) -> None:
    """Once for a worker; for each superstep where it takes a configuration, for that may say another thing."""
    agent = GraphAgent("a", AgentConfig(graph="x:y"), Source(thing))
    reached = await runs.until_it_rests(agent, {"notes": []})
    assert (reached.status, cast("Any", reached.output)["notes"]) == ("ended", notes)
    await agent.close()
    assert diary == written


async def test_a_context_manager_is_left_again(runs: Runs) -> None:
    agent = GraphAgent("a", AgentConfig(graph="x:y"), Source(opened))
    reached = await runs.until_it_rests(agent, {"notes": []})
    assert reached.status == "ended"
    await agent.close()
    assert diary[-2:] == ["made", "closed"]


async def test_an_entrypoint_is_one_superstep(runs: Runs) -> None:
    @entrypoint()
    async def flow(given: dict[str, str]) -> str:
        return given["text"].upper()

    reached = await runs.until_it_rests(runs.of(flow), {"text": "abc"})
    assert (reached.status, reached.output) == ("ended", "ABC")


def two_of(one: str, two: str) -> str:
    return one + two


@pytest.mark.parametrize(
    ("thing", "reason"),
    [
        ("a text", "neither a LangGraph graph nor a function that makes one"),
        (two_of, "takes a configuration or nothing"),
        (lambda: "a text", "no LangGraph graph"),
        (lambda: builder().compile() | RunnableLambda(str), "no LangGraph graph"),
    ],
)
def test_what_makes_no_graph_is_refused_at_the_start(thing: Callable[..., object], reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        Source(thing)
