"""The input of a run as LangChain messages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from placet.api.bodies import invalid_request

if TYPE_CHECKING:
    from pydantic import JsonValue

    from placet.ledger import MessageDict

TYPES: Final = frozenset({"human", "system", "ai"})
"""What a client may bring into a thread; results of tools come from tools only."""


async def input_messages(given: str | tuple[dict[str, JsonValue], ...]) -> list[MessageDict]:
    """Returns the messages, each as `{type, data}`.

    Raises:
        ProblemError: `invalid_request`: one is not a message, or there is nothing in them.
    """
    if isinstance(given, str):
        if not given.strip():
            raise invalid_request([{"pointer": "/input", "message": "is blank"}])
        return [{"type": "human", "data": {"content": given, "type": "human"}}]
    if not given:
        raise invalid_request([{"pointer": "/input", "message": "has no messages"}])
    # The first import of LangChain takes a second; other requests go on meanwhile.
    return await asyncio.to_thread(_read_all, given)


def _read_all(given: tuple[dict[str, JsonValue], ...]) -> list[MessageDict]:
    read: list[MessageDict] = []
    errors: list[dict[str, str]] = []
    for place, message in enumerate(given):
        try:
            read.append(_read(message))
        except ValueError as error:
            first = str(error).splitlines()[0]
            errors.append({"pointer": f"/input/{place}", "message": f"is not a message: {first}"})
    if errors:
        raise invalid_request(errors)
    return read


def _read(message: dict[str, Any]) -> MessageDict:
    """Returns one message as LangChain writes it.

    Raises:
        ValueError: It is none, or not one that a client may bring.
    """
    from langchain_core.messages import (  # noqa: PLC0415 - see input_messages
        convert_to_messages,
        message_to_dict,
        messages_from_dict,
    )

    try:
        stored = set(message) == {"type", "data"}
        found = messages_from_dict([message])[0] if stored else convert_to_messages([message])[0]
    except (KeyError, TypeError, AttributeError, NotImplementedError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(reason) from error
    if found.type not in TYPES or getattr(found, "tool_calls", None):
        reason = f"a run begins with messages of people, not with {found.type!r} messages that call tools"
        raise ValueError(reason)
    return message_to_dict(found)
