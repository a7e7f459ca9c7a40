"""Messages as the ledger keeps them and as the model reads them."""

from __future__ import annotations

import uuid
from typing import Any, Final, cast

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage, message_to_dict
from pydantic_core import to_jsonable_python

from placet.contracts.runs import CallRef

PROVIDERS_ID: Final = "provider_message_id"
"""Where an answer's metadata keeps the id that the provider gave it; the message itself has its row's."""

_LANGCHAINS_IDS: Final = ("lc_", "run-")
"""Begin ids that LangChain makes up where a provider gives none."""

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


def answer_message(answer: AIMessage, message_id: str) -> MessageDict:
    """Returns what a model has said as its row keeps it, whatever the provider's client has put into it."""
    metadata = dict(answer.response_metadata)
    if answer.id and not answer.id.startswith(_LANGCHAINS_IDS):
        metadata[PROVIDERS_ID] = answer.id
    said = answer.content or _refusal_of(answer) or answer.content
    return stored_message(answer.model_copy(update={"id": message_id, "content": said, "response_metadata": metadata}))


def stored_message(message: BaseMessage) -> MessageDict:
    """Returns a message as JSON, whatever somebody's client or tool has put into it."""
    stored = message_to_dict(message)
    return cast("MessageDict", to_jsonable_python(stored, bytes_mode="base64", fallback=str, inf_nan_mode="constants"))


def _refusal_of(answer: AIMessage) -> str | None:
    """Returns why a model refuses to answer, where a client keeps that beside an empty answer."""
    said: object = answer.additional_kwargs.get("refusal")
    return said if isinstance(said, str) and said.strip() else None
