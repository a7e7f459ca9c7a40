"""The tools of a graph, found where LangGraph's own nodes hold them."""

from __future__ import annotations

from collections.abc import Iterator

from langchain_core.tools import BaseTool
from langgraph.prebuilt import ToolNode

from placet.agents import Tool, tool_of
from placet.graphs._loading import Graph, graphs_in


def tools_of(graph: Graph) -> dict[str, Tool]:
    """Returns the tools of a graph and of the graphs in it, by name; one that cannot be shown is left out."""
    found: dict[str, Tool] = {}
    for one in (graph, *graphs_in(graph)):
        for tool in _held_by(one):
            try:
                found.setdefault(tool.name, tool_of(tool))
            except (TypeError, ValueError):
                continue
    return found


def _held_by(graph: Graph) -> Iterator[BaseTool]:
    for node in graph.nodes.values():
        bound: object = getattr(node, "bound", None)
        if isinstance(bound, ToolNode):
            yield from bound.tools_by_name.values()
