"""What no client means: whatever is sent as an answer, a command or an id, nothing fails and nothing is decided."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from placet.contracts.records import RequestedEntry
from placet.ledger import AgentRow
from placet.runs.gate import gate_of
from placet_testing.fake_temporal import FakeApproval
from placet_testing.gateway import Site, problem
from placet_testing.ledger_samples import an_approval

pytestmark = pytest.mark.timeout(120)

TRIES = 8
WORDS = ("approve", "accept", "edit", "type", "args", "decisions", "edited_action", "", "\u2028", "x" * 300, "__end__")


def rubbish(luck: random.Random, known: tuple[str, ...], depth: int = 0) -> Any:
    """Returns JSON that looks like an answer here and there, and is none."""
    words = (*WORDS, *known)
    leaves: list[Any] = [None, True, 0, -1, 2**70, 1.5, *words]
    kind = luck.random()
    if depth > 3 or kind < 0.3:
        return luck.choice(leaves)
    if kind < 0.6:
        return [rubbish(luck, known, depth + 1) for _ in range(luck.randrange(4))]
    return {luck.choice(words): rubbish(luck, known, depth + 1) for _ in range(luck.randrange(4))}


@pytest.fixture
async def waits(site: Site) -> tuple[str, str]:
    """A thread of the bot's and what waits there."""
    await site.ledger.put_agents([AgentRow(name="billing", model="openai:gpt-5-mini")])
    run = (await site.client("bot").post("/v1/runs", json={"agent": "billing", "input": "x"})).json()
    asks = an_approval(run_id=run["id"], thread_id=run["thread_id"], turn=0, requester="user:bot", expires_at=None)
    await site.ledger.record(asks, 0, (RequestedEntry(),))
    site.temporal.approvals[asks.id] = FakeApproval(asks, gate_of(asks))
    return run["thread_id"], asks.id


def means_something(resume: Any) -> bool:
    """Whether an answer may be one after all: it says a decision that stands alone."""
    text = json.dumps(resume)
    return '"type"' in text and any(f'"{word}"' in text for word in ("approve", "accept"))


async def test_no_answer_makes_the_gateway_fail_and_none_decides_that_says_no_decision(
    site: Site, waits: tuple[str, str]
) -> None:
    thread, approval = waits
    luck = random.Random(7)  # noqa: S311 - the same rubbish each time
    client = site.client("dana")
    for _ in range(TRIES):
        await client.get(f"/langgraph/threads/{thread}/state")
        resume = rubbish(luck, (approval, "0" * 32))
        if means_something(resume):
            continue
        body = {"assistant_id": "billing", "command": {"resume": resume}}
        for where in (thread, f"approval-{approval}"):
            answer = await client.post(f"/langgraph/threads/{where}/runs", json=body)
            assert 400 <= answer.status_code < 500, (resume, answer.text)
        command = {"id": 1, "method": "input.respond", "params": {"interrupt_id": approval, "response": resume}}
        said = await client.post(f"/langgraph/threads/{thread}/commands", json=command)
        assert said.status_code == 200, (resume, said.text)
        assert said.json()["type"] == "error", (resume, said.text)
    assert site.temporal.updates == []


async def test_what_is_too_much_to_count_or_too_long_for_a_name_is_a_refusal(site: Site) -> None:
    client, long = site.client("bot"), "x" * 300
    for field in ("limit", "offset"):
        for path in ("threads/search", "threads/count", "assistants/search"):
            problem(await client.post(f"/langgraph/{path}", json={field: 2**63}), 422, "invalid_request")
    run = {"assistant_id": "billing", "input": {"messages": "x"}, "if_not_exists": "create"}
    problem(await client.post(f"/langgraph/threads/{long}/runs", json=run), 422, "invalid_request")
    start = {"id": 1, "method": "run.start", "params": {"assistant_id": "billing", "input": "x"}}
    problem(await client.post(f"/langgraph/threads/{long}/commands", json=start), 422, "invalid_request")


async def test_no_command_and_no_body_makes_the_gateway_fail(site: Site, waits: tuple[str, str]) -> None:
    thread, approval = waits
    luck = random.Random(8)  # noqa: S311 - the same rubbish each time
    client = site.client("audra")
    site.app.state.services.stopping.set()
    known = (approval, "run.start", "input.respond", "id", "method", "params", "assistant_id", "input", "channels")
    for _ in range(TRIES):
        for path in ("commands", "stream/events", "runs", "runs/stream", "state", "history"):
            answer = await site.client("root").post(f"/langgraph/threads/{thread}/{path}", json=rubbish(luck, known))
            assert answer.status_code < 500, answer.text
        mark = "".join(luck.choice("0123456789abcdef-vutm") for _ in range(luck.randrange(80)))
        run = (await client.get(f"/langgraph/threads/{thread}/runs")).json()[0]["run_id"]
        path = f"/langgraph/threads/{thread}/runs/{run}/stream"
        assert (await client.get(path, headers={"Last-Event-ID": mark})).status_code == 200
