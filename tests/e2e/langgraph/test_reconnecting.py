"""A stream that is cut without an end goes on behind the last event that came: nothing missing, nothing twice."""

from __future__ import annotations

from typing import Any

import pytest

from placet_testing.chatting import APPROVE, Chat, a_text, actions_of, call, contents, interrupt_of, script

pytestmark = pytest.mark.timeout(180)


def followed(chat: Chat, thread: str, run: str, user: str = "dana", gateway: int = 0, **more: Any) -> list[Any]:
    return list(chat.client(user, gateway).runs.join_stream(thread, run, **more))


def test_wherever_a_stream_was_cut_the_rest_of_it_comes_from_any_gateway(chat: Chat) -> None:
    thread, text = chat.thread(), a_text()
    modes = ["values", "updates", "messages-tuple"]
    turns = script([call(text, "note"), call(text)])
    whole = list(chat.client("bot").runs.stream(thread, "desk", input=turns, stream_mode=modes))
    run = whole[0].data["run_id"]
    for place, part in enumerate(whole[:-1]):
        rest = followed(chat, thread, run, "bot", place % 2, last_event_id=part.id)
        now = [(one.event, one.data) for one in rest]
        last = [(one.event, one.data) for one in whole[place + 1 :]]
        # States of before the end are gone: the last of them is the one that counts.
        final = [one.data for one in whole if one.event == "values"][-1]
        assert now == [one for one in last if one[0] != "values" or one[1] == final], place
    assert [one.event for one in followed(chat, thread, run, "bot", last_event_id="-1")] == [
        "metadata",
        "values",
        "end",
    ]


def test_who_comes_back_after_an_answer_is_not_told_what_came_of_it(chat: Chat) -> None:
    """It is another run: who asks for the first one gets its end."""
    thread, text = chat.thread(), a_text()
    (waits, end) = list(chat.client("bot").runs.stream(thread, "desk", input=script([call(text)], [call(text)])))[-2:]
    (run,) = chat.client("bot").runs.list(thread)
    first = interrupt_of(waits.data)
    second = interrupt_of(chat.resume(thread, {first["id"]: APPROVE}))
    again = followed(chat, thread, run["run_id"], "bot", last_event_id=waits.id)
    assert [one.event for one in again] == ["values", "end"]
    assert interrupt_of(again[0].data)["id"] == second["id"], "the state is that of the thread"
    assert actions_of(second)[0]["args"] == {"text": text}
    assert end.event == "end"


def test_a_thread_of_the_second_protocol_by_the_python_sdk(chat: Chat) -> None:
    text = a_text()
    given = script([call(text)], [call(text, "note")])
    with chat.client("max").threads.stream(assistant_id="desk") as stream:
        stream.run.start(input=given)
        chat.deployment.wait(lambda: stream.interrupts)
        (asked,) = stream.interrupts
        assert asked["value"]["action_requests"][0]["args"] == {"text": text}
        assert stream.interrupted
        thread = stream.thread_id
    with chat.client("dana").threads.stream(thread, assistant_id="desk") as stream:
        chat.deployment.wait(lambda: stream.interrupts)
        stream.run.respond(APPROVE)
        assert contents(stream.output)[-1] == f"Sent {text}. | Noted {text}."
    assert len(chat.deployment.effects(text)) == 2
