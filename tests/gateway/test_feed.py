"""Live events over HTTP: who hears what, from when, and until when."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from contextlib import AsyncExitStack

import pytest

from placet.api.feed.feed import Feed, Pace
from placet.api.feed.ring import Ring
from placet.contracts.runs import CloseInput
from placet.ledger import Ledger, LedgerUnavailableError, RunRow
from placet_testing.fake_temporal import EPOCH
from placet_testing.gateway import Site, asked, problem, said
from placet_testing.listening import listening

RUN = "run-00000000-0000-5000-8000-000000000001"
OTHER = "run-00000000-0000-5000-8000-000000000002"


@pytest.fixture
def site(site: Site) -> Site:
    """A gateway whose streams keep a quick pace, and a ring that soon forgets."""
    services = site.app.state.services
    pace = Pace(heartbeat=0.2, look=0.5, after_an_error=0.05, page=3)
    feed = Feed(site.ledger, services.stopping, pace, Ring(4))
    site.app.state.services = dataclasses.replace(services, feed=feed)
    return site


async def opened(ledger: Ledger, run_id: str = RUN, requester: str = "user:bot") -> None:
    row = RunRow(id=run_id, agent="billing", thread_id=f"of-{run_id}", requester=requester, started_at=EPOCH)
    await ledger.open_run(row)


async def closed(ledger: Ledger, run_id: str = RUN) -> None:
    await ledger.close_run(
        CloseInput(run_id=run_id, agent="billing", thread_id=f"of-{run_id}", status="completed"), at=EPOCH
    )


async def whole_log(ledger: Ledger) -> list[str]:
    return [event.id for event in await ledger.events_after(None)]


async def test_events_come_as_they_are_in_the_log(site: Site) -> None:
    await asked(site.client("bot"))
    async with listening(site, "root") as stream:
        approval = await asked(site.client("bot"))
        await said(site.client("dana"), approval, message="All right\u2028so")
        await stream.until(events=2)
        assert stream.types == ["approval.requested", "approval.decided"]
        assert stream.ids == (await whole_log(site.ledger))[1:], "without a cursor it begins at the tail"
        assert stream.events[1]["approval_id"] == approval["id"]
        assert stream.events[1]["at"].endswith("Z")
        assert set(stream.events[1]) == {"id", "type", "at", "run_id", "approval_id", "call_id", "actor", "data"}
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert stream.headers["cache-control"] == "no-store"
    assert stream.headers["x-accel-buffering"] == "no"
    assert stream.headers["x-placet-cursor"] == (await whole_log(site.ledger))[0]
    assert "content-length" not in stream.headers


async def test_who_comes_back_misses_nothing_and_gets_nothing_twice(site: Site) -> None:
    ids: list[str] = []
    last: str | None = None
    for number in range(6):
        async with listening(site, "root", last=last) as stream:
            for _ in range(number):
                await asked(site.client("bot"))
            await stream.until(events=number)
            ids += stream.ids
        last = ids[-1] if ids else stream.headers["x-placet-cursor"]
        await asked(site.client("bot"))
        async with listening(site, "root", last_event_id=last) as stream:
            await stream.until(events=1)
            ids += stream.ids
            last = stream.ids[-1]
    assert ids == await whole_log(site.ledger)


async def test_the_header_wins_over_the_query(site: Site) -> None:
    """A browser that reconnects keeps its address, and says in the header how far it has come."""
    for _ in range(3):
        await asked(site.client("bot"))
    first, second, third = await whole_log(site.ledger)
    async with listening(site, "root", last=second, last_event_id=first) as stream:
        await stream.until(events=1)
        assert stream.ids == [third]


async def test_each_hears_what_they_may_see(site: Site) -> None:
    users = ("root", "audra", "dana", "eve", "bot", "max")
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(listening(site, user)) for user in users]
        for_finance = await asked(site.client("bot"), approvers=["group:finance"])
        for_eve = await asked(site.client("max"), approvers=["user:eve"])
        await opened(site.ledger)
        await opened(site.ledger, OTHER, "user:max")
        log = await whole_log(site.ledger)
        finance, eve, of_bot, of_max = log
        hears = {
            "root": log,
            "audra": log,
            "dana": [finance],
            "eve": [eve],
            "bot": [finance, of_bot],
            "max": [eve, of_max],
        }
        for user, stream in zip(users, streams, strict=True):
            await stream.until(events=len(hears[user]))
        await asyncio.sleep(0.3)
        assert {user: stream.ids for user, stream in zip(users, streams, strict=True)} == hears
    assert for_finance["id"] != for_eve["id"]


async def test_types_filter(site: Site) -> None:
    async with (
        listening(site, "root", types="approval.decided,approval.expired") as one,
        listening(site, "root", types=["approval.requested", "approval.decided"]) as several,
    ):
        await said(site.client("dana"), await asked(site.client("bot")))
        await several.until(events=2)
        await one.until(events=1)
        assert (one.types, several.types) == (["approval.decided"], ["approval.requested", "approval.decided"])


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"types": "approval.decided,nonsense"}, "types"),
        ({"types": ""}, "types"),
        ({"limit": "5"}, "limit"),
        ({"last_event_id": ""}, "last_event_id"),
        ({"last_event_id": "1"}, "last_event_id"),
        ({"last_event_id": "-000000000000001"}, "last_event_id"),
        ({"last_event_id": "x" * 16}, "last_event_id"),
        ({"last_event_id": "9" * 16}, "last_event_id"),
        ({"last_event_id": "x" * 10_000}, "last_event_id"),
    ],
)
async def test_what_is_no_query_of_a_stream_is_refused(site: Site, query: dict[str, str], pointer: str) -> None:
    await opened(site.ledger)
    for path in ("/v1/events", f"/v1/runs/{RUN}/events"):
        body = problem(await site.client("root").get(path, params=query), 422, "invalid_query")
        assert body["errors"][0]["pointer"] == pointer
    header = await site.client("root").get("/v1/events", headers={"Last-Event-ID": "nonsense"})
    problem(header, 422, "invalid_query")


async def test_a_run_is_told_from_its_start_to_its_end_then_the_stream_is_closed(site: Site) -> None:
    await opened(site.ledger)
    await opened(site.ledger, OTHER)
    path = f"/v1/runs/{RUN}/events"
    async with listening(site, "bot", path) as stream:
        await stream.until(events=1)
        await closed(site.ledger, OTHER)
        await closed(site.ledger)
        await stream.until(closed=True)
        assert stream.types == ["run.started", "run.completed"]
    async with listening(site, "bot", path) as late, listening(site, "bot", path, types="run.started") as filtered:
        await late.until(closed=True)
        await filtered.until(closed=True)
        assert late.ids == stream.ids
        assert filtered.ids == stream.ids[:1]
    async with listening(site, "bot", path, last=stream.ids[0]) as rest:
        await rest.until(closed=True)
        assert rest.ids == stream.ids[1:]
    async with listening(site, "bot", path, last=stream.ids[1]) as nothing:
        assert (nothing.status, nothing.closed, nothing.body) == (204, True, b"")


async def test_a_run_that_one_may_not_see_is_not_found(site: Site) -> None:
    await opened(site.ledger)
    for user in ("dana", "max"):
        problem(await site.client(user).get(f"/v1/runs/{RUN}/events"), 404, "not_found")
    problem(await site.client("bot").get("/v1/runs/run-nonsense/events"), 404, "not_found")
    problem(await site.client("nobody").get("/v1/events"), 403, "not_allowed")


async def test_silence_is_broken(site: Site) -> None:
    async with listening(site, "root") as stream:
        await stream.until(comments=3)
        assert stream.events == []
        assert stream.body == b""


async def test_a_client_that_goes_is_forgotten(site: Site) -> None:
    feed: Feed = site.app.state.services.feed
    async with listening(site, "root"), listening(site, "bot"):
        assert feed.streams == 2
    assert feed.streams == 0
    await feed.idle()


async def test_a_slow_client_catches_up_and_holds_up_nobody(site: Site) -> None:
    async with listening(site, "root") as slow, listening(site, "root") as quick:
        slow.reads.clear()
        for _ in range(8):
            approval = await asked(site.client("bot"), args={"amount": 1, "order": "x" * 20_000})
            await said(site.client("dana"), approval, message="y" * 20_000)
        await quick.until(events=16)
        assert slow.events == []
        slow.reads.set()
        await slow.until(events=16)
        assert slow.ids == quick.ids == await whole_log(site.ledger)


async def test_when_the_process_stops_every_stream_ends_at_once(site: Site) -> None:
    async with listening(site, "root") as stream:
        site.app.state.services.stopping.set()
        await stream.until(closed=True)
        assert stream.events == []


async def test_while_the_ledger_is_down_streams_stay_and_then_go_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening(site, "root") as stream, listening(site, "dana") as hers:
        await asked(site.client("bot"))
        await stream.until(events=1)
        with monkeypatch.context() as patched:
            patched.setattr(site.ledger, "tail", _down)
            patched.setattr(site.ledger, "events_after", _down)
            patched.setattr(site.ledger, "events_seen", _down)
            for _ in range(5):
                await asked(site.client("bot"))
            before = stream.comments
            await stream.until(comments=before + 2)
            assert len(stream.events) == 1
        await stream.until(events=6)
        await hers.until(events=6)
        assert stream.ids == hers.ids == await whole_log(site.ledger)


async def _down(*_: object, **__: object) -> None:
    reason = "a test says so"
    raise LedgerUnavailableError(reason)


async def test_data_is_one_line_that_no_reader_breaks(site: Site) -> None:
    async with listening(site, "root") as stream:
        approval = await asked(site.client("bot"), title="a\u2028b\x85c\nd\re")
        await stream.until(events=1)
        assert stream.events[0]["data"]["title"] == json.loads(json.dumps(approval["title"]))
