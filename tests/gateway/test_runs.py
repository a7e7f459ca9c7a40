"""Runs over HTTP: started once, one at a time on a thread, read, cancelled."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient

from placet.api.runs import starting
from placet.contracts.runs import CloseInput, RunInput
from placet.ledger import AgentRow
from placet_testing.gateway import Site, problem

ORDER = {"agent": "billing", "input": "refund A-1"}


async def start(client: AsyncClient, key: str | None = None, **changed: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return await client.post("/v1/runs", json={**ORDER, **changed}, headers=headers)


async def end(site: Site, run: dict[str, Any]) -> None:
    """Ends a run as its workflow does: the record first."""
    close = CloseInput(run_id=run["id"], agent=run["agent"], thread_id=run["thread_id"], status="completed")
    await site.ledger.close_run(close, "done", site.clock())
    site.temporal.runs[run["id"]].is_open = False


async def test_a_run_can_be_read_as_soon_as_it_was_started(site: Site) -> None:
    bot = site.client("bot")
    answer = await start(bot, metadata={"ticket": 7})
    run = answer.json()
    assert answer.status_code == 201
    assert (run["agent"], run["status"], run["requester"], run["input"]) == (
        "billing",
        "running",
        "user:bot",
        "refund A-1",
    )
    assert run["metadata"] == {"ticket": 7}
    assert run["temporal"]["workflow_id"] == run["id"]
    assert run["temporal"]["url"]
    assert (await bot.get(f"/v1/runs/{run['id']}")).json() == run
    assert (await bot.get("/v1/runs")).json()["items"] == [run]
    messages = (await bot.get(f"/v1/runs/{run['id']}/messages")).json()
    assert [(one["type"], one["data"]["content"]) for one in messages] == [("human", "refund A-1")]
    given = site.temporal.runs[run["id"]].given
    assert isinstance(given, RunInput)
    assert (given.max_turns, given.tool_timeout_seconds, given.requester) == (40, 3_600.0, "user:bot")


async def test_messages_may_be_given_in_langchains_two_spellings(site: Site) -> None:
    stored = {"type": "human", "data": {"content": "one"}}
    answer = await start(site.client("bot"), input=[stored, {"role": "user", "content": "two"}])
    messages = (await site.client("bot").get(f"/v1/runs/{answer.json()['id']}/messages")).json()
    assert [one["data"]["content"] for one in messages] == ["one", "two"]


PICTURES: list[Any] = [
    {"type": "text", "text": "What is this?"},
    {"type": "image", "base64": "iVBORw0KGgo=", "mime_type": "image/png"},
    {"type": "image", "url": "https://example.com/cat.png"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}},
    {"type": "file", "base64": "JVBERi0=", "mime_type": "application/pdf", "filename": "bill.pdf"},
    {"type": "audio", "base64": "UklGRg==", "mime_type": "audio/wav", "extras": {"of": ["one", 2**60]}},
]


@pytest.mark.parametrize(
    "message",
    [{"role": "user", "content": PICTURES}, {"type": "human", "data": {"content": PICTURES}}],
    ids=["role", "type and data"],
)
async def test_pictures_files_and_sounds_are_kept_as_they_came(site: Site, message: Any) -> None:
    answer = await start(site.client("bot"), input=[message])
    assert answer.status_code == 201, answer.text
    (told,) = (await site.client("bot").get(f"/v1/runs/{answer.json()['id']}/messages")).json()
    assert told["data"]["content"] == PICTURES


WRONG_INPUT: list[tuple[Any, str]] = [
    ("", "/input"),
    (" \n", "/input"),
    ([], "/input"),
    ([{}], "/input/0"),
    ([{"type": "human", "data": {"content": "x"}}, {"type": "wizard", "data": {"content": "x"}}], "/input/1"),
    ([{"type": "human", "data": {"content": 5}}], "/input/0"),
    ([{"type": "human", "data": 5}], "/input/0"),
    ([{"role": "tool", "content": "x", "tool_call_id": "c"}], "/input/0"),
    (
        [{"type": "ai", "data": {"content": "", "tool_calls": [{"name": "refund", "args": {}, "id": "c"}]}}],
        "/input/0",
    ),
    (5, "/input"),
    ([5], "/input"),
]


@pytest.mark.parametrize(("given", "pointer"), WRONG_INPUT)
async def test_input_that_is_wrong_names_the_place(site: Site, given: Any, pointer: str) -> None:
    body = problem(await start(site.client("bot"), input=given), 422, "invalid_request")
    assert body["errors"][0]["pointer"] == pointer
    assert not site.temporal.runs


async def test_an_agent_that_is_not_there_is_named_with_those_that_are(site: Site) -> None:
    body = problem(await start(site.client("bot"), agent="wizard"), 404, "unknown_agent")
    assert body["agents"] == ["billing"]


async def test_a_thread_has_one_open_run(site: Site) -> None:
    bot = site.client("bot")
    run = (await start(bot, thread_id="t")).json()
    busy = problem(await start(bot, thread_id="t"), 409, "thread_busy")
    assert busy["run"]["id"] == run["id"]
    await end(site, run)
    second = await start(bot, thread_id="t", input="and now")
    assert second.status_code == 201
    assert second.json()["id"] != run["id"]
    messages = (await bot.get(f"/v1/runs/{second.json()['id']}/messages")).json()
    assert [one["data"]["content"] for one in messages] == ["refund A-1", "and now"]


async def test_of_many_at_once_on_a_thread_one_starts(site: Site) -> None:
    answers = await asyncio.gather(*(start(site.client("bot"), thread_id="t", input=f"n {n}") for n in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert len(site.temporal.runs) == 1
    run = next(answer.json() for answer in answers if answer.status_code == 201)
    messages = (await site.client("bot").get(f"/v1/runs/{run['id']}/messages")).json()
    assert [one["data"]["content"] for one in messages] == [run["input"]]


async def test_a_key_starts_once_also_after_the_end(site: Site) -> None:
    bot = site.client("bot")
    run = (await start(bot, key="k", thread_id="t")).json()
    again = await start(bot, key="k", thread_id="t")
    assert (again.status_code, again.json()["id"]) == (201, run["id"])
    await end(site, run)
    assert (await start(bot, key="k", thread_id="t")).json()["id"] == run["id"]
    other = (await start(bot, thread_id="t")).json()
    assert (await start(bot, key="k", thread_id="t")).json()["id"] == run["id"]
    assert len(site.temporal.runs) == 2
    assert other["id"] != run["id"]
    problem(await start(bot, key="k", thread_id="t", input="else"), 422, "idempotency_key_reused")


async def test_a_key_without_a_thread_keeps_its_thread(site: Site) -> None:
    bot = site.client("bot")
    first, again = await start(bot, key="k"), await start(bot, key="k")
    assert first.json()["thread_id"] == again.json()["thread_id"]
    assert len(site.temporal.runs) == 1


async def test_a_key_that_was_busy_starts_later(site: Site) -> None:
    bot = site.client("bot")
    run = (await start(bot, thread_id="t")).json()
    problem(await start(bot, key="k", thread_id="t"), 409, "thread_busy")
    await end(site, run)
    second = await start(bot, key="k", thread_id="t")
    assert second.status_code == 201
    assert second.json()["id"] != run["id"]


async def test_a_run_whose_gateway_died_before_its_row_is_found_again(site: Site) -> None:
    bot = site.client("bot")
    run = (await start(bot, key="k", thread_id="t")).json()
    site.temporal.runs.pop(run["id"])
    assert (await start(bot, key="k", thread_id="t")).json()["id"] == run["id"], "forgotten by Temporal, started again"
    assert not site.temporal.runs


async def test_a_thread_is_taken_by_a_run_that_has_no_row_yet(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "ROW_PAUSE", 0)
    first = starting.run_id_of("t", 1)
    given = RunInput(run_id=first, agent="billing", thread_id="t", input_turn="x", requester="user:bot", max_turns=3)
    await site.temporal.start_run(given, "somebody else's")
    body = problem(await start(site.client("bot"), thread_id="t"), 409, "thread_busy")
    assert body["run"] is None
    assert list(site.temporal.runs) == [first]


async def test_a_thread_of_somebody_else_is_not_there(site: Site) -> None:
    await start(site.client("bot"), thread_id="t")
    problem(await start(site.client("max"), thread_id="t"), 404, "not_found")
    problem(await start(site.client("root"), thread_id="t"), 409, "thread_busy")


@pytest.mark.parametrize(("user", "sees"), [("bot", 1), ("max", 0), ("dana", 0), ("audra", 1), ("root", 1)])
async def test_a_run_is_seen_by_who_started_it_and_by_who_sees_all(site: Site, user: str, sees: int) -> None:
    run = (await start(site.client("bot"))).json()
    client = site.client(user)
    assert len((await client.get("/v1/runs")).json()["items"]) == sees
    for path in ("", "/messages"):
        answer = await client.get(f"/v1/runs/{run['id']}{path}")
        if sees:
            assert answer.status_code == 200
        else:
            problem(answer, 404, "not_found")


async def test_cancelling_asks_the_workflow_to_stop(site: Site) -> None:
    bot = site.client("bot")
    run = (await start(bot)).json()
    site.clock.advance(seconds=5)
    answer = await bot.post(f"/v1/runs/{run['id']}/cancel", json={"reason": "changed my mind"})
    assert (answer.status_code, answer.json()["status"]) == (202, "running")
    assert answer.json()["cancel_requested_at"] == "2026-11-22T12:00:05Z"
    assert site.temporal.runs[run["id"]].cancelled == "changed my mind"
    await end(site, run)
    ended = problem(await bot.post(f"/v1/runs/{run['id']}/cancel"), 409, "run_ended")
    assert ended["run"]["status"] == "completed"


@pytest.mark.parametrize(("user", "status"), [("root", 202), ("audra", 403), ("dana", 404), ("max", 404)])
async def test_only_who_started_it_or_an_admin_cancels(site: Site, user: str, status: int) -> None:
    run = (await start(site.client("bot"))).json()
    assert (await site.client(user).post(f"/v1/runs/{run['id']}/cancel")).status_code == status


async def test_without_temporal_a_run_is_started_later_under_the_same_key(site: Site) -> None:
    bot = site.client("bot")
    site.temporal.reachable = False
    body = problem(await start(bot), 503, "unavailable")
    site.temporal.reachable = True
    assert (await start(bot, key=body["idempotency_key"])).status_code == 201
    assert len(site.temporal.runs) == 1


async def test_unknown_ids_are_not_found(site: Site) -> None:
    for wrong in ("x", "%00", "0" * 32, "run-00000000-0000-0000-0000-000000000000"):
        problem(await site.client("root").get(f"/v1/runs/{wrong}"), 404, "not_found")


async def test_agents_are_listed_as_published(site: Site) -> None:
    await site.ledger.put_agents([AgentRow(name="billing", model="openai:gpt-5-mini")])
    listed = (await site.client("dana").get("/v1/agents")).json()
    assert [one["name"] for one in listed["items"]] == ["billing"]
    assert listed["next_cursor"] is None
