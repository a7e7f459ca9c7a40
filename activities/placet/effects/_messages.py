"""Messages as the ledger keeps them and as the model reads them."""

from __future__ import annotations

import uuid
from typing import Any, Final

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ToolMessage,
    message_to_dict,
    messages_from_dict,
)

from placet.contracts.runs import CallRef

RESULT_CAP: Final = 30_000
"""Characters of a tool's result that the model reads; the ledger keeps the whole."""

MessageDict = dict[str, Any]
"""A LangChain message as `{type, data}`."""


Content = str | list[str | dict[str, Any]]
"""What a message says: text, or LangChain content blocks."""


def new_id() -> str:
    """Returns a new message or turn id. A row that no workflow names is an orphan and harmless."""
    return uuid.uuid4().hex


def tool_message(call: CallRef, message_id: str, content: Content, *, failed: bool = False) -> MessageDict:
    """Returns the message that answers a call.

    Args:
        call: The call; its label (`call_id`) is what the provider matches.
        message_id: The row's id.
        content: Text or LangChain content blocks.
        failed: Whether the model shall read it as an error.
    """
    message = ToolMessage(
        content=content,
        tool_call_id=call.call_id,
        name=call.tool,
        id=message_id,
        status="error" if failed else "success",
    )
    return message_to_dict(message)


def for_the_model(stored: list[MessageDict]) -> list[BaseMessage]:
    """Returns stored messages as the model reads them: results over the cap are cut, and say so."""
    return [_cut(message) for message in messages_from_dict(stored)]


def text_of(message: AIMessage) -> str:
    """Returns what the model said, without calls, reasoning and other blocks."""
    return message.text


def _cut(message: BaseMessage) -> BaseMessage:
    if not isinstance(message, ToolMessage) or not isinstance(message.content, str):
        return message
    if len(message.content) <= RESULT_CAP:
        return message
    hidden = len(message.content) - RESULT_CAP
    text = f"{message.content[:RESULT_CAP]}\n[{hidden:,} more characters were cut here]"
    return message.model_copy(update={"content": text})
