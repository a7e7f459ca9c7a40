"""Anthropic's messages: thinking that is signed, and results in the message right after their calls."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from placet_testing.providers.server import Answer, Json, ModelServer, parts, strangers

_TOP = "max_tokens messages metadata model stop_sequences stream system temperature thinking tool_choice tools top_k"
_FIELDS = {
    "text": ("type", "text"),
    "image": ("type", "source"),
    "document": ("type", "source", "title", "context"),
    "thinking": ("type", "thinking", "signature"),
    "redacted_thinking": ("type", "data"),
    "tool_use": ("type", "id", "name", "input"),
    "tool_result": ("type", "tool_use_id", "content", "is_error"),
}
_OF_A_RESULT = frozenset({"text", "image", "document"})
_OF_USERS = _OF_A_RESULT | {"tool_result"}
_THOUGHTS = frozenset({"thinking", "redacted_thinking"})
_ID = re.compile(r"[a-zA-Z0-9_-]+")


@dataclass
class AnthropicMessages(ModelServer):
    """POST `/v1/messages`.

    Attributes:
        thoughts: What it thought before a call, by the call's id.
    """

    model: ClassVar[str] = "anthropic:claude-sonnet-5-5"
    thoughts: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])

    def environment(self) -> dict[str, str]:
        """Returns what leads `langchain-anthropic` here."""
        return {"ANTHROPIC_API_KEY": "sk-ant-for-this-test", "ANTHROPIC_BASE_URL": self.url}

    def problems(self, request: Json) -> list[str]:
        """Returns what is wrong with the messages."""
        messages = request["messages"]
        found = strangers("", request, *_TOP.split())
        for place, message in enumerate(messages):
            where = f"messages.{place}"
            content = message["content"]
            blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
            if not blocks:
                found.append(f"{where}: all messages must have non-empty content")
            found += [problem for block in blocks for problem in _block(where, block, message["role"])]
            found += self._thinking(where, blocks)
        return found + list(_calls(messages))

    def _thinking(self, where: str, blocks: list[Json]) -> Iterator[str]:
        for call in [block for block in blocks if block["type"] == "tool_use"][:1]:
            expected = self.thoughts.get(call["id"], [])
            if blocks[: len(expected)] != expected:
                yield f"{where}: `thinking` blocks cannot be modified: {blocks[: len(expected)]!r:.200}"
        if blocks and blocks[-1]["type"] in _THOUGHTS:
            yield f"{where}: the final block in an assistant message cannot be `thinking`"

    def body(self, answer: Answer) -> Json:
        """Returns a message."""
        content = list(self._content(answer))
        for block in content:
            if block["type"] == "tool_use":
                self.thoughts[block["id"]] = [one for one in content if one["type"] in _THOUGHTS]
        reason = "tool_use" if answer.calls else "refusal" if answer.refusal else "end_turn"
        return {
            "id": f"msg_{self.count}",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-5-5",
            "content": content,
            "stop_reason": "max_tokens" if answer.cut else reason,
            "stop_sequence": None,
            "usage": {
                "input_tokens": 30,
                "cache_read_input_tokens": 40,
                "cache_creation_input_tokens": 0,
                "output_tokens": 30,
                "output_tokens_details": {"thinking_tokens": 20},
            },
        }

    def _content(self, answer: Answer) -> Iterator[Json]:
        if answer.thinks:
            yield {"type": "thinking", "thinking": "It may be lost.", "signature": f"EqQBCgIYAhIM{self.count}=="}
            yield {"type": "redacted_thinking", "data": f"EmwKAhgBEgy3{self.count}"}
        if answer.text:
            yield {"type": "text", "text": answer.text}
        for call in answer.calls:
            yield {"type": "tool_use", "id": call.id, "name": call.name, "input": json.loads(call.arguments)}

    def error(self, status: int, message: str) -> Json:
        """Returns an error."""
        kind = {400: "invalid_request_error", 429: "rate_limit_error", 529: "overloaded_error"}.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


def _block(where: str, block: Json, role: str) -> Iterator[str]:
    kind = block["type"]
    allowed = _OF_USERS if role == "user" else _FIELDS.keys() - _OF_USERS | {"text"}
    if kind not in allowed:
        yield f"{where}: {kind} is no block of a message of role {role}"
        return
    yield from strangers(where, block, *_FIELDS[kind])
    if kind == "text" and not block["text"].strip():
        yield f"{where}: text content blocks must be non-empty"
    if kind == "tool_use" and not isinstance(block["input"], dict):
        yield f"{where}: input should be a valid dictionary"
    if kind == "tool_use" and not _ID.fullmatch(block["id"] or ""):
        yield f"{where}: the id should match {_ID.pattern}: {block['id']}"
    if kind == "tool_result":
        kinds = {one["type"] for one in parts(block["content"])}
        if not kinds <= ({"text"} if block.get("is_error") else _OF_A_RESULT):
            yield f"{where}: a result may not hold {sorted(kinds)}"
        yield from (problem for one in parts(block["content"]) for problem in _block(where, one, "user"))


def _calls(messages: list[Json]) -> Iterator[str]:
    seen: set[str] = set()
    for place, message in enumerate(messages):
        asked = _ids(message, "tool_use", "id")
        if len(set(asked)) != len(asked) or seen & set(asked):
            yield f"messages.{place}: `tool_use` ids must be unique: {asked}"
        seen |= set(asked)
        after: Json = messages[place + 1] if place + 1 < len(messages) else {"content": []}
        if asked and _ids(after, "tool_result", "tool_use_id") != asked:
            yield f"messages.{place}: `tool_use` ids were found without `tool_result` blocks immediately after: {asked}"
        before: Json = messages[place - 1] if place else {"content": []}
        for answered in _ids(message, "tool_result", "tool_use_id"):
            if answered not in _ids(before, "tool_use", "id"):
                yield f"messages.{place}: unexpected `tool_use_id` in `tool_result`: {answered}"


def _ids(message: Json, kind: str, name: str) -> list[Any]:
    return [block[name] for block in parts(message["content"]) if block["type"] == kind]
