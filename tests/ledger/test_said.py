"""Messages are kept without what is empty, and read as they were written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    message_to_dict,
    messages_from_dict,
)

from placet.ledger._said import BARE, bare, whole

CALL: dict[str, Any] = {"name": "find", "args": {}, "id": "c", "type": "tool_call"}
MESSAGES: tuple[BaseMessage, ...] = (
    HumanMessage("Refund order 7.", id="m1"),
    SystemMessage("You are a clerk."),
    AIMessage(
        "", id="m2", tool_calls=[CALL], usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    ),
    AIMessage("Done.", response_metadata={"model": "m", "additional_kwargs": {}}),
    AIMessage([{"type": "text", "text": "Done.", "artifact": None}], additional_kwargs={"refusal": None}),
    ToolMessage("found", tool_call_id="c", name="find", id="m3"),
    ToolMessage("failed", tool_call_id="c", name="find", status="error", artifact={"type": "tool"}),
)


def through(message: object) -> Any:
    """Returns a message as it comes back from its row."""
    return whole(json.loads(json.dumps(bare(message, "m1"))), "m1")


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: str(message.content)[:12])
def test_a_message_is_read_to_the_letter_and_takes_less(message: BaseMessage) -> None:
    written = message_to_dict(message)
    assert json.dumps(through(written)) == json.dumps(written)
    assert len(json.dumps(bare(written, "m1"))) < len(json.dumps(written)) - 40


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: str(message.content)[:12])
def test_a_process_of_an_older_version_reads_it_as_the_same_message(message: BaseMessage) -> None:
    (old,) = messages_from_dict([json.loads(json.dumps(bare(message_to_dict(message), "m9")))])
    assert old == message


@pytest.mark.parametrize(
    "strange",
    [
        {"type": "tool", "data": {"content": "x"}},
        {"type": "tool", "data": {"status": "success", "content": "x"}},
        {"type": "ai", "data": {**message_to_dict(MESSAGES[3])["data"], "name": False}},
        {"type": "ai", "data": dict(reversed(message_to_dict(MESSAGES[3])["data"].items()))},
        {"type": "ai", "data": {**message_to_dict(MESSAGES[3])["data"], "later": None}},
        {"type": "chat", "data": message_to_dict(MESSAGES[3])["data"]},
        {"type": "chat", BARE: True, "data": {}},
        {"type": "ai", BARE: True, "data": "x"},
        {"type": "ai", "data": None},
        ["ai"],
        None,
    ],
    ids=str,
)
def test_what_is_no_message_of_langchains_is_read_to_the_letter_too(strange: object) -> None:
    assert json.dumps(through(strange)) == json.dumps(strange)


def test_two_messages_that_were_read_share_nothing() -> None:
    one, other = (through(message_to_dict(MESSAGES[5])) for _ in range(2))
    one["data"]["additional_kwargs"]["x"] = 1
    assert other["data"]["additional_kwargs"] == {}


def test_the_id_of_its_row_is_not_kept_twice() -> None:
    written = message_to_dict(MESSAGES[0])
    assert '"m1"' not in json.dumps(bare(written, "m1"))
    assert '"m1"' in json.dumps(bare(written, "m2"))
    assert whole(bare(written, "m2"), "m2") == written
