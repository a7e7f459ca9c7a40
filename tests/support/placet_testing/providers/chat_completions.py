"""OpenAI's chat completions, with what servers behind the same protocol are stricter about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from placet_testing.providers.server import Answer, Json, ModelServer, is_object, kind_of, parts, strangers

_PARTS = {"text": "text", "image_url": "image_url", "file": "file", "input_audio": "input_audio"}


class ChatCompletions(ModelServer):
    """POST `/v1/chat/completions`."""

    model: ClassVar[str] = "openai:gpt-5-mini"

    def environment(self) -> dict[str, str]:
        """Returns what leads `langchain-openai` here."""
        return {"OPENAI_API_KEY": "sk-for-this-test", "OPENAI_BASE_URL": f"{self.url}/v1"}

    def problems(self, request: Json) -> list[str]:
        """Returns what is wrong with the messages."""
        return list(_problems(request["messages"]))

    def body(self, answer: Answer) -> Json:
        """Returns a completion."""
        message: Json = {"role": "assistant", "content": answer.text or None, "refusal": answer.refusal}
        if answer.calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in answer.calls
            ]
        reason = "length" if answer.cut else "tool_calls" if answer.calls else "stop"
        return {
            "id": f"chatcmpl-{self.count}",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-5-mini",
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": {
                "prompt_tokens": 70,
                "completion_tokens": 30,
                "total_tokens": 100,
                "prompt_tokens_details": {"cached_tokens": 40},
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
        }

    def error(self, status: int, message: str) -> Json:
        """Returns an error."""
        del status
        return {"error": {"message": message, "type": "invalid_request_error", "code": None, "param": None}}


def _problems(messages: list[Json]) -> Iterator[str]:
    waiting: list[str] = []
    for place, message in enumerate(messages):
        where = f"messages.{place}"
        role = message["role"]
        if role == "tool":
            yield from strangers(where, message, "role", "content", "tool_call_id")
            if message["tool_call_id"] not in waiting:
                yield f"{where}: a tool message must answer a call of the assistant message before it"
            else:
                waiting.remove(message["tool_call_id"])
            yield from _content(where, message["content"], "text")
            continue
        if waiting:
            yield f"{where}: these tool_call_ids have no response: {waiting}"
        waiting = []
        if role == "assistant":
            yield from strangers(where, message, "role", "content", "tool_calls", "refusal", "name", "audio")
            yield from _calls(where, message)
            waiting = [call["id"] for call in message.get("tool_calls", [])]
        else:
            yield from strangers(where, message, "role", "content", "name")
            yield from _content(where, message["content"], *_PARTS)
    if waiting:
        yield f"the end: these tool_call_ids have no response: {waiting}"


def _calls(where: str, message: Mapping[str, Any]) -> Iterator[str]:
    calls: list[Json] = message.get("tool_calls", [])
    if not calls and not message["content"]:
        yield f"{where}: an assistant message has content or calls"
    if not all(calls) or len({call["id"] for call in calls}) != len(calls):
        yield f"{where}: two calls have one id"
    for call in calls:
        if not call["id"]:
            yield f"{where}: a call has no id"
        if not is_object(call["function"]["arguments"]):
            yield f"{where}: the arguments are no object of JSON: {call['function']['arguments']}"


def _content(where: str, content: object, *kinds: str) -> Iterator[str]:
    if isinstance(content, str):
        return
    if not parts(content):
        yield f"{where}: content is text or parts"
    for part in parts(content):
        if kind_of(part) not in kinds:
            yield f"{where}: expected {kinds}, got {part!r:.100}"
        else:
            yield from strangers(where, part, "type", _PARTS[part["type"]])
