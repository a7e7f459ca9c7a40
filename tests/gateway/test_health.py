"""Alive, and ready: each part by its name, tied to what lives now."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest

from placet.api.health.readiness import Sightings
from placet.api.ports import Poller
from placet.ledger import Ledger, LedgerUnavailableError
from placet_testing.fake_temporal import EPOCH
from placet_testing.gateway import Site

AWAY = "away"
HOST = socket.gethostname()


async def parts(site: Site) -> dict[str, bool]:
    answer = await site.client().get("/readyz")
    body = answer.json()
    good = {name: body[name]["ok"] for name in ("temporal", "ledger", "worker")}
    assert (answer.status_code, body["status"]) == ((200, "ready") if all(good.values()) else (503, "not_ready"))
    return good


async def test_ready_when_everything_is_there(site: Site) -> None:
    site.temporal.polling = [Poller(f"{os.getpid()}@{HOST}", site.clock())]
    assert await parts(site) == {"temporal": True, "ledger": True, "worker": True}


async def test_without_a_worker_it_is_not_ready_and_alive(site: Site) -> None:
    assert await parts(site) == {"temporal": True, "ledger": True, "worker": False}
    assert (await site.client().get("/healthz")).json() == {"status": "ok"}


async def test_a_worker_that_has_not_polled_for_long_does_not_count(site: Site) -> None:
    site.temporal.polling = [Poller("1@elsewhere", site.clock() - timedelta(seconds=76))]
    assert not (await parts(site))["worker"]
    site.temporal.polling = [Poller("1@elsewhere", site.clock() - timedelta(seconds=59))]
    assert (await parts(site))["worker"]


async def test_a_clock_that_is_an_hour_off_makes_no_worker_vanish(site: Site) -> None:
    for hours in (1, -1):
        site.temporal.polling = [Poller(f"{hours}@elsewhere", site.clock() - timedelta(hours=hours))]
        assert (await parts(site))["worker"]


async def test_who_seemed_gone_and_polls_again_lives(site: Site) -> None:
    polled = site.clock() - timedelta(seconds=200)
    site.temporal.polling = [Poller("1@elsewhere", polled)]
    assert not (await parts(site))["worker"]
    site.temporal.polling = [Poller("1@elsewhere", polled + timedelta(seconds=60))]
    assert (await parts(site))["worker"]
    assert (await parts(site))["worker"], "nobody polls more often than once a minute"


@pytest.mark.parametrize("hours", [1, -1])
def test_a_worker_whose_polls_stand_still_is_gone_whatever_the_clock_says(hours: int) -> None:
    passed, now = 0.0, EPOCH + timedelta(hours=hours)
    sightings = Sightings(lambda: passed)
    polls = [Poller("1@elsewhere", EPOCH)]
    assert sightings.living(polls, now) == polls
    passed = 74.0
    assert sightings.living(polls, now) == polls
    passed = 76.0
    assert sightings.living(polls, now) == []


async def test_a_worker_of_this_machine_that_was_killed_does_not_count(site: Site) -> None:
    gone = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await gone.wait()
    for identity in (f"{gone.pid}@{HOST}", f"placet-worker {gone.pid}@{HOST}"):
        site.temporal.polling = [Poller(identity, site.clock())]
        assert not (await parts(site))["worker"], identity


async def test_without_temporal_nobody_knows_of_workers(site: Site) -> None:
    site.temporal.reachable = False
    assert await parts(site) == {"temporal": False, "ledger": True, "worker": False}


async def test_without_the_ledger_it_says_so(site: Site, make_site: Callable[..., Site]) -> None:
    class Away:
        access = None

        async def ping(self) -> None:
            raise LedgerUnavailableError(AWAY)

        async def seal_key(self) -> bytes:
            raise LedgerUnavailableError(AWAY)

    blind = make_site(ledger=Away(), temporal=site.temporal)
    assert not (await parts(blind))["ledger"]


async def test_a_ledger_that_was_never_migrated_is_not_ready(make_site: Callable[..., Site], site: Site) -> None:
    empty = make_site(ledger=Ledger.at("/nonexistent/folder/ledger.db"), temporal=site.temporal)
    assert not (await parts(empty))["ledger"]
    answer = await empty.client("dana").get("/v1/approvals")
    assert answer.status_code == 503
