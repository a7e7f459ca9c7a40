"""What a conversation holds is accepted by the provider in the next turn, whatever became of the calls before."""

from __future__ import annotations

import json
from typing import Any

import pytest

from placet.contracts.runs import SettleReason
from placet_testing.conversations import Begun
from placet_testing.providers.anthropic_messages import AnthropicMessages
from placet_testing.providers.chat_completions import ChatCompletions
from placet_testing.providers.responses import Responses
from placet_testing.providers.server import Call, Json, ModelServer

REFUND = Call("refund", '{"order_id": 7}', "call_a")
FIND = Call("find_orders", "{}", "call_b")


async def test_thinking_and_parallel_calls_come_back_as_they_were_said(provider: ModelServer, converse: Begun) -> None:
    provider.says("Let me look.", REFUND, FIND, thinks=True)
    provider.says("", Call("find_orders", '{"customer": "Ito"}', "call_c"), thinks=True)
    provider.says("Done.", thinks=True)
    one = converse("desk")
    assert await one.to_the_end() == "Done."
    provider.says("You are welcome.")
    assert await one.to_the_end("Thanks!") == "You are welcome."
    assert provider.refused == []
    assert len(provider.requests) == 4
    assert "[7,9]" in json.dumps(provider.requests[1])
    assert "refunded 1.0 on 7" in json.dumps(provider.requests[1])


async def test_each_result_stands_under_the_providers_own_id(provider: ModelServer, converse: Begun) -> None:
    provider.says("", FIND, REFUND)
    provider.says("Done.")
    one = converse("desk")
    await one.to_the_end()
    told = [message["data"] for message in await one.messages() if message["type"] == "tool"]
    assert [(message["tool_call_id"], message["content"]) for message in told] == [
        ("call_b", "[7,9]"),
        ("call_a", "refunded 1.0 on 7"),
    ]
    sent = json.dumps(provider.requests[1])
    assert "call_a" in sent
    assert "call_b" in sent


@pytest.mark.parametrize("reason", ["denied", "rejected", "expired", "cancelled", "uncertain"])
async def test_a_call_that_did_not_run_has_its_result(
    provider: ModelServer, converse: Begun, reason: SettleReason
) -> None:
    provider.says("", REFUND, FIND, thinks=True)
    provider.says("I see.")
    one = converse("desk")
    await one.begin()
    await one.ask()
    await one.settle({0: reason})
    assert (await one.ask()).calls == ()
    assert provider.refused == []


WRITES_ARGUMENTS = pytest.mark.parametrize(
    "provider", ["chat completions", "responses", "stateless responses"], indirect=True
)
"""Providers that hand on what the model has written; the others have read it."""
UNREADABLE = ["{not json", '{"order_id": 7', "'7'", "[1]", "7", '"text"']


@WRITES_ARGUMENTS
@pytest.mark.parametrize("arguments", UNREADABLE)
async def test_arguments_that_are_no_object_go_back_to_the_model_as_an_error(
    provider: ModelServer, converse: Begun, arguments: str
) -> None:
    """Nothing of the call runs, the run goes on, and the provider takes the transcript."""
    provider.says("", FIND, Call("refund", arguments, "call_x"), thinks=True)
    provider.says("Sorry.")
    one = converse("desk")
    assert await one.to_the_end() == "Sorry."
    assert provider.refused == []
    assert len(provider.requests) == 2
    assert "JSON" in json.dumps(provider.requests[1])


@WRITES_ARGUMENTS
async def test_a_model_that_never_writes_an_object_fails_the_attempt(provider: ModelServer, converse: Begun) -> None:
    for _ in range(9):
        provider.says("", Call("refund", "[1]", "call_x"))
    one = converse("desk")
    await one.begin()
    with pytest.raises(Exception, match="model call failed"):
        await one.ask()
    assert len(provider.requests) == 3


async def test_two_calls_of_one_id_are_told_apart(provider: ModelServer, converse: Begun) -> None:
    same = [Call("refund", f'{{"order_id": {order}}}', "call_0") for order in (7, 9)]
    provider.says("", *same)
    provider.says("", same[0])
    provider.says("Done.")
    one = converse("desk")
    assert await one.to_the_end() == "Done."
    assert provider.refused == []
    results = [message["data"]["content"] for message in await one.messages() if message["type"] == "tool"]
    assert results == ["refunded 1.0 on 7", "refunded 1.0 on 9", "refunded 1.0 on 7"]
    sent = json.dumps(provider.requests[-1])
    assert sent.count("refunded 1.0 on 7") == 2


async def test_a_call_without_an_id_does_not_run_and_is_answered(provider: ModelServer, converse: Begun) -> None:
    provider.says("", Call("refund", '{"order_id": 7}', None), FIND)
    provider.says("Sorry.")
    one = converse("desk")
    assert await one.to_the_end() == "Sorry."
    assert provider.refused == []
    assert "no id" in json.dumps(provider.requests[1])
    assert "refunded" not in json.dumps(provider.requests[1])


async def test_an_id_that_no_provider_takes_is_no_end_of_the_thread(provider: ModelServer, converse: Begun) -> None:
    provider.says("", Call("find_orders", "{}", "functions.find_orders:0"))
    provider.says("Done.")
    assert await converse("desk").to_the_end() == "Done."
    assert provider.refused == []


@pytest.mark.parametrize("thinks", [True, False])
async def test_an_answer_that_says_nothing_does_not_poison_its_thread(
    provider: ModelServer, converse: Begun, *, thinks: bool
) -> None:
    provider.says("", thinks=thinks, cut=True)
    one = converse("desk")
    assert await one.to_the_end() == ""
    provider.says("Here I am.")
    assert await one.to_the_end("Are you there?") == "Here I am."
    assert provider.refused == []


async def test_a_run_knows_of_an_answer_that_was_cut(provider: ModelServer, converse: Begun) -> None:
    provider.says("Once upon a", cut=True)
    provider.says("The end.")
    one = converse("desk")
    assert await one.to_the_end() == "Once upon a"
    assert one.answer is not None
    assert one.answer.cut in {"length", "incomplete", "max_tokens"}
    assert await one.to_the_end("And?") == "The end."
    assert one.answer.cut is None


async def test_a_refusal_is_the_output_and_no_end_of_the_thread(provider: ModelServer, converse: Begun) -> None:
    text = "I cannot help with that."
    provider.says(text if isinstance(provider, AnthropicMessages) else "", refusal=text)
    one = converse("desk")
    assert await one.to_the_end() == text
    provider.says("Gladly.")
    assert await one.to_the_end("Something else, then?") == "Gladly."
    assert provider.refused == []


async def test_the_call_at_which_an_answer_was_cut_does_not_run(provider: ModelServer, converse: Begun) -> None:
    cut = "{}" if isinstance(provider, AnthropicMessages) else '{"order_'
    provider.says("", FIND, Call("refund", cut, "call_x"), cut=True)
    provider.says("Sorry.")
    one = converse("desk")
    assert await one.to_the_end() == "Sorry."
    assert provider.refused == []
    told = [message["data"] for message in await one.messages() if message["type"] == "tool"]
    assert [message["status"] for message in told] == ["success", "error"]
    assert "cut at its length limit" in told[1]["content"]


async def test_integers_of_any_size_come_back_as_they_were(provider: ModelServer, converse: Begun) -> None:
    provider.says("", Call("refund", '{"order_id": 123456789012345678901234567890}', "call_a"))
    provider.says("Done.")
    one = converse("desk")
    await one.to_the_end()
    assert provider.refused == []
    assert json.dumps(provider.requests[1]).count("123456789012345678901234567890") >= 2


async def test_tokens_are_counted_with_their_details(provider: ModelServer, converse: Begun) -> None:
    provider.says("Done.")
    one = converse("desk")
    await one.to_the_end()
    (told,) = [event for event in await one.ledger.events_after(None) if event.type == "turn.completed"]
    assert told.data["usage"] == {
        "input_tokens": 70,
        "output_tokens": 30,
        "total_tokens": 100,
        "cache_read_input_tokens": 40,
        "reasoning_output_tokens": 20,
    }


@pytest.mark.parametrize("provider", ["responses", "stateless responses"], indirect=True)
async def test_a_provider_gets_its_own_ids_back(provider: ModelServer, converse: Begun) -> None:
    provider.says("Let me look.", FIND, thinks=True)
    provider.says("Done.")
    one = converse("desk")
    await one.to_the_end()
    sent = provider.requests[1]
    message = [] if sent.get("store") is False else ["msg_1"]
    assert [item["id"] for item in sent["input"] if "id" in item] == ["rs_1", *message, "fc_1_0"]
    stored = [message["data"] for message in await one.messages() if message["type"] == "ai"]
    assert all(len(message["id"]) == 32 for message in stored), "the row's own"


@pytest.mark.parametrize("provider", ["responses, as older versions kept them"], indirect=True)
async def test_a_client_that_keeps_the_providers_id_on_the_message_finds_it_there(
    provider: ModelServer, converse: Begun
) -> None:
    provider.says("Let me look.", FIND, thinks=True)
    provider.says("Done.")
    await converse("desk").to_the_end()
    assert provider.refused == []
    assert [item["id"] for item in provider.requests[1]["input"] if "id" in item] == ["rs_1", "msg_1", "fc_1_0"]


def shapes(request: Json) -> list[Any]:
    return request.get("messages") or request["input"]


async def test_the_prompt_comes_first_in_every_turn(provider: ModelServer, converse: Begun) -> None:
    provider.says("", FIND)
    provider.says("Done.")
    await converse("desk").to_the_end()
    for request in provider.requests:
        if isinstance(provider, ChatCompletions | Responses):
            assert shapes(request)[0]["role"] in {"system", "developer"}
        else:
            assert request["system"] == "Be kind."
