"""The transcript as a provider takes it, whatever its models and tools have said.

Providers refuse a conversation in which a call has no result, two calls have one id, arguments are no object of JSON or
an answer says nothing. One such message would fail every later run of its thread, so each is mended here, on the way
out; the ledger keeps what was said.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any, Final, cast

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    InvalidToolCall,
    ToolCall,
    ToolMessage,
    messages_from_dict,
)

from placet.effects._cap import capped
from placet.effects._messages import PROVIDERS_ID, Content, MessageDict
from placet.effects._shown import shown

MADE_ID: Final = "placet_"
"""Begins the ids that are given to calls which came without one, or with one that another call has."""

_CALL_BLOCKS: Final = {
    "custom_tool_call": "call_id",
    "function_call": "call_id",
    "invalid_tool_call": "id",
    "tool_call": "id",
    "tool_use": "id",
}
"""Content blocks that are calls, and where each kind has the call's id."""
_SILENT: Final = frozenset({"reasoning", "redacted_thinking", "thinking"})
"""Content blocks that say nothing; a provider refuses an answer that ends with one."""
_LOST: Final = "Nobody knows what became of this call."


def readable(stored: Sequence[MessageDict]) -> list[BaseMessage]:
    """Returns stored messages one by one as the model's client takes them: results over the cap are cut, and say so."""
    read = messages_from_dict([_sendable(message) for message in stored])
    return [_readable(message) for message in read]


def whole(read: Sequence[BaseMessage], kinds: frozenset[str] | None) -> list[BaseMessage]:
    """Returns a transcript in which each call has its result, and an id of its own.

    Args:
        read: The messages, each as a client takes it.
        kinds: The kinds of content blocks that the provider takes in a result; None: any.
    """
    return list(_Mending(kinds).messages(read))


def with_ids(answer: AIMessage, turn: int) -> AIMessage:
    """Returns the answer with an id for each call that came without one."""
    ids = [call["id"] or f"{MADE_ID}{turn}_{index}" for index, call in enumerate(_calls(answer))]
    return _renamed(answer, ids)


class _Mending:
    """Walks through a transcript and knows the ids that it has met."""

    def __init__(self, kinds: frozenset[str] | None) -> None:
        self._kinds = kinds
        self._used: set[str] = set()

    def messages(self, given: Sequence[BaseMessage]) -> Iterator[BaseMessage]:
        """Yields the messages: after each answer the results of its calls, and nowhere else."""
        place = 0
        while place < len(given):
            message = given[place]
            results = list(takewhile(lambda one: isinstance(one, ToolMessage), given[place + 1 :]))
            place += 1 + len(results)
            if isinstance(message, AIMessage):
                yield from self._turn(message, cast("list[ToolMessage]", results))
            elif not isinstance(message, ToolMessage):
                yield message

    def _turn(self, answer: AIMessage, results: list[ToolMessage]) -> Iterator[BaseMessage]:
        calls = _calls(answer)
        if not calls:
            if _says_something(answer):
                yield answer
            return
        ids = [self._unique(call["id"] or "") for call in calls]
        yield _renamed(answer, ids)
        waiting: defaultdict[str, deque[ToolMessage]] = defaultdict(deque)
        for result in results:
            waiting[result.tool_call_id].append(result)
        answers: list[ToolMessage] = []
        for call, call_id in zip(calls, ids, strict=True):
            found = waiting[call["id"] or ""]
            lost = ToolMessage(content=_LOST, name=call["name"], tool_call_id=call_id, status="error")
            answers.append((found.popleft() if found else lost).model_copy(update={"tool_call_id": call_id}))
        yield from shown(answers, self._kinds)

    def _unique(self, call_id: str) -> str:
        """Returns the id, or another one where an earlier call has it."""
        made, count = call_id, len(self._used)
        while not made or made in self._used:
            made, count = f"{MADE_ID}{count}", count + 1
        self._used.add(made)
        return made


def _calls(answer: AIMessage) -> list[ToolCall | InvalidToolCall]:
    return [*answer.tool_calls, *answer.invalid_tool_calls]


def _renamed(answer: AIMessage, ids: Sequence[str]) -> AIMessage:
    """Returns the answer with these ids for its calls, in its content as well."""
    old = [call["id"] or "" for call in _calls(answer)]
    if old == list(ids):
        return answer
    by_old: defaultdict[str, deque[str]] = defaultdict(deque)
    for before, after in zip(old, ids, strict=True):
        by_old[before].append(after)
    first_invalid = len(answer.tool_calls)
    calls = [ToolCall({**call, "id": new}) for call, new in zip(answer.tool_calls, ids, strict=False)]
    invalid = [
        InvalidToolCall({**call, "id": new})
        for call, new in zip(answer.invalid_tool_calls, ids[first_invalid:], strict=True)
    ]
    update: dict[str, Any] = {"tool_calls": calls, "invalid_tool_calls": invalid}
    if isinstance(answer.content, list):
        update["content"] = [_renamed_block(block, by_old) for block in cast("list[object]", answer.content)]
    return answer.model_copy(update=update)


def _renamed_block(block: object, by_old: defaultdict[str, deque[str]]) -> object:
    if not isinstance(block, dict):
        return block
    fields = cast("dict[str, Any]", block)
    key = _CALL_BLOCKS.get(str(fields.get("type")))
    waiting = by_old[fields.get(key) or ""] if key else None
    return {**fields, key: waiting.popleft()} if key and waiting else fields


def _sendable(message: MessageDict) -> MessageDict:
    """Returns a message without what no request can carry: halves of surrogate pairs, numbers that are none."""
    try:
        json.dumps(message, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        return cast("MessageDict", _mended(message))
    return message


def _mended(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list):
        return [_mended(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return {str(_mended(name)): _mended(member) for name, member in members.items()}
    return value


def _readable(message: BaseMessage) -> BaseMessage:
    """Returns a message with its result under the cap and with blocks only where there are blocks."""
    if isinstance(message, AIMessage):
        return _as_the_provider_said(message)
    content = cast("Content", message.content)
    if isinstance(message, ToolMessage):
        content = capped(content)
    if isinstance(content, list):
        # A bare text among blocks is LangChain's own; not every provider knows it.
        content = [{"type": "text", "text": block} if isinstance(block, str) else block for block in content]
    return message.model_copy(update={"content": content})


def _as_the_provider_said(message: AIMessage) -> AIMessage:
    """Returns an answer under the provider's id for it, with arguments that are an object of JSON for every call.

    The model has read the text that it wrote instead in the error that answers such a call.
    """
    invalid = [InvalidToolCall({**call, "args": "{}"}) for call in message.invalid_tool_calls]
    metadata = dict(message.response_metadata)
    message_id = metadata.pop(PROVIDERS_ID, message.id)
    return message.model_copy(
        update={"id": message_id, "invalid_tool_calls": invalid, "response_metadata": metadata},
    )


def _says_something(answer: AIMessage) -> bool:
    if isinstance(answer.content, str):
        return bool(answer.content.strip())
    return any(_block_says(block) for block in cast("list[object]", answer.content))


def _block_says(block: object) -> bool:
    if not isinstance(block, dict):
        return bool(str(block).strip())
    fields = cast("dict[str, Any]", block)
    if fields.get("type") == "text":
        return bool(str(fields.get("text") or "").strip())
    return fields.get("type") not in _SILENT
