"""The messages of a graph's state."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, cast

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

MESSAGES: Final = "messages"
"""The key under which a graph's state holds the conversation."""
_MAY_HAVE_RUN: Final = (
    "This call may have run: the run that asked for it ended before anybody could say. Do not try it again."
)
_NOT_RUN: Final = "This call was not run: the run that asked for it ended before."


def messages_in(values: object) -> list[BaseMessage]:
    """Returns the messages of a state; none where it holds none under that name."""
    found: object = cast("Mapping[str, object]", values).get(MESSAGES) if isinstance(values, Mapping) else None
    listed = cast("list[object]", found) if isinstance(found, list) else []
    return [one for one in listed if isinstance(one, BaseMessage)]


def new_messages(before: object, after: object, given: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Returns the messages that one state has, an earlier one had not, and nobody has given it."""
    known = {message.id for message in (*messages_in(before), *given)}
    return [message for message in messages_in(after) if message.id not in known]


def left_open(messages: Sequence[BaseMessage], uncertain: Collection[str] = ()) -> list[BaseMessage]:
    """Returns a result for each call of the last answer that has none: providers refuse a conversation without.

    Args:
        messages: The conversation.
        uncertain: The ids of calls that had started when their run ended.
    """
    answered = {message.tool_call_id for message in messages if isinstance(message, ToolMessage)}
    last = next((message for message in reversed(messages) if isinstance(message, AIMessage)), None)
    return [
        ToolMessage(
            _MAY_HAVE_RUN if call["id"] in uncertain else _NOT_RUN,
            tool_call_id=call["id"] or "",
            name=call["name"],
            status="error",
        )
        for call in (last.tool_calls if last else ())
        if call["id"] not in answered
    ]
