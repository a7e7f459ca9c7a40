"""Graphs by the Python SDK of LangGraph: what stands in their state, and what they ask."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from langgraph_sdk import get_sync_client

from placet_testing.graphs.running import Graphs

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def client(graphs: Graphs) -> Iterator[Any]:
    """On this machine alone nobody needs a key."""
    with get_sync_client(url=f"{graphs.up.url}/langgraph", api_key="") as made:
        yield made


def test_a_state_without_messages_is_given_streamed_and_read(client: Any) -> None:
    thread = client.threads.create(graph_id="report")["thread_id"]
    parts = list(client.runs.stream(thread, "report", input={"topic": "tea"}, stream_mode="values"))
    assert parts[-1].event == "end"
    (interrupt,) = parts[-2].data["__interrupt__"]
    asked = {action["approval_id"]: action for action in interrupt["value"]["action_requests"]}
    assert len(asked) == 3, "what is asked in parallel is told together, and not before all of it is there"
    assert parts[-2].data["topic"] == "tea"
    assert parts[-2].data["notes"] == ["plan tea"]
    assert client.threads.get_state(thread)["values"]["notes"] == ["plan tea"]
    assert client.threads.get(thread)["values"]["topic"] == "tea"
    assert client.threads.search(ids=[thread])[0]["values"]["notes"] == ["plan tea"]
    (publish,) = (name for name, action in asked.items() if action["name"] == "publish")
    values = client.runs.wait(thread, "report", command={"resume": {publish: {"type": "approve"}}})
    assert "publish accept" in values["notes"], "the branch that was answered has gone on until it rests too"
    rest = values["__interrupt__"][0]["value"]["action_requests"]
    assert {action["approval_id"] for action in rest} == asked.keys() - {publish}
    while "__interrupt__" in values:
        values = client.runs.wait(thread, "report", command={"resume": _answers(values["__interrupt__"])})
    assert values["topic"] == "tea"
    assert values["notes"][-1] == "finish"
    assert {"publish accept", "colour blue", "words true"} <= set(values["notes"])
    assert client.threads.get_state(thread)["values"] == values
    assert client.threads.get_state(thread)["next"] == []


def _answers(interrupts: list[dict[str, Any]]) -> dict[str, Any]:
    actions = [action for interrupt in interrupts for action in interrupt["value"]["action_requests"]]
    return {action["approval_id"]: _answer(action) for action in actions}


def _answer(action: dict[str, Any]) -> Any:
    if action["name"] == "publish":
        return {"type": "approve"}
    return "blue" if any(question["options"] for question in action["questions"]) else "true"


def test_the_next_run_goes_on_from_the_state_of_the_one_before(client: Any) -> None:
    thread = client.threads.create(graph_id="batched")["thread_id"]
    said = {"messages": [{"type": "human", "content": "hello", "id": str(uuid.uuid4())}]}
    first = client.runs.wait(thread, "batched", input=said)
    assert [message["content"] for message in first["messages"]] == ["hello", "You said hello."]
    wanted = json.dumps([("refund", {"order": 31, "amount": 7})])
    said = {"messages": [{"type": "human", "content": wanted, "id": str(uuid.uuid4())}]}
    waits = client.runs.wait(thread, "batched", input=said)
    (interrupt,) = waits["__interrupt__"]
    assert client.threads.get_state(thread)["next"] == [
        name for name in client.threads.get_state(thread)["next"] if "middleware" in name.lower()
    ]
    done = client.runs.wait(
        thread, "batched", command={"resume": {interrupt["id"]: {"decisions": [{"type": "approve"}]}}}
    )
    assert done["messages"][-1]["content"] == "Refunded 7 on 31."


def test_a_graph_has_the_context_that_a_client_sends_also_after_a_wait(client: Any, graphs: Graphs) -> None:
    """By REST it stands in the metadata of the run."""
    thread = client.threads.create(graph_id="signed")["thread_id"]
    values = client.runs.wait(thread, "signed", input={"text": "a"}, context={"clerk": "ada"})
    while "__interrupt__" in values:
        values = client.runs.wait(thread, "signed", command={"resume": _answers(values["__interrupt__"])})
    assert values["text"] == "a true ada ada true ada ada"
    run = graphs.start("signed", {"text": "b"}, metadata={"context": {"clerk": "bob"}})
    (waiting,) = graphs.pending(run, 1)
    assert graphs.answer(waiting, text="1").status_code == 200
    (again,) = graphs.until(
        lambda: [one for one in graphs.run(run)["pending"] if one["id"] != waiting["id"]] or None, run
    )
    assert graphs.answer(again, text="2").status_code == 200
    assert json.loads(graphs.ended(run)["output"])["text"] == "b 1 bob bob 2 bob bob"


def test_what_is_no_input_of_a_graph_is_refused(client: Any) -> None:
    thread = client.threads.create()["thread_id"]
    with pytest.raises(Exception, match="422"):
        client.runs.wait(thread, "per-call", input=5)
