"""What of a graph its author should know of: it runs, and not quite as it may be thought to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from langgraph.cache.memory import InMemoryCache  # pyright: ignore[reportMissingTypeStubs] - it has types
from langgraph.prebuilt import ToolNode
from langgraph.store.memory import InMemoryStore

from placet.graphs._loading import Graph, graphs_in

_AGENTS: Final = "langchain.agents"
"""Its graphs send each call of a message to a task of its own."""


def warnings_of(graph: Graph) -> list[str]:
    """Returns a sentence for each."""
    return [sentence for one in (graph, *graphs_in(graph)) for sentence in _of(one)]


def _of(graph: Graph) -> Iterator[str]:
    if isinstance(cast("object", graph.store), InMemoryStore):
        yield "its store is in memory: it is lost with the worker, and every worker has another one"
    if isinstance(cast("object", graph.cache), InMemoryCache):
        yield "its cache is in memory: it is lost with the worker, and every worker has another one"
    if _gives_each_call_a_task(graph):
        return
    for name, node in graph.nodes.items():
        if isinstance(cast("object", node.bound), ToolNode):
            yield (
                f"the calls of node {name} share one task: where one of them asks, all of them run again when it is"
                " answered"
            )


def _gives_each_call_a_task(graph: Graph) -> bool:
    branches = cast("dict[str, dict[str, Any]]", getattr(getattr(graph, "builder", None), "branches", {}))
    ways = [getattr(branch.path, "func", None) for named in branches.values() for branch in named.values()]
    return any(str(getattr(way, "__module__", "")).startswith(_AGENTS) for way in ways)
