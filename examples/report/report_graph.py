"""A report that two people have a word in, as a graph of LangGraph's: it knows nothing of Placet."""

# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

import operator
from typing import Annotated, Any

from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict


class Report(TypedDict):
    """What the graph works on."""

    topic: str
    notes: Annotated[list[str], operator.add]


def plan(state: Report) -> dict[str, Any]:
    """Begins the report."""
    return {"notes": [f"A report on {state['topic']}."]}


def tone(state: Report) -> dict[str, Any]:
    """Asks for its tone."""
    chosen = interrupt({"question": f"What tone suits {state['topic']}?", "options": ["plain", "festive"]})
    return {"notes": [f"Its tone is {chosen}."]}


def figures(state: Report) -> dict[str, Any]:
    """Asks for the figures, beside the tone."""
    given = interrupt(f"Which figures belong into a report on {state['topic']}?")
    return {"notes": [f"Its figures: {given}."]}


def publish(state: Report) -> dict[str, Any]:
    """Asks whether it may go out, as a call that policy has a word in."""
    request = {"name": "publish", "args": {"text": " ".join(state["notes"])}, "description": "The report goes out."}
    review = {"action_name": "publish", "allowed_decisions": ["approve", "reject"]}
    (decision,) = interrupt({"action_requests": [request], "review_configs": [review]})["decisions"]
    return {"notes": ["Published." if decision["type"] == "approve" else "Kept back."]}


graph = (
    StateGraph(Report)
    .add_node(plan)
    .add_node(tone)
    .add_node(figures)
    .add_node(publish)
    .add_edge(START, "plan")
    .add_edge("plan", "tone")
    .add_edge("plan", "figures")
    .add_edge(["tone", "figures"], "publish")
    .compile()
)
