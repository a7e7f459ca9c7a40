"""Agent Inbox as the assistant `approvals` serves it: exchanges in the shape of what it sends and reads.

A file of `agent_inbox/` is a visit. What an answer of it names must be answered; `*` stands for any one key.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient

from placet.langgraph_api.interrupts import as_text
from placet_testing.exchanges import check_answer
from placet_testing.gateway import QUESTION, Site, asked, problem

VISITS = {path.stem: path.read_text() for path in sorted((Path(__file__).parent / "agent_inbox").glob("*.json"))}


def thread_of(approval: dict[str, Any]) -> str:
    return f"/langgraph/threads/approval-{approval['id']}"


async def pressed(client: AsyncClient, approval: dict[str, Any], kind: str, args: Any = None, how: str = "wait") -> Any:
    body = {"assistant_id": "approvals", "command": {"resume": [{"type": kind, "args": args}]}}
    return await client.post(f"{thread_of(approval)}/runs/{how}", json=body)


@pytest.mark.parametrize("visit", VISITS)
async def test_a_visit(site: Site, visit: str) -> None:
    approval = await asked(site.client("bot"))
    client = site.client("dana")
    text = VISITS[visit].replace("{approval}", approval["id"]).replace("{digest}", approval["digest"])
    for number, exchange in enumerate(json.loads(text)):
        request, wanted = exchange["request"], exchange["response"]
        answer = await client.request(request["method"], request["path"], json=request["body"])
        check_answer(wanted, answer, str(number))


async def test_an_approval_that_came_from_no_run_and_one_that_is_a_question_are_threads_too(site: Site) -> None:
    question = (await site.client("bot").post("/v1/approvals", json={**QUESTION, "allow_skip": True})).json()
    client = site.client("dana")
    (interrupt,) = (await client.get(f"{thread_of(question)}/state")).json()["interrupts"]
    (request,) = interrupt["value"]
    assert [name for name, on in request["config"].items() if on] == ["allow_respond", "allow_ignore"]
    assert "savings · current" in request["description"]
    problem(await pressed(client, question, "response", "savings"), 422, "invalid_decision")
    assert (await pressed(client, question, "response", '{"q1": "savings", "q2": "x"}')).status_code == 200
    ended = (await client.get(f"/v1/approvals/{question['id']}")).json()
    assert ended["decision"]["answers"] == {"q1": {"options": ["1"], "text": None}, "q2": {"options": [], "text": "x"}}


async def test_what_a_model_wrote_shows_as_text_whatever_it_means_in_markdown(site: Site) -> None:
    trap = "[Click](http://evil.example) `x` <b>"
    questions = [{"id": "*q*", "question": trap, "options": [trap, "no"]}]
    question = (await site.client("bot").post("/v1/approvals", json={**QUESTION, "questions": questions})).json()
    (interrupt,) = (await site.client("dana").get(f"{thread_of(question)}/state")).json()["interrupts"]
    description = interrupt["value"][0]["description"]
    assert description.count(r"\[Click\]\(http://evil.example\) \`x\` \<b\>") == 2
    assert "[Click](" not in description
    assert r"- \*q\*: " in description


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("send_email", "send_email"),
        ("_so_", r"\_so\_"),
        ("__init__", r"\_\_init\_\_"),
        ("a_ b", r"a\_ b"),
        ("*x*", r"\*x\*"),
    ],
)
def test_a_name_with_underscores_stays_as_it_is(written: str, shown: str) -> None:
    assert as_text(written) == shown


async def test_no_thread_is_made_under_the_name_of_an_approval(site: Site) -> None:
    answer = await site.client("bot").post("/langgraph/threads", json={"thread_id": "approval-x"})
    problem(answer, 422, "invalid_request")


async def test_who_may_not_decide_is_shown_no_button_and_gets_no_further(site: Site) -> None:
    approval = await asked(site.client("bot"))
    for user, status in {"audra": 403, "bot": 403, "robot": 404}.items():
        client = site.client(user)
        answer = await client.get(thread_of(approval))
        if user != "robot":
            ((interrupt,),) = answer.json()["interrupts"].values()
            assert not any(interrupt["value"][0]["config"].values())
        for kind in ("accept", "ignore"):
            assert (await pressed(client, approval, kind)).status_code in {status, 403}
        end = {"values": None, "as_node": "__end__"}
        assert (await client.post(f"{thread_of(approval)}/state", json=end)).status_code in {status, 403}
    assert site.temporal.updates == []


async def test_the_buttons_are_the_decisions_that_policy_allows_and_text_is_a_rejection_where_it_has_to_be(
    site: Site,
) -> None:
    approval = await asked(site.client("bot"), decisions=["approve", "reject"])
    client = site.client("dana")
    ((interrupt,),) = (await client.get(thread_of(approval))).json()["interrupts"].values()
    assert [name for name, on in interrupt["value"][0]["config"].items() if on] == ["allow_accept", "allow_ignore"]
    edit = {"action": "refund", "args": {"amount": "1", "order": "A-1"}}
    problem(await pressed(client, approval, "edit", edit), 403, "decision_not_allowed")
    assert (await pressed(client, approval, "response", "Not today.")).status_code == 200
    decision = (await client.get(f"/v1/approvals/{approval['id']}")).json()["decision"]
    assert (decision["type"], decision["message"]) == ("reject", "Not today.")


async def test_a_button_that_is_pressed_twice_is_one_decision(site: Site) -> None:
    approval = await asked(site.client("bot"))
    client = site.client("dana")
    first, second = [await pressed(client, approval, "ignore", how="stream") for _ in range(2)]
    assert first.text == second.text
    assert len(site.temporal.updates) == 1
    problem(await pressed(site.client("eve"), approval, "accept"), 409, "already_decided")


async def test_who_looks_right_after_a_decision_sees_it_though_the_ledger_hears_of_it_later(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Agent Inbox looks once, and where the approval seems to wait still it stays on it."""
    approval = await asked(site.client("bot"))
    record, under_way = site.ledger.record, list[asyncio.Task[None]]()

    async def recorded_later(*given: Any) -> None:
        async def later() -> None:
            await asyncio.sleep(0.3)
            await record(*given)

        under_way.append(asyncio.create_task(later()))

    monkeypatch.setattr(site.ledger, "record", recorded_later)
    client = site.client("dana")
    assert (await pressed(client, approval, "accept", how="stream")).status_code == 200
    thread = (await client.get(thread_of(approval))).json()
    assert (thread["status"], thread["interrupts"]) == ("idle", {})
    await asyncio.gather(*under_way)


async def test_an_answer_by_the_id_of_another_interrupt_is_refused(site: Site) -> None:
    one, other = [await asked(site.client("bot")) for _ in range(2)]
    body = {"assistant_id": "approvals", "command": {"resume": {other["id"]: {"type": "approve"}}}}
    answer = await site.client("dana").post(f"{thread_of(one)}/runs/wait", json=body)
    problem(answer, 409, "no_such_interrupt")
    problem(
        await site.client("dana").post(f"{thread_of(one)}/runs", json={"assistant_id": "approvals"}),
        422,
        "invalid_request",
    )
    assert site.temporal.updates == []


async def test_the_assistant_is_listed_counts_and_starts_nothing(site: Site) -> None:
    await asked(site.client("bot"))
    client = site.client("max")
    listed = (await client.post("/langgraph/assistants/search", json={"graph_id": "approvals"})).json()
    by_id = {"metadata": {"assistant_id": listed[0]["assistant_id"]}}
    assert (await client.post("/langgraph/threads/count", json=by_id)).json() == 1
    assert len((await client.post("/langgraph/threads/search", json=by_id)).json()) == 1
    told_apart = {"metadata": {"graph_id": "approvals", "agent": "billing"}}
    assert (await client.post("/langgraph/threads/search", json=told_apart)).json() == []
    thread = (await client.post("/langgraph/threads", json={})).json()["thread_id"]
    run = {"assistant_id": "approvals", "input": {"messages": "x"}}
    problem(await client.post(f"/langgraph/threads/{thread}/runs", json=run), 422, "invalid_request")
