"""What a graph's state shows to readers."""

# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false
# LangGraph's builder is untyped here and there.

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from langchain_core.messages import AIMessage, HumanMessage
from langgraph.func import entrypoint
from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

from placet.graphs._loading import Graph
from placet.graphs._state import LARGEST, shown_state


class Given(TypedDict):
    """What the graph gives away."""

    messages: list[Any]
    topic: Any
    more: Any


class All(Given):
    """What it works on."""

    secret: str


@dataclass
class Place:
    """Something that a state may hold."""

    town: str


def keyed() -> Graph:
    builder = StateGraph(All, output_schema=Given).add_node("one", lambda state: state)
    return builder.add_edge(START, "one").compile()


def test_it_shows_the_keys_of_the_output_without_the_conversation() -> None:
    values = {"messages": [HumanMessage("hi")], "topic": Place("Ulm"), "more": 2**70, "secret": "s"}
    assert shown_state(keyed(), values, None).values == {"topic": {"town": "Ulm"}, "more": 2**70}


def test_messages_under_another_name_are_shown_and_so_are_messages_that_are_none() -> None:
    shown = shown_state(keyed(), {"messages": ["text"], "topic": AIMessage("yes", id="m"), "more": None}, None)
    said = cast("dict[str, Any]", shown.values["topic"])
    assert (said["type"], said["content"], said["id"]) == ("ai", "yes", "m")
    assert shown.values["messages"] == ["text"]


def test_what_is_too_long_is_left_out_and_named_and_the_rest_stays() -> None:
    shown = shown_state(keyed(), {"messages": [], "topic": "x" * LARGEST, "more": "short"}, None)
    assert (shown.values, shown.left_out) == ({"more": "short"}, ("topic",))


def test_a_value_that_is_no_json_is_shown_as_text() -> None:
    shown = shown_state(keyed(), {"topic": {1, 2}, "more": float("nan")}, None)
    assert shown.values == {"topic": [1, 2], "more": "nan"}


def test_an_entrypoint_shows_what_it_returned_where_that_has_keys() -> None:
    @entrypoint()
    def flow(text: str) -> dict[str, str]:
        return {"text": text}

    graph = cast("Graph", flow)
    assert shown_state(graph, "abc", {"text": "abc"}).values == {"text": "abc"}
    assert shown_state(graph, None, "abc").values == {}
