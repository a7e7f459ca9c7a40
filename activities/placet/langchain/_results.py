"""The result of a tool as its row keeps it, and as the graph gets it back."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, cast

from langchain_core.messages import ToolMessage, message_to_dict, messages_from_dict
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Command
from pydantic_core import to_jsonable_python

from placet.agents import PermittedCall
from placet.ledger import MessageDict

Result = ToolMessage | Command[Any] | Sequence[ToolMessage | Command[Any]]
"""What a tool gives to its graph: a message, a command that changes the state, or several of them."""

_WHOLE: Final = "whole"
"""The field of a row that holds a result which is more than its message, as LangGraph's checkpoints would."""
_SERDE: Final = JsonPlusSerializer()


class CallFailedError(Exception):
    """A tool raised, and the worker died before the graph could hear of it."""


def to_row(call: PermittedCall, result: Result) -> tuple[MessageDict, bool]:
    """Returns a result as a row keeps it, and whether the model reads it as an error."""
    messages = list(messages_in(result))
    said = messages[-1] if messages else ToolMessage("", tool_call_id=call.call_id, name=call.tool)
    message = cast("MessageDict", to_jsonable_python(message_to_dict(said), bytes_mode="base64", fallback=str))
    if not isinstance(result, ToolMessage) or result.artifact is not None:
        kind, data = _SERDE.dumps_typed(result)
        message = {**message, _WHOLE: [kind, base64.b64encode(data).decode()]}
    return message, said.status == "error"


def from_row(message: MessageDict | None, message_id: str | None = None) -> Result:
    """Returns the result that a row keeps.

    Raises:
        CallFailedError: The tool raised.
    """
    stored = message or {}
    if stored.get("raised"):
        raise CallFailedError(stored["data"]["content"])
    if _WHOLE in stored:
        kind, data = stored[_WHOLE]
        return cast("Result", _SERDE.loads_typed((kind, base64.b64decode(data))))
    (said,) = messages_from_dict([stored])
    return with_id(cast("ToolMessage", said), message_id)


def failure(call: PermittedCall, error: Exception) -> MessageDict:
    """Returns what a row keeps of a tool that raised."""
    text = f"{type(error).__name__}: {error}"
    said = ToolMessage(text, tool_call_id=call.call_id, name=call.tool, status="error")
    return {**message_to_dict(said), "raised": True}


def with_id(result: Result, message_id: str | None) -> Result:
    """Returns a result whose message has the id of its row, so that a transcript keeps it once."""
    if isinstance(result, ToolMessage) and result.id is None and message_id is not None:
        return result.model_copy(update={"id": message_id})
    return result


def messages_in(result: Result) -> Iterator[ToolMessage]:
    """Yields the messages of a result."""
    for one in _each(result):
        if isinstance(one, ToolMessage):
            yield one
        else:
            yield from (message for message in _updated(one) if isinstance(message, ToolMessage))


def mapped(result: Result, change: Callable[[ToolMessage], ToolMessage]) -> Result:
    """Returns a result with each of its messages changed."""
    if isinstance(result, ToolMessage):
        return change(result)
    if not isinstance(result, Command):
        return [cast("ToolMessage", mapped(one, change)) for one in result]
    messages = _updated(result)
    if not messages:
        return result
    changed = [change(one) if isinstance(one, ToolMessage) else one for one in messages]
    update: dict[str, Any] = {**cast("dict[str, Any]", result.update), "messages": changed}
    return replace(result, update=update)


def _each(result: Result) -> Sequence[ToolMessage | Command[Any]]:
    return [result] if isinstance(result, ToolMessage | Command) else result


def _updated(command: Command[Any]) -> list[object]:
    """Returns the messages that a command adds to the state."""
    update: object = command.update
    found: object = cast("dict[str, Any]", update).get("messages") if isinstance(update, dict) else None
    return cast("list[object]", found) if isinstance(found, list) else []
