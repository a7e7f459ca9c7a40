"""The second protocol: commands with their answers, and one stream of a thread's events."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from httpx import AsyncClient

from placet.contracts.records import RequestedEntry
from placet.contracts.runs import CloseInput
from placet.ledger import AgentRow
from placet.runs.gate import gate_of
from placet_testing.fake_temporal import FakeApproval
from placet_testing.gateway import Site, mark_of, problem
from placet_testing.ledger_samples import an_approval

ALL = {"channels": ["values", "checkpoints", "lifecycle", "input", "messages", "tools"]}


@pytest.fixture
async def thread(site: Site) -> str:
    """A thread of the bot's on which an approval waits, under the id that this names."""
    await site.ledger.put_agents([AgentRow(name="billing", model="openai:gpt-5-mini")])
    run = (await site.client("bot").post("/v1/runs", json={"agent": "billing", "input": "x"})).json()
    asks = an_approval(run_id=run["id"], thread_id=run["thread_id"], turn=0, requester="user:bot", expires_at=None)
    await site.ledger.record(asks, 0, (RequestedEntry(),))
    site.temporal.approvals[asks.id] = FakeApproval(asks, gate_of(asks))
    return run["thread_id"]


async def waiting(site: Site, thread: str) -> str:
    """Returns the id of what waits."""
    state = (await site.client("dana").get(f"/langgraph/threads/{thread}/state")).json()
    return state["interrupts"][0]["id"]


async def sent(client: AsyncClient, thread: str, method: str, **params: Any) -> dict[str, Any]:
    body = {"id": 7, "method": method, "params": params}
    answer = await client.post(f"/langgraph/threads/{thread}/commands", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == 7
    return answer.json()


async def told(site: Site, thread: str, user: str = "dana", **query: Any) -> list[dict[str, Any]]:
    """Returns what a stream tells until the gateway stops."""
    path = f"/langgraph/threads/{thread}/stream/events"
    asking = asyncio.create_task(site.client(user).post(path, json={**ALL, **query}))
    async with asyncio.timeout(10):
        await site.app.state.services.feed.begun()
        await asyncio.sleep(0.2)
    site.app.state.services.stopping.set()
    text = (await asking).text
    site.app.state.services.stopping.clear()
    return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]


ANSWER = {"decisions": [{"type": "approve"}]}
NOT_SO: dict[str, tuple[str, dict[str, Any], str]] = {
    "no id": ("input.respond", {"response": ANSWER}, "invalid_argument"),
    "no answers": ("input.respond", {"responses": []}, "invalid_argument"),
    "an id that nothing has": ("input.respond", {"interrupt_id": "0" * 32, "response": ANSWER}, "no_such_interrupt"),
    "an id that is none": ("input.respond", {"interrupt_id": "yes", "response": ANSWER}, "no_such_interrupt"),
    "an id of a kind": ("input.respond", {"interrupt_id": 5, "response": ANSWER}, "invalid_argument"),
    "answers of a kind": ("input.respond", {"responses": "all"}, "invalid_argument"),
    "an answer without an id": ("input.respond", {"responses": [{"response": ANSWER}]}, "invalid_argument"),
    "a state that is written": (
        "input.respond",
        {"interrupt_id": "WAITS", "response": ANSWER, "update": {"messages": []}},
        "invalid_argument",
    ),
    "a jump": ("input.respond", {"interrupt_id": "WAITS", "response": ANSWER, "goto": "tools"}, "invalid_argument"),
    "no answer": ("input.respond", {"interrupt_id": "WAITS"}, "invalid_argument"),
    "an unknown decision": ("input.respond", {"interrupt_id": "WAITS", "response": {"type": "x"}}, "invalid_argument"),
    "twice the same": (
        "input.respond",
        {"responses": [{"interrupt_id": "WAITS", "response": ANSWER}] * 2},
        "invalid_argument",
    ),
    "an agent that is none": ("run.start", {"assistant_id": "nobody", "input": "x"}, "invalid_argument"),
    "a start without words": ("run.start", {"assistant_id": "billing", "input": {}}, "invalid_argument"),
    "a start that does not fit": ("run.start", {"assistant_id": "", "input": "x"}, "invalid_argument"),
    "a start from the past": (
        "run.start",
        {"assistant_id": "billing", "input": "x", "config": {"configurable": {"checkpoint_id": "c"}}},
        "invalid_argument",
    ),
    "a message to a run": ("input.inject", {"namespace": [], "message": {}}, "not_supported"),
    "a state": ("state.get", {"namespace": []}, "not_supported"),
    "a tree": ("agent.getTree", {}, "not_supported"),
    "a subscription": ("subscription.subscribe", {"channels": ["values"]}, "not_supported"),
    "what nobody knows": ("make.coffee", {}, "unknown_command"),
}


async def test_a_command_that_cannot_be_carried_out_has_an_answer_of_the_protocol_and_changes_nothing(
    site: Site, thread: str
) -> None:
    waits = await waiting(site, thread)
    for name, (method, params, error) in NOT_SO.items():
        filled = json.loads(json.dumps(params).replace("WAITS", waits))
        answer = await sent(site.client("max"), thread, method, **filled)
        assert (answer["type"], answer["error"]) == ("error", error), (name, answer)
        assert answer["message"], name
        assert answer["problem"]["code"], name
    assert site.temporal.updates == []


async def test_who_may_not_decide_is_told_so(site: Site, thread: str) -> None:
    waits = await waiting(site, thread)
    answer = await sent(site.client("bot"), thread, "input.respond", interrupt_id=waits, response=ANSWER)
    assert (answer["error"], answer["problem"]["code"]) == ("permission_denied", "not_allowed")
    for user, status in {"audra": 403, "nobody": 403}.items():
        body = {"id": 1, "method": "input.respond", "params": {"interrupt_id": waits, "response": ANSWER}}
        refused = await site.client(user).post(f"/langgraph/threads/{thread}/commands", json=body)
        problem(refused, status, "not_allowed")
    assert site.temporal.updates == []


async def test_an_answer_that_is_sent_again_is_one_decision_and_another_is_told_who_won(
    site: Site, thread: str
) -> None:
    waits = await waiting(site, thread)
    client = site.client("dana")
    one, again = [
        await sent(client, thread, "input.respond", interrupt_id=waits, response=ANSWER, namespace=[]) for _ in range(2)
    ]
    assert one["result"] == again["result"]
    assert one["type"] == again["type"] == "success"
    assert one["meta"]["thread_id"] == thread
    ended = next(event for event in await told(site, thread, "root") if event["event_id"].endswith("-1-running"))
    assert one["meta"]["applied_through_seq"] < ended["seq"]
    assert again["meta"]["applied_through_seq"] < ended["seq"]
    assert len(site.temporal.updates) == 1
    reject = {"responses": [{"interrupt_id": waits, "response": {"type": "reject"}}]}
    lost = await sent(site.client("eve"), thread, "input.respond", **reject)
    assert (lost["error"], lost["problem"]["code"]) == ("no_such_interrupt", "already_decided")
    assert "Dana Ito" in lost["message"]


async def test_what_is_no_command_is_no_matter_of_the_protocol(site: Site, thread: str) -> None:
    client, path = site.client("dana"), f"/langgraph/threads/{thread}/commands"
    problem(await client.post(path, json={"method": "run.start"}), 422, "invalid_request")
    problem(await client.post(path, json={"id": -1, "method": "run.start"}), 422, "invalid_request")
    problem(await client.post(path, content=b"{"), 400, "malformed_json")
    body = {"id": 1, "method": "state.get"}
    problem(await client.post("/langgraph/threads/nowhere/commands", json=body), 404, "not_found")
    problem(await client.post("/langgraph/threads/nowhere/stream/events", json=ALL), 404, "not_found")


async def test_the_first_start_makes_the_thread_and_one_that_comes_again_has_the_same_answer(site: Site) -> None:
    await site.ledger.put_agents([AgentRow(name="billing", model="openai:gpt-5-mini")])
    given = {"messages": [{"type": "human", "id": "m", "content": "x"}]}
    client = site.client("bot")
    one, again = [await sent(client, "t-1", "run.start", assistant_id="billing", input=given) for _ in range(2)]
    assert one == again
    assert (await client.get("/langgraph/threads/t-1")).json()["status"] == "busy"
    answer = await site.client("dana").post(
        "/langgraph/threads/t-2/commands",
        json={"id": 1, "method": "run.start", "params": {"assistant_id": "billing", "input": given}},
    )
    problem(answer, 404, "not_found")


async def test_a_stream_tells_how_the_thread_stands_and_every_stream_the_same(site: Site, thread: str) -> None:
    waits = await waiting(site, thread)
    one, other = await told(site, thread), await told(site, thread)
    methods = ["lifecycle", "values", "input.requested", "lifecycle"]
    assert [event["method"] for event in one] == methods
    assert [event["params"]["data"]["event"] for event in one if event["method"] == "lifecycle"] == [
        "running",
        "interrupted",
    ]
    asked = one[2]["params"]["data"]
    assert asked["interrupt_id"] == waits
    assert asked["payload"] == asked["value"]
    assert [(event["event_id"], event["seq"]) for event in one] == [
        (event["event_id"], event["seq"]) for event in other
    ]
    numbers = [event["seq"] for event in one]
    assert numbers == sorted(set(numbers))
    assert all(event["params"]["namespace"] == [] for event in one)


async def test_a_stream_tells_only_what_is_wanted_of_it(site: Site, thread: str) -> None:
    *_, asks, _ = await told(site, thread)
    assert [event["method"] for event in await told(site, thread, since=asks["seq"])] == ["lifecycle"]
    assert [event["method"] for event in await told(site, thread, channels=["input"])] == ["input.requested"]
    assert len(await told(site, thread, namespaces=[[]], depth=1)) == 4
    assert await told(site, thread, namespaces=[["tools:x"]]) == []
    assert await told(site, thread, channels=[]) == []


@pytest.mark.parametrize(
    ("status", "event"), [("completed", "completed"), ("failed", "failed"), ("cancelled", "completed")]
)
async def test_a_run_that_has_ended_is_told_with_its_end(site: Site, thread: str, status: Any, event: str) -> None:
    (run,) = (await site.client("bot").get("/v1/runs")).json()["items"]
    close = CloseInput(run_id=run["id"], agent="billing", thread_id=thread, status=status, error="It broke.")
    await site.ledger.close_run(close, "done", site.clock())
    last = (await told(site, thread, "bot"))[-1]
    assert last["params"]["data"] == {"event": event, **({"error": "It broke."} if status == "failed" else {})}


async def test_a_stream_ends_when_its_key_is_revoked_and_commands_are_refused_from_then_on(
    site: Site, thread: str
) -> None:
    waits, client = await waiting(site, thread), site.client("dana")
    path = f"/langgraph/threads/{thread}"
    asking = asyncio.create_task(client.post(f"{path}/stream/events", json=ALL))
    other = asyncio.create_task(site.client("eve").post(f"{path}/stream/events", json=ALL))
    async with asyncio.timeout(10):
        await site.app.state.services.feed.begun()
    await site.client("root").post(f"/v1/keys/{mark_of('dana').removeprefix('sha256:')[:12]}/revoke")
    async with asyncio.timeout(5):
        stream = (await asking).text
    assert not other.done()
    assert stream.count("event: lifecycle") == 2, "as the thread stands, and no end of it"
    assert "completed" not in stream
    body = {"id": 1, "method": "input.respond", "params": {"interrupt_id": waits, "response": ANSWER}}
    problem(await client.post(f"{path}/commands", json=body), 401, "unauthenticated")
    problem(await client.post(f"{path}/stream/events", json=ALL), 401, "unauthenticated")
    assert site.temporal.updates == []
    site.app.state.services.stopping.set()
    await other


async def test_a_thread_without_a_run_says_nothing_until_there_is_one(site: Site) -> None:
    await site.ledger.put_agents([AgentRow(name="billing", model="openai:gpt-5-mini")])
    client = site.client("bot")
    made = (await client.post("/langgraph/threads", json={})).json()["thread_id"]
    assert await told(site, made, "bot") == []
    asking = asyncio.create_task(client.post(f"/langgraph/threads/{made}/stream/events", json=ALL))
    async with asyncio.timeout(10):
        await site.app.state.services.feed.begun()
        await sent(client, made, "run.start", assistant_id="billing", input="x")
        await asyncio.sleep(0.5)
    site.app.state.services.stopping.set()
    assert "event: lifecycle" in (await asking).text
