"""Stop, resolve, a jump to the end: acts of somebody's, allowed to some and on record."""

from __future__ import annotations

import pytest

from placet_testing.chatting import APPROVE, Chat, a_text, call, contents, refused, script

pytestmark = pytest.mark.timeout(120)


def test_closing_a_stream_cancels_nothing(chat: Chat) -> None:
    thread, text = chat.thread(), a_text()
    parts = chat.client("bot").runs.stream(thread, "desk", input=script([call(text, "send")]), on_disconnect="cancel")
    next(parts)
    parts.close()
    chat.deployment.wait(lambda: chat.look(thread, "bot")["status"] == "interrupted")


def test_who_started_a_run_stops_it_also_while_it_waits(chat: Chat) -> None:
    thread, text = chat.thread(), a_text()
    interrupt = chat.waiting(thread, [call(text)])
    (run,) = chat.client("bot").runs.list(thread)
    with refused(403, "not_allowed"):
        chat.client("dana").runs.cancel(thread, run["run_id"])
    chat.client("bot").runs.cancel(thread, run["run_id"], wait=True)
    ended = chat.look(thread, "bot")
    assert ended["status"] == "idle"
    assert "cancelled" in contents(ended["values"])[-1]
    assert chat.deployment.read(interrupt["id"])["status"] == "cancelled"
    with refused(409, "run_ended"):
        chat.client("bot").runs.cancel(thread, run["run_id"])
    with refused(409, "cancelled"):
        chat.resume(thread, {interrupt["id"]: APPROVE})


def test_a_part_of_a_run_that_is_over_is_not_stopped(chat: Chat) -> None:
    thread = chat.thread()
    first = chat.waiting(thread, [call(a_text())], [call(a_text())])
    (old,) = chat.client("bot").runs.list(thread)
    chat.resume(thread, {first["id"]: APPROVE})
    with refused(409, "run_ended"):
        chat.client("bot").runs.cancel(thread, old["run_id"])
    assert chat.look(thread)["status"] == "interrupted"


def test_who_decides_marks_as_resolved_by_a_rejection(chat: Chat) -> None:
    thread, text = chat.thread(), a_text()
    interrupt = chat.waiting(thread, [call(text)])
    done = chat.client("dana").runs.wait(thread, "desk", input={}, command={"goto": "__end__"})
    approval = chat.deployment.read(interrupt["id"])
    assert approval["status"] == "rejected"
    assert approval["decision"]["by"]["id"] == "user:dana"
    assert "resolved" in contents(done)[-1]
    assert chat.deployment.effects(text) == []
    with refused(409, "no_such_interrupt"):
        chat.client("dana").runs.wait(thread, "desk", input={}, command={"goto": "__end__"})


def test_an_update_of_the_state_to_the_end_is_a_rejection_and_nothing_else_is_written(chat: Chat) -> None:
    thread = chat.thread()
    interrupt = chat.waiting(thread, [call(a_text())])
    client = chat.client("dana")
    with refused(422, "invalid_request"):
        client.threads.update_state(thread, {"messages": []})
    with refused(422, "invalid_request"):
        client.threads.update_state(thread, {"messages": []}, as_node="tools")
    with refused(422, "invalid_request"):
        client.runs.wait(thread, "desk", command={"update": {"messages": []}, "goto": "__end__"})
    with refused(422, "invalid_request"):
        client.runs.wait(thread, "desk", command={"goto": "tools"})
    assert chat.deployment.read(interrupt["id"])["status"] == "pending"
    assert client.threads.update_state(thread, None, as_node="__end__")["checkpoint"]["thread_id"] == thread
    assert chat.deployment.ended(interrupt["id"])["status"] == "rejected"


def test_who_asked_ends_the_run_where_others_decide(chat: Chat) -> None:
    thread, text = chat.thread(), a_text()
    interrupt = chat.waiting(thread, [call(text)])
    chat.client("bot").runs.wait(thread, "desk", input={}, command={"goto": "__end__"})
    chat.deployment.wait(lambda: chat.look(thread, "bot")["status"] == "idle")
    assert chat.deployment.read(interrupt["id"])["status"] == "cancelled"
    assert chat.deployment.effects(text) == []
