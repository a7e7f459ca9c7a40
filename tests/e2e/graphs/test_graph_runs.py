"""LangGraph graphs as they are, run by Placet, seen from outside."""

from __future__ import annotations

import json

import pytest

from placet_testing.graphs.running import Graphs, events

pytestmark = pytest.mark.timeout(180)


def calls(*listed: tuple[str, dict[str, object]]) -> str:
    return json.dumps(listed)


def test_an_agent_of_langchain_answers(graphs: Graphs) -> None:
    run = graphs.start("batched", "hello")
    ended = graphs.ended(run)
    assert (ended["status"], ended["output"]) == ("completed", "You said hello.")
    assert graphs.messages(run) == [("human", "hello"), ("ai", "You said hello.")]
    assert ended["temporal"]["workflow_id"] == run["id"]


def test_a_batch_is_released_when_all_of_it_has_been_decided(graphs: Graphs) -> None:
    wanted = calls(("refund", {"order": 1, "amount": 7}), ("find", {"order": 2}), ("send", {"to": "ada", "text": "hi"}))
    run = graphs.start("batched", wanted)
    refund, send = graphs.pending(run, 2)
    assert [(one["tool"], one["args"], one["risk"]) for one in (refund, send)] == [
        ("refund", {"order": 1, "amount": 7}, "high"),
        ("send", {"to": "ada", "text": "hi"}, "medium"),
    ]
    assert refund["title"] == "Refund 7"
    assert send["allowed_decisions"] == ["approve", "reject"]
    assert refund["metadata"]["graph"]["of"] == 2
    assert graphs.decide(send, "respond", message="no").json()["code"] == "decision_not_allowed"
    assert graphs.decide(refund, "edit", args={"order": 1}).json()["code"] == "invalid_args"
    assert graphs.decide(send, "reject", message="not now").status_code == 200
    assert "refund 1 5" not in graphs.lines()
    assert graphs.decide(refund, "edit", args={"order": 1, "amount": 5}).status_code == 200
    ended = graphs.ended(run)
    assert ended["status"] == "completed"
    assert "refund 1 5" in graphs.lines()
    assert "send ada hi" not in graphs.lines()
    assert [kind for kind, _ in graphs.messages(run)] == ["human", "ai", "tool", "tool", "tool", "ai"]
    assert "not now" in ended["output"]


def test_each_call_on_its_own_is_released_by_its_own_decision(graphs: Graphs) -> None:
    run = graphs.start(
        "per-call", calls(("refund", {"order": 11, "amount": 1}), ("refund", {"order": 12, "amount": 2}))
    )
    first, second = graphs.pending(run, 2)
    assert graphs.decide(second).status_code == 200
    graphs.until(lambda: "refund 12 2" in graphs.lines() or None, run)
    assert "refund 11 1" not in graphs.lines()
    assert [one["id"] for one in graphs.pending(run, 1)] == [first["id"]]
    assert graphs.decide(first, "respond", message="done already").status_code == 200
    assert graphs.ended(run)["output"].startswith("done already | ")
    assert graphs.lines().count("refund 12 2") == 1


def test_parallel_interrupts_and_one_in_a_subgraph_are_answered_in_any_order(graphs: Graphs) -> None:
    run = graphs.start("report", {"topic": "tea"})
    waiting = {one["metadata"]["graph"]["node"]: one for one in graphs.pending(run, 3)}
    assert waiting["publish"]["metadata"]["graph"]["namespace"].startswith("press:")
    assert waiting["colour"]["questions"][0]["options"][1]["label"] == "blue"
    assert graphs.decide(waiting["publish"]).status_code == 200
    assert graphs.answer(waiting["words"], text="true").status_code == 200
    assert graphs.answer(waiting["colour"], "1").status_code == 200
    ended = graphs.ended(run)
    assert ended["status"] == "completed"
    notes = json.loads(ended["output"])["notes"]
    assert notes == ["plan tea", "colour blue", "plan tea", "draft", "publish accept", "words true", "finish"]
    assert graphs.lines().count("plan") == 1
    assert graphs.lines().count("finish") == 1
    told = [(event["type"], event["data"].get("message_id")) for event in events(graphs, run)]
    assert told[:3] == [("run.started", None), *[("turn.completed", None)] * 2], "its state is told at once"


def test_a_functional_entrypoint_runs_its_tasks_once(graphs: Graphs) -> None:
    run = graphs.start("flow", "abc")
    (waiting,) = graphs.pending(run, 1)
    assert graphs.answer(waiting, text='{"ok": true}').status_code == 200
    assert graphs.ended(run)["output"] == 'ABC {"ok": true}'
    assert graphs.lines().count("slow") == 1


def test_a_plain_question_has_the_terms_of_its_agent(graphs: Graphs) -> None:
    """Nothing that a graph takes for an answer says that nobody answered, so the run ends when the time is over."""
    run = graphs.start("hurried", "abc")
    (waiting,) = graphs.pending(run, 1)
    assert (waiting["approvers"], waiting["risk"]) == (["role:admin"], "critical")
    assert graphs.ended(run)["status"] == "expired"


@pytest.mark.parametrize(("option", "status"), [("continue", "completed"), ("stop", "cancelled")])
def test_a_breakpoint_asks_whether_to_go_on(graphs: Graphs, option: str, status: str) -> None:
    before = graphs.lines().count("second")
    run = graphs.start("stops", "x")
    (waiting,) = graphs.pending(run, 1)
    assert graphs.answer(waiting, option).status_code == 200
    assert graphs.ended(run)["status"] == status
    assert graphs.lines().count("second") - before == (option == "continue")


def test_a_node_that_raises_fails_the_run_and_is_named(graphs: Graphs) -> None:
    ended = graphs.ended(graphs.start("stops", "fail"))
    assert (ended["status"], ended["error"]) == (
        "failed",
        "graph_failed: The node first raised LookupError: no such order",
    )


def test_a_thread_goes_on_where_the_graph_stood(graphs: Graphs) -> None:
    first = graphs.start("batched", "one")
    graphs.ended(first)
    second = graphs.start("batched", "two", thread_id=first["thread_id"])
    graphs.ended(second)
    assert [text for _, text in graphs.messages(second)] == ["one", "You said one.", "two", "You said two."]
    assert graphs.lines()[-1] == "model 3"


def test_a_cancelled_run_leaves_a_thread_that_goes_on(graphs: Graphs) -> None:
    run = graphs.start("batched", calls(("refund", {"order": 21, "amount": 3})))
    (waiting,) = graphs.pending(run, 1)
    assert graphs.post("/v1/runs", {"agent": "batched", "input": "x", "thread_id": run["thread_id"]}).status_code == 409
    assert graphs.post(f"/v1/runs/{run['id']}/cancel", {}).status_code == 202
    assert graphs.ended(run)["status"] == "cancelled"
    assert graphs.get(f"/v1/approvals/{waiting['id']}")["status"] == "cancelled"
    again = graphs.start("batched", "still there?", thread_id=run["thread_id"])
    assert graphs.ended(again)["output"] == "You said still there?."
    assert ("tool", "This call was not run: the run that asked for it ended before.") in graphs.messages(again)
    assert "refund 21 3" not in graphs.lines()


def test_the_tools_of_a_graph_are_published_with_it(graphs: Graphs) -> None:
    agents = {one["name"]: one for one in graphs.get("/v1/agents")["items"]}
    assert [tool["name"] for tool in agents["batched"]["tools"]] == ["refund", "send", "find"]


def test_a_new_message_takes_the_place_of_what_waits_where_it_is_asked_for(graphs: Graphs) -> None:
    """Every approval ends as superseded, and nothing more of the run starts, neither its model nor a call."""
    wanted = calls(("refund", {"order": 61, "amount": 1}), ("refund", {"order": 62, "amount": 2}))
    run = graphs.start("per-call", wanted)
    waiting = graphs.pending(run, 2)
    models = sum(line.startswith("model ") for line in graphs.lines())
    message = {"role": "user", "content": "never mind", "id": "m61"}
    body = {"assistant_id": "per-call", "input": {"messages": [message]}, "multitask_strategy": "reject"}
    path = f"/langgraph/threads/{run['thread_id']}/runs/wait"
    assert graphs.post(path, body).status_code == 409
    answer = graphs.post(path, {**body, "multitask_strategy": "interrupt"})
    assert answer.json()["messages"][-1]["content"] == "You said never mind.", answer.text
    assert [graphs.get(f"/v1/approvals/{one['id']}")["status"] for one in waiting] == ["superseded"] * 2
    assert graphs.run(run)["status"] == "cancelled"
    assert [graphs.decide(one).json()["code"] for one in waiting] == ["superseded"] * 2
    assert sum(line.startswith("model ") for line in graphs.lines()) == models + 1
    assert not [line for line in graphs.lines() if line.startswith(("refund 61", "refund 62"))]
