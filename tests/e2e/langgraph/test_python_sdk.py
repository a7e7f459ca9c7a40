"""The Python SDK of LangGraph, as it is, against a gateway: threads, runs, streams and interrupts."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from placet_testing.chatting import APPROVE, Chat, a_text, actions_of, call, contents, interrupt_of, refused, script
from placet_testing.deployment import Json

pytestmark = pytest.mark.timeout(120)


def streamed(chat: Chat, thread: str, user: str, **more: Any) -> list[Any]:
    return list(chat.client(user).runs.stream(thread, "desk", **more))


def data_of(part: Any) -> Json:
    return part.data


def test_a_run_streams_its_state_to_the_interrupt_and_on_to_the_end(chat: Chat) -> None:
    thread, text = chat.thread(), a_text()
    seen = streamed(chat, thread, "bot", input=script([call(text)]))
    assert [seen[0].event, seen[-1].event] == ["metadata", "end"]
    waits = data_of(seen[-2])
    assert [message["type"] for message in waits["messages"]] == ["human", "ai"]
    interrupt = interrupt_of(waits)
    (action,) = actions_of(interrupt)
    assert (action["name"], action["args"]) == ("send", {"text": text})
    assert action["digest"].startswith("sha256:")
    assert action["approvers"] == ["role:approver"]
    assert interrupt["value"]["expires_at"] == action["expires_at"]

    rest = streamed(chat, thread, "dana", command={"resume": {interrupt["id"]: APPROVE}})
    assert rest[-1].event == "end"
    assert contents(data_of(rest[-2]))[-2:] == [f"Sent {text}."] * 2
    assert "__interrupt__" not in data_of(rest[-2])
    assert len(chat.deployment.effects(text)) == 1
    approval = chat.deployment.read(action["approval_id"])
    assert approval["decision"]["by"] == {"id": "user:dana", "name": "Dana Ito", "via": "langgraph"}
    assert data_of(seen[0])["run_id"] != data_of(rest[0])["run_id"]


def test_a_run_without_a_gated_call_ends_at_once(chat: Chat) -> None:
    thread, text = chat.thread(), a_text()
    assert contents(chat.wait(thread, script([call(text, "note")])))[-1] == f"Noted {text}."
    (run,) = chat.client("bot").runs.list(thread)
    assert run["status"] == "success"
    assert chat.client("bot").threads.get(thread)["status"] == "idle"


def test_the_thread_shows_after_a_reload_what_waits(chat: Chat) -> None:
    thread, text = chat.thread(), a_text()
    interrupt = chat.waiting(thread, [call(text)])
    client = chat.client("dana")
    read = client.threads.get(thread)
    state = client.threads.get_state(thread)
    (past,) = client.threads.get_history(thread)
    assert read["status"] == "interrupted"
    assert [one for found in read["interrupts"].values() for one in found] == [interrupt]
    assert state["tasks"][-1]["interrupts"] == state["interrupts"] == [interrupt]
    assert state["next"] == ["tools"]
    assert past["checkpoint"] == state["checkpoint"]
    assert client.threads.get_state(thread)["checkpoint"] == state["checkpoint"]
    assert read["metadata"]["graph_id"] == "desk"
    (about,) = read["metadata"]["placet"]
    assert about["approvers"] == ["role:approver"]
    assert about["digest"] == actions_of(interrupt)[0]["digest"]


def test_a_search_finds_what_waits_for_somebody(chat: Chat) -> None:
    thread = chat.thread()
    chat.waiting(thread, [call(a_text())])
    idle = chat.thread("max")
    client = chat.client("dana")
    waiting = client.threads.search(status="interrupted", metadata={"graph_id": "desk"}, limit=100)
    assert thread in {one["thread_id"] for one in waiting}
    assert all(one["interrupts"] and one["status"] == "interrupted" for one in waiting)
    assert idle not in {one["thread_id"] for one in client.threads.search(limit=100)}
    assert thread not in {one["thread_id"] for one in chat.client("max").threads.search(status="idle", limit=100)}


def test_threads_are_found_by_what_was_said_of_them(chat: Chat) -> None:
    mark, client = a_text(), chat.client("bot")
    threads = [client.threads.create(metadata={"mark": mark, "place": place})["thread_id"] for place in range(3)]
    found = client.threads.search(metadata={"mark": mark}, sort_by="created_at", sort_order="asc")
    assert [one["thread_id"] for one in found] == threads
    client.threads.update(threads[0], metadata={"place": 7})
    (changed,) = client.threads.search(metadata={"mark": mark, "place": 7})
    assert changed["metadata"] == {"mark": mark, "place": 7}
    assert client.threads.count(metadata={"mark": mark}) == 3


def test_a_thread_is_made_once(chat: Chat) -> None:
    name = str(uuid.uuid4())
    client = chat.client("bot")
    client.threads.create(thread_id=name)
    assert client.threads.create(thread_id=name, if_exists="do_nothing")["thread_id"] == name
    with refused(409, "thread_exists"):
        client.threads.create(thread_id=name)
    with refused(404, "not_found"):
        chat.client("max").threads.create(thread_id=name, if_exists="do_nothing")


def test_a_deleted_thread_is_gone_and_its_record_is_not(chat: Chat) -> None:
    thread, text = chat.thread(), a_text()
    interrupt = chat.waiting(thread, [call(text)])
    with refused(409, "thread_busy"):
        chat.client("bot").threads.delete(thread)
    with refused(403, "not_allowed"):
        chat.client("dana").threads.delete(thread)
    chat.resume(thread, {interrupt["id"]: APPROVE})
    chat.client("bot").threads.delete(thread)
    for user in ("bot", "dana", "root"):
        with refused(404, "not_found"):
            chat.client(user).threads.get(thread)
    approval = chat.deployment.read(actions_of(interrupt)[0]["approval_id"])
    assert approval["status"] == "approved"


def test_what_one_may_not_see_is_not_there(chat: Chat) -> None:
    thread = chat.thread()
    interrupt = chat.waiting(thread, [call(a_text())])
    (run,) = chat.client("bot").runs.list(thread)
    other = chat.client("nobody")
    with refused(403, "not_allowed"):
        other.threads.get(thread)
    stranger = chat.thread("max")
    for attempt in (
        lambda: chat.client("dana").threads.get(stranger),
        lambda: chat.client("dana").runs.list(stranger),
        lambda: chat.client("bot").threads.get_state(stranger),
        lambda: chat.client("bot").runs.get(stranger, run["run_id"]),
        lambda: chat.client("bot").runs.wait(stranger, "desk", input=script([])),
    ):
        with refused(404, "not_found"):
            attempt()
    with refused(409, "no_such_interrupt"):
        chat.client("max").runs.wait(stranger, "desk", command={"resume": {interrupt["id"]: APPROVE}})


def test_runs_are_the_parts_between_two_waits(chat: Chat) -> None:
    thread, text = chat.thread(), a_text()
    first = chat.waiting(thread, [call(text)], [call(text)])
    second = interrupt_of(chat.resume(thread, {first["id"]: APPROVE}))
    client = chat.client("bot")
    assert [run["status"] for run in client.runs.list(thread)] == ["interrupted", "interrupted"]
    chat.resume(thread, {second["id"]: APPROVE})
    newest, *others = client.runs.list(thread)
    assert newest["status"] == "success"
    assert len({run["run_id"] for run in (newest, *others)}) == 3
    assert client.runs.get(thread, newest["run_id"]) == newest
    assert contents(dict(client.runs.join(thread, newest["run_id"])))[-1] == " | ".join([f"Sent {text}."] * 2)
    (again,) = (part for part in client.runs.join_stream(thread, newest["run_id"]) if part.event == "values")
    assert contents(data_of(again))[-1] == " | ".join([f"Sent {text}."] * 2)


def test_every_mode_of_a_stream_tells_of_new_messages_only(chat: Chat) -> None:
    thread, text = chat.thread(), a_text()
    chat.wait(thread, script([call(a_text(), "note")]))
    modes = ["updates", "messages-tuple", "values"]
    seen = streamed(chat, thread, "bot", input=script([call(text, "note")]), stream_mode=modes)
    updates = [data_of(part) for part in seen if part.event == "updates"]
    assert [next(iter(update)) for update in updates] == ["model", "tools", "model"]
    tuples = [part.data for part in seen if part.event == "messages"]
    assert [message["type"] for message, _ in tuples] == ["ai", "tool", "ai"]
    assert [about["langgraph_node"] for _, about in tuples] == ["model", "tools", "model"]
    only = streamed(chat, thread, "bot", input=script([]), stream_mode="updates")
    assert {part.event for part in only} == {"metadata", "updates", "end"}


def test_a_failed_run_is_an_error_to_everybody_who_waits(chat: Chat) -> None:
    thread = chat.thread()
    broken = script(*([[call("x", "note")]] * 45))
    seen = streamed(chat, thread, "bot", input=broken)
    assert seen[-1].event == "error"
    assert "40 turns" in data_of(seen[-1])["message"]
    assert chat.look(thread, "bot")["status"] == "error"
    state = chat.client("bot").threads.get_state(thread)
    assert "40 turns" in state["tasks"][-1]["error"]
    failed = chat.client("bot").runs.join(thread, data_of(seen[0])["run_id"])
    assert "40 turns" in failed["__error__"]["message"]


def test_an_expired_wait_ends_the_thread_with_a_word(chat: Chat) -> None:
    thread = chat.thread()
    chat.waiting(thread, [call(a_text(), "send_or_stop")])
    (run,) = chat.client("bot").runs.list(thread)
    chat.client("bot").runs.join(thread, run["run_id"])
    chat.deployment.wait(lambda: chat.look(thread, "bot")["status"] == "idle")
    assert "Nobody decided in time" in contents(chat.look(thread, "bot")["values"])[-1]
    (ended,) = chat.client("bot").runs.list(thread)
    assert ended["status"] == "timeout"


def test_a_client_that_leaves_out_what_to_do_is_told_so(chat: Chat) -> None:
    thread = chat.thread()
    with refused(422, "invalid_request", "nothing to do"):
        chat.wait(thread, {})
    with refused(404, "not_found", "Invalid assistant ID"):
        chat.client("bot").runs.wait(thread, "nobody", input=script([]))
    with refused(422, "invalid_request", "undone"):
        chat.wait(thread, script([]), checkpoint_id=str(uuid.uuid4()))


def test_assistants_are_the_agents(chat: Chat) -> None:
    client = chat.client("dana")
    found = {one["graph_id"]: one for one in client.assistants.search(limit=100)}
    assert set(found) == {"desk", "billing", "approvals"}
    assert client.assistants.get("desk") == found["desk"]
    assert client.assistants.get(found["desk"]["assistant_id"]) == found["desk"]
    assert client.assistants.get_schemas("desk")["graph_id"] == "desk"
    assert {node["id"] for node in client.assistants.get_graph("desk")["nodes"]} == {
        "__start__",
        "model",
        "tools",
        "__end__",
    }
    thread = chat.thread()
    named = chat.client("bot").runs.wait(thread, found["desk"]["assistant_id"], input=script([]))
    assert len(named["messages"]) == 2
