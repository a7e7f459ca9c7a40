"""Deciding while something is away: the worker, the ledger, Temporal, or all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from placet.contracts.decisions import Decision
from placet.contracts.seal import verify
from placet.ledger import Ledger, LedgerUnavailableError
from placet_testing.gateway import QUICK, Site, asked, problem, said

AWAY = "away"


class LedgerAway:
    """A ledger that answers nothing but its key, which the process has read before."""

    def __init__(self, real: Ledger, *, key: bool = True) -> None:
        self._real = real
        self._key = key

    async def seal_key(self) -> bytes:
        if not self._key:
            raise LedgerUnavailableError(AWAY)
        return await self._real.seal_key()

    @property
    def access(self) -> LedgerAway:
        return self

    def __getattr__(self, name: str) -> Any:
        async def away(*_: object, **__: object) -> None:
            raise LedgerUnavailableError(AWAY)

        return away


async def test_without_a_worker_a_decision_is_recorded_and_counts_when_one_returns(site: Site) -> None:
    dana = site.client("dana")
    approval = await asked(site.client("bot"))
    site.temporal.worker_up = False
    answer = await said(dana, approval)
    assert answer.status_code == 202
    assert answer.json() == {"status": "recorded", "decision_id": site.temporal.stored[0]}
    read = (await dana.get(f"/v1/approvals/{approval['id']}")).json()
    assert (read["status"], read["recorded"]) == ("pending", True)
    await site.temporal.return_worker()
    read = (await dana.get(f"/v1/approvals/{approval['id']}")).json()
    assert (read["status"], read["recorded"]) == ("approved", False)
    assert read["decision"]["id"] == answer.json()["decision_id"]


async def test_an_update_that_nobody_waits_for_any_more_still_ends_the_approval(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = site.ledger.record

    async def slow(*given: Any) -> None:
        await asyncio.sleep(2 * QUICK.update.total_seconds())
        await record(*given)

    approval = await asked(site.client("bot"))
    monkeypatch.setattr(site.ledger, "record", slow)
    answer = await said(site.client("dana"), approval)
    assert answer.status_code in {200, 202}
    ended = await site.client("dana").get(f"/v1/approvals/{approval['id']}/wait", params={"timeout": 5})
    assert (ended.status_code, ended.json()["status"]) == (200, "approved")


async def test_of_several_recorded_ones_the_first_wins_and_the_others_are_refused(site: Site) -> None:
    approval = await asked(site.client("bot"))
    site.temporal.worker_up = False
    first = await said(site.client("dana"), approval)
    others = [await said(site.client(user), approval, "reject") for user in ("eve", "max", "root")]
    assert {answer.status_code for answer in (first, *others)} == {202}
    await site.temporal.return_worker()
    read = (await site.client("eve").get(f"/v1/approvals/{approval['id']}")).json()
    assert read["decision"]["id"] == first.json()["decision_id"]
    assert {one["decision_id"] for one in read["refused"]} == {one.json()["decision_id"] for one in others}
    assert {one["code"] for one in read["refused"]} == {"already_decided"}


async def test_while_one_is_on_its_way_later_ones_are_recorded_also_past_the_deadline(site: Site) -> None:
    approval = await asked(site.client("bot"))
    site.temporal.worker_up = False
    assert (await said(site.client("dana"), approval)).status_code == 202
    site.clock.advance(days=4)
    late = await said(site.client("eve"), approval, "reject")
    assert late.status_code == 202
    read = (await site.client("eve").get(f"/v1/approvals/{approval['id']}")).json()
    assert (read["status"], read["recorded"]) == ("pending", True)
    await site.temporal.return_worker()
    read = (await site.client("eve").get(f"/v1/approvals/{approval['id']}")).json()
    assert read["status"] == "approved"


async def test_one_is_on_its_way_as_soon_as_it_is_stored(site: Site) -> None:
    """The first still waits for a worker when the deadline passes; the second must not be told "expired"."""
    approval = await asked(site.client("bot"), expires_after="1s")
    site.clock.advance(seconds=0.95)
    site.temporal.worker_up = False
    first = asyncio.create_task(said(site.client("dana"), approval))
    async with asyncio.timeout(5):
        while not await site.ledger.decision_on_its_way(approval["id"]):  # noqa: ASYNC110 - it is a row
            await asyncio.sleep(0.005)
    assert not first.done()
    site.clock.advance(seconds=1)
    assert (await said(site.client("eve"), approval)).status_code == 202
    assert (await first).status_code == 202


async def test_the_signal_carries_what_the_update_carried(site: Site) -> None:
    approval = await asked(site.client("bot"))
    site.temporal.worker_up = False
    await said(site.client("dana", **{"X-Placet-Client": "cli"}), approval, "edit", args={"amount": 1})
    assert site.temporal.stored == site.temporal.updates
    signal, at = site.temporal.approvals[approval["id"]].signals[0]
    assert at == site.clock()
    assert isinstance(signal, Decision)
    assert (signal.by.id, signal.by.via) == ("user:dana", "cli")
    key = await site.ledger.seal_key()
    assert verify(key, signal.seal, approval["id"], signal.id, signal.fingerprint, signal.by, signal.proof)


async def test_when_ten_updates_wait_already_it_is_stored_at_once(site: Site) -> None:
    approval = await asked(site.client("bot"))
    site.temporal.full = True
    site.temporal.worker_up = False
    assert (await said(site.client("dana"), approval)).status_code == 202


async def test_eight_people_at_once_give_one_winner_and_seven_that_know_it(site: Site) -> None:
    approval = await asked(site.client("bot"))
    site.temporal.pause = 0.01
    people = [site.client(user) for user in ("dana", "eve", "max", "both", "root", "dana", "eve", "max")]
    answers = await asyncio.gather(*(said(person, approval) for person in people))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    winner = next(answer.json() for answer in answers if answer.status_code == 200)
    for answer in answers:
        if answer.status_code == 409:
            lost = problem(answer, 409, "already_decided")
            assert lost["approval"]["decision"]["id"] == winner["decision"]["id"]
    assert site.temporal.together == 1


async def test_without_temporal_it_is_unavailable_and_says_what_to_repeat(site: Site) -> None:
    approval = await asked(site.client("bot"))
    site.temporal.reachable = False
    answer = await said(site.client("dana"), approval)
    body = problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"]
    assert body["maybe_recorded"] is True
    site.temporal.reachable = True
    again = await said(site.client("dana"), approval, key=body["idempotency_key"])
    assert again.json()["decision"]["id"] == body["decision_id"]


async def test_without_a_connection_nothing_was_recorded_for_sure(site: Site) -> None:
    approval = await asked(site.client("bot"))
    site.temporal.reachable = False
    site.temporal.connected = False
    body = problem(await said(site.client("dana"), approval, key="mine"), 503, "unavailable")
    assert body["maybe_recorded"] is False
    assert body["idempotency_key"] == "mine"


async def test_without_the_ledger_a_decision_still_counts(site: Site, make_site: Callable[..., Site]) -> None:
    approval = await asked(site.client("bot"))
    blind = make_site(ledger=LedgerAway(site.ledger), temporal=site.temporal)
    answer = (await said(blind.client("dana"), approval)).json()
    assert (answer["status"], answer["args"]) == ("approved", {"amount": 250, "order": "A-1"})
    assert answer["temporal"]["url"]
    late = problem(await said(blind.client("eve"), approval), 409, "already_decided")
    assert late["approval"]["decision"]["id"] == answer["decision"]["id"]


async def test_without_the_ledger_rights_and_shape_are_still_checked(
    site: Site, make_site: Callable[..., Site]
) -> None:
    approval = await asked(site.client("bot"), approvers=["group:finance"])
    blind = make_site(ledger=LedgerAway(site.ledger), temporal=site.temporal)
    problem(await said(blind.client("eve"), approval), 404, "not_found")
    problem(await said(blind.client("both"), approval), 403, "not_an_approver")
    problem(await said(blind.client("dana"), {**approval, "digest": "x"}), 409, "stale_digest")
    problem(await said(blind.client("dana"), {**approval, "id": "0" * 32}), 404, "not_found")


async def test_without_the_ledger_and_a_worker_nobody_can_say_and_nothing_is_sent(
    site: Site, make_site: Callable[..., Site]
) -> None:
    approval = await asked(site.client("bot"))
    site.temporal.worker_up = False
    blind = make_site(ledger=LedgerAway(site.ledger), temporal=site.temporal)
    body = problem(await said(blind.client("dana"), approval), 503, "unavailable")
    assert body["maybe_recorded"] is False
    assert not site.temporal.updates


async def test_without_its_seal_no_decision_is_sent(site: Site, make_site: Callable[..., Site]) -> None:
    approval = await asked(site.client("bot"))
    blind = make_site(ledger=LedgerAway(site.ledger, key=False), temporal=site.temporal)
    body = problem(await said(blind.client("dana"), approval), 503, "unavailable")
    assert body["maybe_recorded"] is False
    assert not site.temporal.updates


async def test_reading_without_the_ledger_is_unavailable(site: Site, make_site: Callable[..., Site]) -> None:
    blind = make_site(ledger=LedgerAway(site.ledger), temporal=site.temporal)
    for path in ("/v1/approvals", "/v1/runs", "/v1/agents"):
        answer = await blind.client("dana").get(path)
        assert problem(answer, 503, "unavailable")["maybe_recorded"] is False
        assert answer.headers["retry-after"]
    assert (await blind.client().get("/healthz")).status_code == 200
