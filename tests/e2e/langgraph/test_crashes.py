"""Clients of LangGraph go on where a gateway or a worker is killed in the middle."""

from __future__ import annotations

import pytest

from placet_testing.chatting import APPROVE, Chat, a_text, call, contents, script

pytestmark = pytest.mark.timeout(180)


@pytest.mark.repeated
def test_who_followed_a_run_through_a_gateway_that_was_killed_joins_it_again(chat: Chat) -> None:
    thread, text, deployment = chat.thread(), a_text(), chat.deployment
    stream = chat.client("bot").runs.stream(thread, "desk", input=script([call(text, "note", hold="before")]))
    run_id = next(stream).data["run_id"]
    deployment.held(text, "before")
    ports = deployment.kill_gateways()
    # Left to itself the SDK tries for a minute; a person reloads the page.
    stream.close()
    for port in ports:
        deployment.start_gateway(port)
    deployment.up(workers=1, gateways=2)
    assert chat.client("bot").runs.get(thread, run_id)["status"] == "running"
    deployment.let_go(text)
    parts = list(chat.client("bot").runs.join_stream(thread, run_id, stream_mode="values", last_event_id="-1"))
    assert parts[-1].event == "end"
    assert contents(parts[-2].data)[-2:] == [f"Noted {text}."] * 2


def test_an_answer_that_no_worker_was_there_for_counts_when_one_returns(chat: Chat) -> None:
    thread, text, deployment = chat.thread(), a_text(), chat.deployment
    interrupt = chat.waiting(thread, [call(text)])
    deployment.kill_workers()
    client, answer = chat.client("dana"), {"resume": {interrupt["id"]: APPROVE}}
    first, again = (client.runs.create(thread, "desk", command=answer)["run_id"] for _ in range(2))
    assert first == again
    assert not deployment.effects(text)
    deployment.up(workers=1, gateways=2)
    assert contents(client.runs.join(thread, first))[-1] == f"Sent {text}."
    assert len(deployment.effects(text)) == 1
