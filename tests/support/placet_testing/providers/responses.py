"""OpenAI's Responses API: reasoning items that have to come back, and come before what they led to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from placet_testing.providers.server import Answer, Json, ModelServer, kind_of, parts, strangers

_NEVER: tuple[Json, list[str]] = ({}, [])
_FIELDS = {
    "message": ("type", "role", "content", "id", "status", "phase"),
    "reasoning": ("type", "id", "summary", "encrypted_content", "content", "status"),
    "function_call": ("type", "id", "call_id", "name", "arguments", "status"),
    "function_call_output": ("type", "call_id", "output", "id", "status"),
}
_PARTS = {
    "input_text": ("type", "text"),
    "input_image": ("type", "image_url", "file_id", "detail"),
    "input_file": ("type", "file_data", "file_id", "file_url", "filename"),
    "output_text": ("type", "text", "annotations"),
    "refusal": ("type", "refusal"),
}


@dataclass
class Responses(ModelServer):
    """POST `/v1/responses`.

    Attributes:
        said: Each item that it has said, by id, and the ids of the items of its answer.
    """

    model: ClassVar[str] = "openai:gpt-5-codex"
    said: dict[str, tuple[Json, list[str]]] = field(default_factory=dict[str, tuple[Json, list[str]]])

    def environment(self) -> dict[str, str]:
        """Returns what leads `langchain-openai` here."""
        return {"OPENAI_API_KEY": "sk-for-this-test", "OPENAI_BASE_URL": f"{self.url}/v1"}

    def problems(self, request: Json) -> list[str]:
        """Returns what is wrong with the items."""
        items = request["input"]
        stateless = request.get("store") is False
        found = [*_shapes(items), *_calls(items), *self._reasoning(items, stateless=stateless)]
        if stateless:
            found += [f"{one['id']}: items are not persisted" for one in items if "id" in one and _is_message(one)]
        return found

    def _reasoning(self, items: list[Json], *, stateless: bool) -> Iterator[str]:
        for place, item in enumerate(items):
            if item["type"] != "reasoning":
                continue
            said, answer = self.said.get(item.get("id", ""), _NEVER)
            for name in ("summary", "encrypted_content"):
                if item.get(name) != said.get(name):
                    yield f"{item.get('id')}.{name} is not what it was"
            if stateless and not item.get("encrypted_content"):
                yield f"{item.get('id')}: not found, and it has no encrypted content"
            after = items[place + 1] if place + 1 < len(items) else {}
            follower = answer[answer.index(item["id"]) + 1 :][:1] if answer else []
            is_it = after.get("id") in follower or (stateless and after.get("role") == "assistant")
            if not is_it:
                yield f"{item.get('id')} of type 'reasoning' was provided without its required following item"

    def body(self, answer: Answer) -> Json:
        """Returns a response."""
        output = list(self._output(answer))
        ids = [item["id"] for item in output]
        self.said |= {item["id"]: (item, ids) for item in output}
        return {
            "id": f"resp_{self.count}",
            "object": "response",
            "created_at": 1,
            "model": "gpt-5-codex",
            "status": "incomplete" if answer.cut else "completed",
            "incomplete_details": {"reason": "max_output_tokens"} if answer.cut else None,
            "error": None,
            "instructions": None,
            "metadata": {},
            "parallel_tool_calls": True,
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "output": output,
            "usage": {
                "input_tokens": 70,
                "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 0},
                "output_tokens": 30,
                "output_tokens_details": {"reasoning_tokens": 20},
                "total_tokens": 100,
            },
        }

    def _output(self, answer: Answer) -> Iterator[Json]:
        mark, status = self.count, "completed"
        if answer.thinks:
            summary = [{"type": "summary_text", "text": "It may be lost."}]
            yield {"id": f"rs_{mark}", "type": "reasoning", "summary": summary, "encrypted_content": f"gAAAA{mark}=="}
        content: Json | None = None
        if answer.refusal:
            content = {"type": "refusal", "refusal": answer.refusal}
        elif answer.text:
            content = {"type": "output_text", "text": answer.text, "annotations": []}
        if content:
            yield {"id": f"msg_{mark}", "type": "message", "role": "assistant", "status": status, "content": [content]}
        for place, call in enumerate(answer.calls):
            yield {
                "id": f"fc_{mark}_{place}",
                "type": "function_call",
                "call_id": call.id,
                "name": call.name,
                "arguments": call.arguments,
                "status": status,
            }

    def error(self, status: int, message: str) -> Json:
        """Returns an error."""
        del status
        return {"error": {"message": message, "type": "invalid_request_error", "code": None, "param": None}}


def _is_message(item: Json) -> bool:
    return item["type"] == "message"


def _shapes(items: list[Json]) -> Iterator[str]:
    for place, item in enumerate(items):
        where = f"input.{place}"
        yield from strangers(where, item, *_FIELDS.get(item["type"], ("type",)))
        content: Any = item["output"] if item["type"] == "function_call_output" else item.get("content")
        wanted = "output_" if item.get("role") == "assistant" else "input_"
        for part in parts(content):
            kind = kind_of(part)
            if kind not in _PARTS or not (kind.startswith(wanted) or kind == "refusal"):
                yield f"{where}: no part of this message: {part!r:.100}"
            else:
                yield from strangers(where, part, *_PARTS[kind])


def _calls(items: list[Json]) -> Iterator[str]:
    calls = [one["call_id"] for one in items if one["type"] == "function_call"]
    outputs = [one["call_id"] for one in items if one["type"] == "function_call_output"]
    if len(set(calls)) != len(calls) or not all(calls):
        yield f"two calls have one id, or one has none: {calls}"
    if calls != outputs:
        yield f"no tool output found for function calls: {calls} and {outputs}"
