"""What a graph is given: messages where it takes them, its own object, or a text where it takes one."""

from __future__ import annotations

from typing import get_type_hints

from placet.graphs._loading import Graph
from placet.graphs._messages import MESSAGES, left_open, messages_in
from placet.graphs._shapes import Wanted
from placet.graphs.errors import GraphError


def input_of(graph: Graph, wanted: Wanted, values: object) -> object:
    """Returns the input of a run.

    Args:
        graph: What takes it.
        wanted: Says what somebody wrote.
        values: The state before: calls that were left open in it are closed.

    Raises:
        GraphError: The graph takes neither messages nor a text.
    """
    if wanted.given is not None:
        return dict(wanted.given)
    fields = fields_of(graph)
    if MESSAGES in fields:
        return {MESSAGES: [*left_open(messages_in(values), wanted.uncertain), *wanted.messages]}
    text = wanted.messages[-1].text if wanted.messages else ""
    if not fields:
        return text
    for names in (list(fields), [name for name, kind in fields.items() if kind is str]):
        if len(names) == 1:
            return {names[0]: text}
    message = f"The graph takes an object with {', '.join(sorted(fields))}: send that as its input, not a text."
    raise GraphError(message)


def fields_of(graph: Graph) -> dict[str, object]:
    """Returns the keys of a graph's input with their types; none where it takes no object."""
    builder: object = getattr(graph, "builder", None)
    schema: object = getattr(builder, "input_schema", None)
    if not isinstance(schema, type):
        return {}
    try:
        return dict(get_type_hints(schema))
    except (NameError, TypeError):
        return dict[str, object](getattr(schema, "__annotations__", {}))
