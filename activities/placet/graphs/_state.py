"""The state of a graph as readers see it: JSON, without the conversation, and bounded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from placet.contracts.canonical import canonical_text
from placet.graphs._loading import Graph
from placet.graphs._messages import MESSAGES, messages_in
from placet.graphs._shown import plain
from placet.ledger import GraphState

LARGEST: Final = 256 * 1024
"""Bytes of a state that are shown; what is longest is left out before anything else."""


def shown_state(graph: Graph, values: object, output: object) -> GraphState:
    """Returns what a graph gives away of its state: the keys of its output, but for messages, which have their rows.

    Args:
        graph: Says which keys are its output; the others are its own.
        values: Its state.
        output: What it gave last, where its state has no keys.
    """
    shown = {name: plain(value) for name, value in _given_away(graph, values, output).items()}
    sizes = {name: len(canonical_text(value).encode()) for name, value in shown.items()}
    left_out: list[str] = []
    for name in sorted(shown, key=lambda one: sizes[one], reverse=True):
        if sum(sizes.values()) <= LARGEST:
            break
        left_out.append(name)
        del shown[name], sizes[name]
    return GraphState(shown, tuple(left_out))


def _given_away(graph: Graph, values: object, output: object) -> dict[str, object]:
    names = graph.output_channels
    source = output if isinstance(names, str) else values
    if not isinstance(source, Mapping):
        return {}
    members = cast("Mapping[object, object]", source)
    conversation = messages_in(members) or members.get(MESSAGES) == []
    return {
        name: value
        for name, value in members.items()
        if isinstance(name, str)
        and not (conversation and name == MESSAGES)
        and (isinstance(names, str) or name in names)
    }
