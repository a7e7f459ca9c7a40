"""The graph that is measured: a node that brings bytes, again and again, and one that asks in between if it is told to.

Placet's worker, LangGraph alone and Temporal's plugin run the same graph. Its nodes write the moments of their begin
and end as tools do.
"""

from __future__ import annotations

import operator
import random
import string
from collections.abc import Callable, Mapping
from typing import Annotated, Any, cast

from bench_agent import begin, end
from langgraph.graph import END, START, StateGraph  # pyright: ignore[reportMissingTypeStubs] - it has types
from langgraph.types import interrupt
from typing_extensions import TypedDict


class State(TypedDict):
    """What it works on: how often, how many bytes, and whether somebody is asked in between."""

    name: str
    steps: int
    size: int
    asks: bool
    brought: Annotated[list[str], operator.add]


def work(state: State) -> dict[str, Any]:
    """Does a step."""
    begin(state["name"])
    noise = random.Random(f"{state['name']} {len(state['brought'])}")  # noqa: S311
    brought = "".join(noise.choices(string.ascii_letters + string.digits, k=state["size"]))
    end(state["name"])
    return {"brought": [brought]}


def ask(state: State) -> dict[str, Any]:
    """Waits for somebody."""
    begin(f"{state['name']}-asks")
    interrupt("Shall it go on?")
    return {}


def following(state: State) -> str:
    """Returns the node after one that worked."""
    if len(state["brought"]) >= state["steps"]:
        return END
    return "ask" if state["asks"] else "work"


def builder(  # LangGraph's is untyped here and there
    route: Callable[[State], object] = following, metadata: Mapping[str, object] | None = None
) -> Any:  # noqa: ANN401
    """Makes the graph, not compiled yet.

    Args:
        route: Says which node follows.
        metadata: Of each node.
    """
    made = cast("Any", StateGraph(State))
    for node in (work, ask):
        made.add_node(node, metadata=None if metadata is None else dict(metadata))
    return made.add_edge(START, "work").add_edge("ask", "work").add_conditional_edges("work", route)


graph = builder().compile()
