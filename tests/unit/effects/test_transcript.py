"""Whatever a thread holds, what the provider is sent is a conversation that every provider takes."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    InvalidToolCall,
    ToolCall,
    ToolMessage,
    message_to_dict,
)

from placet.effects._transcript import readable, whole
from placet_testing.providers.server import parts

IDS = st.sampled_from(["", "call_0", "call_1", "placet_0", "placet_1"]) | st.none()
TEXTS = st.sampled_from(["", " ", "hello", "half \ud800"])
KINDS = st.sampled_from([None, frozenset({"text"}), frozenset({"text", "image", "file"})])


def a_call(call_id: str | None, amount: float) -> ToolCall:
    return ToolCall(name="pay", args={"amount": amount}, id=call_id, type="tool_call")


def a_broken_call(call_id: str | None, args: str | None) -> InvalidToolCall:
    return InvalidToolCall(name="pay", args=args, id=call_id, error="not JSON", type="invalid_tool_call")


def an_answer(content: Any, calls: list[ToolCall], broken: list[InvalidToolCall]) -> BaseMessage:
    return AIMessage(content=content, tool_calls=calls, invalid_tool_calls=broken)


def a_result(content: Any, call_id: str | None) -> BaseMessage:
    return ToolMessage(content=content, tool_call_id=call_id or "")


def a_person(content: Any) -> BaseMessage:
    return HumanMessage(content)


CALLS = st.builds(a_call, IDS, st.floats() | st.integers())
BROKEN = st.builds(a_broken_call, IDS, st.sampled_from([None, "", "{", "[1]"]))
BLOCKS: st.SearchStrategy[Any] = st.sampled_from(
    [
        "text",
        {"type": "text", "text": "hello"},
        {"type": "text", "text": ""},
        {"type": "thinking", "thinking": "well", "signature": "s"},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "tool_use", "id": "call_0", "name": "pay", "input": {}},
        {"type": "function_call", "call_id": "call_0", "name": "pay", "arguments": "{}"},
        {"type": "image", "base64": "AAAA", "mime_type": "image/png"},
        {"type": "audio", "base64": "AAAA", "mime_type": "audio/wav"},
    ]
)
CONTENT: st.SearchStrategy[Any] = TEXTS | st.lists(BLOCKS, max_size=3)
ANSWERS = st.builds(an_answer, CONTENT, st.lists(CALLS, max_size=3), st.lists(BROKEN, max_size=2))
MESSAGES = st.lists(ANSWERS | st.builds(a_result, CONTENT, IDS) | st.builds(a_person, CONTENT), max_size=8)


def calls_of(message: BaseMessage) -> list[Any]:
    return [*message.tool_calls, *message.invalid_tool_calls] if isinstance(message, AIMessage) else []


@given(messages=MESSAGES, kinds=KINDS)
def test_each_call_has_an_id_of_its_own_and_its_result_right_after_it(
    messages: list[BaseMessage], kinds: frozenset[str] | None
) -> None:
    sent = whole(readable([message_to_dict(message) for message in messages]), kinds)
    ids = [call["id"] for message in sent for call in calls_of(message)]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    assert len(ids) == sum(len(calls_of(message)) for message in messages), "no call gets lost"
    place = 0
    while place < len(sent):
        asked = [call["id"] for call in calls_of(sent[place])]
        after = sent[place + 1 : place + 1 + len(asked)]
        assert [message.tool_call_id for message in after if isinstance(message, ToolMessage)] == asked
        place += 1 + len(asked)
        assert place >= len(sent) or not isinstance(sent[place], ToolMessage)


@given(messages=MESSAGES, kinds=KINDS)
def test_it_can_be_written_in_json_and_stays_the_same_whatever_comes_after(
    messages: list[BaseMessage], kinds: frozenset[str] | None
) -> None:
    stored = [message_to_dict(message) for message in messages]
    before = json.dumps(stored)
    sent = whole(readable(stored), kinds)
    assert json.dumps(stored) == before, "what the ledger holds is not touched"
    for message in sent:
        json.dumps(message_to_dict(message), ensure_ascii=False, allow_nan=False).encode()
    longer = whole(readable([*stored, message_to_dict(HumanMessage("and now?"))]), kinds)
    assert longer == [*sent, longer[-1]], "a provider's cache is of use"


@given(messages=MESSAGES)
def test_a_result_holds_nothing_that_the_provider_does_not_take(messages: list[BaseMessage]) -> None:
    for message in whole(readable([message_to_dict(message) for message in messages]), frozenset({"text"})):
        if isinstance(message, ToolMessage) and isinstance(message.content, list):
            kinds = {block["type"] for block in parts(message.content)}
            assert kinds <= {"text"}
