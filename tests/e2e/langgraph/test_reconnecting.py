"""A stream that is cut without an end goes on behind the last event that came: nothing missing, nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from langgraph_sdk import get_sync_client

from placet_testing.chatting import APPROVE, Chat, a_text, actions_of, call, contents, interrupt_of, script
from placet_testing.faults.wires import Wire
from placet_testing.gateway import key_of
from placet_testing.node_packages import ran

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def wire(chat: Chat) -> Iterator[Wire]:
    """Leads to a gateway."""
    target = urlsplit(chat.url())
    made = Wire(target.hostname or "", target.port or 0)
    yield made
    made.close()


def cut_while_held(chat: Chat, wire: Wire, text: str) -> None:
    """Cuts every connection while a tool is held, and lets the tool go only then."""
    chat.deployment.held(text, "before")
    wire.cut()
    wire.mend()
    chat.deployment.let_go(text)


def told_once(events: list[Any]) -> None:
    """Asserts that the events are those of a stream of two calls that nothing has cut."""
    names = [name for name, _ in events]
    assert names[0] == "metadata"
    assert names[-1] == "end"
    assert set(names[1:-1]) == {"updates", "values"}
    updates = [said for name, said in events if name == "updates"]
    assert len(updates) == len(set(updates)) == 5, "two answers, two results, a last answer"
    states = [said for name, said in events if name == "values"]
    assert states == sorted(set(states)), "no state comes again"
    assert states[-1] == 6


def test_the_python_sdk_goes_on_by_itself(chat: Chat, wire: Wire) -> None:
    text, thread = a_text(), chat.thread()
    events: list[Any] = []
    turns = ([call(text, "note", hold="before")], [call(text, "note")])
    with (
        ThreadPoolExecutor(1) as pool,
        get_sync_client(url=f"http://{wire.address}/langgraph", api_key=key_of("bot")) as client,
    ):
        cutting = pool.submit(cut_while_held, chat, wire, text)
        stream: Any = client.runs.stream(thread, "desk", input=script(*turns), stream_mode=["values", "updates"])
        for part in stream:
            said = part.data
            if part.event == "updates":
                (message,) = next(iter(said.values()))["messages"]
                said = message["id"]
            elif part.event == "values":
                said = len(said["messages"])
            events.append((part.event, said))
        cutting.result()
    told_once(events)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("sdk-1-8-10", marks=pytest.mark.repeated),
        pytest.param("sdk-1-9-28", marks=pytest.mark.repeated),
        "sdk-1-15-0",
        pytest.param("sdk-2-0-0", marks=pytest.mark.repeated),
    ],
)
def test_the_javascript_sdk_goes_on_by_itself_or_from_the_last_id(
    chat: Chat, wire: Wire, langgraph_programs: Path, line: str
) -> None:
    text = a_text()
    with ThreadPoolExecutor(1) as pool:
        cutting = pool.submit(cut_while_held, chat, wire, text)
        url = f"http://{wire.address}/langgraph"
        report = ran(langgraph_programs, "reconnect.mjs", line, url, key_of("bot"), text)
        cutting.result()
    told_once(report["events"])


def gateways_die(chat: Chat, text: str) -> None:
    """Kills every gateway with -9 while a tool is held, and starts them again at their places.

    They live no longer than the thread that starts them: so it is that of the test.
    """
    chat.deployment.held(text, "before")
    for port in chat.deployment.kill_gateways():
        chat.deployment.start_gateway(port)
    chat.deployment.let_go(text)


@pytest.mark.repeated
@pytest.mark.parametrize("line", ["sdk-1-8-10", "sdk-1-9-28", "sdk-1-15-0", "sdk-2-0-0"])
def test_a_client_goes_on_through_gateways_that_were_killed(chat: Chat, langgraph_programs: Path, line: str) -> None:
    text = a_text()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(ran, langgraph_programs, "reconnect.mjs", line, chat.url(), key_of("bot"), text)
        gateways_die(chat, text)
        report = running.result()
    told_once(report["events"])


PAGES = ["sdk-1-8-10", "sdk-1-9-28", "sdk-1-15-0", "sdk-2-0-0", "@langchain/react"]


@pytest.mark.repeated
@pytest.mark.parametrize("harm", ["cut", "killed"])
@pytest.mark.parametrize("line", PAGES)
def test_a_page_shows_the_end_of_a_run_whatever_broke(
    chat: Chat, wire: Wire, langgraph_programs: Path, line: str, harm: str
) -> None:
    text = a_text()
    url = f"http://{wire.address}/langgraph" if harm == "cut" else chat.url()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(ran, langgraph_programs, "held.mjs", line, url, key_of("bot"), text)
        if harm == "cut":
            cut_while_held(chat, wire, text)
        else:
            gateways_die(chat, text)
        report = running.result()
    assert report == {"shown": 4}
    assert len(chat.deployment.effects(text)) == 1


@pytest.mark.repeated
def test_who_follows_is_told_what_a_worker_that_was_killed_left_open(chat: Chat) -> None:
    text, thread = a_text(), chat.thread()

    def followed_to_its_end() -> list[Any]:
        return list(chat.client("bot").runs.stream(thread, "desk", input=script([call(text, "note", hold="before")])))

    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(followed_to_its_end)
        chat.deployment.held(text, "before")
        chat.deployment.kill_workers()
        chat.deployment.up(workers=1, gateways=2)
        parts = following.result()
    assert parts[-1].event == "end"
    (action,) = actions_of(interrupt_of(parts[-2].data))
    assert action["name"] == "note"
    assert action["questions"], "nobody knows whether it ran: a person is asked"


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
