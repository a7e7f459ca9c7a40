"""Waiting for an end, and the lists."""

from __future__ import annotations

import asyncio
from typing import Any

from placet.api.approvals.waiting import RECHECK, until_ended
from placet_testing.gateway import Site, asked, said


async def wait(site: Site, approval: dict[str, Any], seconds: float) -> Any:
    return await site.client("bot").get(f"/v1/approvals/{approval['id']}/wait", params={"timeout": seconds})


async def test_who_waits_is_answered_as_soon_as_it_has_ended(site: Site) -> None:
    approval = await asked(site.client("bot"))
    waiting = [asyncio.create_task(wait(site, approval, 30)) for _ in range(5)]
    await asyncio.sleep(0.1)
    assert not any(task.done() for task in waiting)
    await said(site.client("dana"), approval)
    async with asyncio.timeout(5):
        answers = await asyncio.gather(*waiting)
    assert {(answer.status_code, answer.json()["status"]) for answer in answers} == {(200, "approved")}


async def test_what_has_ended_is_answered_at_once(site: Site) -> None:
    approval = await asked(site.client("bot"))
    await said(site.client("dana"), approval, "reject")
    async with asyncio.timeout(5):
        assert (await wait(site, approval, 300)).json()["status"] == "rejected"


async def test_an_end_that_is_told_while_the_approval_is_read_is_not_missed(site: Site) -> None:
    """The reading began before the end, so what it gives is old when it arrives."""
    feed, clock = site.app.state.services.feed, site.clock
    approval = await asked(site.client("bot"))
    read = site.app.state.services.lookup.known
    readings = 0

    async def slow() -> Any:
        nonlocal readings
        readings += 1
        found = await read(approval["id"])
        if readings == 1:
            await said(site.client("dana"), approval)
            await asyncio.sleep(0.3)  # the log has told of it by then, or the next look is five seconds away
        return found

    ended = until_ended(feed, slow, 30, approval_id=approval["id"], clock=clock, stopping=asyncio.Event())
    async with asyncio.timeout(RECHECK - 1):
        assert (await ended) is not None
    assert readings == 2


async def test_when_the_time_is_over_there_is_nothing_to_say(site: Site) -> None:
    answer = await wait(site, await asked(site.client("bot")), 0.05)
    assert (answer.status_code, answer.content) == (204, b"")


async def test_the_deadline_ends_a_wait_with_no_worker_up(site: Site) -> None:
    approval = await asked(site.client("bot"), expires_after="1s")
    site.temporal.worker_up = False
    waiting = asyncio.create_task(wait(site, approval, 30))
    await asyncio.sleep(0.1)
    site.clock.advance(seconds=1)
    async with asyncio.timeout(5):
        assert (await waiting).json()["status"] == "expired"


async def test_a_process_that_stops_lets_nobody_wait(site: Site) -> None:
    waiting = asyncio.create_task(wait(site, await asked(site.client("bot")), 300))
    await asyncio.sleep(0.1)
    site.app.state.services.stopping.set()
    async with asyncio.timeout(5):
        assert (await waiting).status_code == 204


async def test_nothing_follows_the_log_when_nobody_waits(site: Site) -> None:
    await wait(site, await asked(site.client("bot")), 0.05)
    async with asyncio.timeout(5):
        await site.app.state.services.feed.idle()


async def test_a_list_shows_by_default_what_is_pending_the_nearest_deadline_first(site: Site) -> None:
    bot = site.client("bot")
    never = await asked(bot, expires_after="never")
    late, soon, gone = await asked(bot, expires_after="2d"), await asked(bot, expires_after="1d"), await asked(bot)
    await said(site.client("dana"), gone)
    listed = (await site.client("dana").get("/v1/approvals")).json()
    assert [one["id"] for one in listed["items"]] == [soon["id"], late["id"], never["id"]]
    ended = (await site.client("dana").get("/v1/approvals?status=ended")).json()["items"]
    assert [one["id"] for one in ended] == [gone["id"]]
    both = (await site.client("dana").get("/v1/approvals?status=approved&status=pending")).json()["items"]
    assert len(both) == 4


async def test_pages_of_a_list_hold_everything_once(site: Site) -> None:
    bot, dana = site.client("bot"), site.client("dana")
    made = {(await asked(bot))["id"] for _ in range(7)}
    found: list[str] = []
    cursor: str | None = None
    while True:
        query: dict[str, Any] = {"limit": 3, "sort": "-requested_at", **({"cursor": cursor} if cursor else {})}
        page = (await dana.get("/v1/approvals", params=query)).json()
        found += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert (len(found), set(found)) == (7, made)
