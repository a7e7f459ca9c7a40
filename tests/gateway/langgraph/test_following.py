"""How long a stream of this surface goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from httpx import Response

from placet.contracts.runs import CloseInput
from placet.langgraph_api.ids import first_segment_of
from placet.ledger import AgentRow, MessageDict
from placet_testing.gateway import Site, mark_of, problem


@pytest.fixture
async def place(site: Site) -> str:
    """Where a run of the bot's is followed, which goes on."""
    await site.ledger.put_agents([AgentRow(name="billing", model="openai:gpt-5-mini")])
    run = (await site.client("bot").post("/v1/runs", json={"agent": "billing", "input": "x"})).json()
    return f"/langgraph/threads/{run['thread_id']}/runs/{first_segment_of(run['id'])}"


@asynccontextmanager
async def following(site: Site, user: str, path: str) -> AsyncGenerator[asyncio.Task[Response]]:
    """Follows until the gateway ends the answer; inside it has begun."""
    answer = asyncio.create_task(site.client(user).get(path))
    async with asyncio.timeout(10):
        await site.app.state.services.feed.begun()
    try:
        yield answer
    finally:
        answer.cancel()


async def test_a_stream_ends_when_its_key_is_revoked_and_says_nothing_of_an_end(site: Site, place: str) -> None:
    async with following(site, "bot", f"{place}/stream") as hers, following(site, "root", f"{place}/stream") as other:
        key = mark_of("bot").removeprefix("sha256:")[:12]
        await site.client("root").post(f"/v1/keys/{key}/revoke")
        async with asyncio.timeout(5):
            stream = (await hers).text
        assert not other.done()
    events = [line for line in stream.splitlines() if line.startswith("event:")]
    assert events == ["event: metadata", "event: values"], "a client that sees no end asks for the run, and gets 401"
    problem(await site.client("bot").get(place), 401, "unauthenticated")


async def test_who_waited_for_the_end_is_not_shown_what_was_before_it(site: Site, place: str) -> None:
    async with following(site, "bot", f"{place}/join") as waiting:
        site.app.state.services.stopping.set()
        async with asyncio.timeout(5):
            state = json.loads((await waiting).text)
    assert state["__error__"]["error"] == "NotFollowed"


async def test_what_was_said_last_is_read_where_the_run_ends_while_its_messages_are_read(
    site: Site, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = (await site.client("bot").get("/v1/runs")).json()["items"]
    read, endings = (
        site.ledger.run_messages,
        [CloseInput(run_id=run["id"], agent="billing", thread_id=run["thread_id"], status="completed")],
    )

    async def read_and_end(run_id: str) -> list[MessageDict]:
        messages = await read(run_id)
        if not endings:
            return [*messages, {"type": "ai", "data": {"content": "Done.", "id": "last"}}]
        await site.ledger.close_run(endings.pop(), "Done.", site.clock())
        return messages

    monkeypatch.setattr(site.ledger, "run_messages", read_and_end)
    state = (await site.client("bot").get(f"{place}/join")).json()
    assert [message["content"] for message in state["messages"]] == ["x", "Done."]
