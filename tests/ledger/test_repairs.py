"""What the reconciler reads and writes: every open row once, sightings that count, ends that come first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from placet.contracts.events import RunReset, TurnCompleted
from placet.contracts.reconciling import RECONCILER
from placet.contracts.records import EndedEntry
from placet.contracts.runs import CloseInput, ModelCall
from placet.ledger import Ledger, Page, TurnRow
from placet_testing.ledger_samples import (
    a_call,
    a_decision,
    a_message,
    a_run,
    after,
    an_approval,
    ended_by,
    expired,
    new_id,
    some_args,
)

APART: Final = timedelta(seconds=50)
CANCELLED: Final = EndedEntry(status="cancelled", by=RECONCILER, reason="gone", at=after(minutes=9))


async def test_pages_hold_every_open_approval_once_and_the_oldest_first(ledger: Ledger) -> None:
    open_ones = [an_approval(requested_at=after(seconds=place // 2)) for place in range(7)]
    over = an_approval()
    young = an_approval(requested_at=after(minutes=2))
    for asked in (*open_ones, over, young):
        await ledger.record(asked, 0, (expired(asked),) if asked is over else ())
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await ledger.repairs.open_approvals(after(minutes=1), cursor, 2)
        assert len(page.items) <= 2
        found += [row.id for row in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == [one.id for one in sorted(open_ones, key=lambda one: (one.requested_at, one.id))]


async def test_a_page_is_followed_by_the_rest_also_where_its_rows_have_ended_meanwhile(ledger: Ledger) -> None:
    three = [an_approval(requested_at=after(seconds=place)) for place in range(3)]
    for asked in three:
        await ledger.record(asked, 0, ())
    page = await ledger.repairs.open_approvals(after(minutes=1), None, 1)
    assert [(row.id, row.workflow_id, row.expires_at) for row in page.items] == [
        (three[0].id, three[0].workflow_id, three[0].expires_at)
    ]
    await ledger.record(three[0], 1, (expired(three[0]),))
    rest = await ledger.repairs.open_approvals(after(minutes=1), page.next_cursor, 5)
    assert rest == Page(rest.items, None)
    assert [row.id for row in rest.items] == [three[1].id, three[2].id]


async def test_open_runs_are_those_that_have_not_ended(ledger: Ledger) -> None:
    waiting, over = a_run(workflow_run_id="run-1"), a_run()
    for run in (waiting, over):
        await ledger.open_run(run)
    close = CloseInput(run_id=over.id, agent=over.agent, thread_id=over.thread_id, status="completed")
    await ledger.close_run(close)
    (found,) = (await ledger.repairs.open_runs(after(minutes=1), None, 10)).items
    assert (found.id, found.workflow_id, found.workflow_run_id) == (waiting.id, waiting.id, "run-1")
    assert (await ledger.repairs.open_runs(waiting.started_at, None, 10)).items == ()


async def see(ledger: Ledger, now: datetime, **marks: str | None) -> set[str]:
    return set(await ledger.repairs.sight("approval", marks, now, APART))


async def test_a_second_sighting_counts_when_it_is_late_enough_and_the_same(ledger: Ledger) -> None:
    assert await see(ledger, after(), one="gone", two="gone", fine=None) == set()
    assert await see(ledger, after(seconds=49), one="gone", two="gone") == set()
    assert await see(ledger, after(seconds=50), one="gone", two="ended") == {"one"}
    assert await see(ledger, after(seconds=51), one="gone") == set(), "what was returned is forgotten"
    assert await see(ledger, after(seconds=99), two="ended") == set()
    assert await see(ledger, after(seconds=100), two="ended") == {"two"}


async def test_a_sighting_is_taken_back_where_nothing_is_wrong(ledger: Ledger) -> None:
    await see(ledger, after(), one="gone")
    await see(ledger, after(minutes=1), one=None)
    assert await see(ledger, after(minutes=2), one="gone") == set()


async def test_a_run_and_an_approval_of_one_id_are_two(ledger: Ledger) -> None:
    await see(ledger, after(), one="gone")
    assert await ledger.repairs.sight("run", {"one": "gone"}, after(minutes=1), APART) == frozenset()


async def test_reconcilers_that_look_at_once_repair_once(ledger: Ledger, another: Callable[[], Ledger]) -> None:
    await see(ledger, after(), one="gone")
    found = await asyncio.gather(*(see(one, after(minutes=1), one="gone") for one in (ledger, another(), another())))
    assert sorted(map(len, found)) == [0, 0, 1]


async def test_a_ledger_knows_the_latest_namespace_that_it_was_found_in(ledger: Ledger) -> None:
    assert await ledger.repairs.namespace() is None
    await ledger.repairs.belongs_to("one", after())
    await ledger.repairs.belongs_to("two", after(minutes=1))
    assert await ledger.repairs.namespace() == "two"


async def test_of_the_workflows_end_and_the_reconcilers_the_first_stays(ledger: Ledger) -> None:
    for reconciler_first in (True, False):
        asked = an_approval()
        decision = a_decision(asked)
        await ledger.record(asked, 0, ())
        ends = [
            lambda asked=asked: ledger.repairs.end_approval(asked, CANCELLED),
            lambda asked=asked, decision=decision: ledger.record(asked, 1, (ended_by(decision, asked),)),
        ]
        for end in ends if reconciler_first else reversed(ends):
            await end()
        found = await ledger.approval(asked.id, after(minutes=10))
        assert found is not None
        assert found.status == ("cancelled" if reconciler_first else "approved")
        told = [event.type for event in await ledger.events_after(None) if event.approval_id == asked.id]
        assert len(told) == 2


async def test_both_ends_at_once_are_one(ledger: Ledger, another: Callable[[], Ledger]) -> None:
    other = another()
    for _ in range(10):
        asked = an_approval()
        decision = a_decision(asked)
        await ledger.record(asked, 0, ())
        await asyncio.gather(
            ledger.repairs.end_approval(asked, CANCELLED), other.record(asked, 1, (ended_by(decision, asked),))
        )
        told = [event for event in await ledger.events_after(None) if event.approval_id == asked.id]
        found = await ledger.approval(asked.id, after(minutes=10))
        assert found is not None
        assert [event.type for event in told][1:] == [
            "approval.cancelled" if found.status == "cancelled" else "approval.decided"
        ]


async def test_a_decision_on_its_way_is_told_that_it_did_not_count(ledger: Ledger) -> None:
    asked = an_approval()
    decision = a_decision(asked)
    await ledger.record(asked, 0, ())
    await ledger.note_recorded(asked.id, decision)
    await ledger.repairs.end_approval(asked, CANCELLED)
    stored = await ledger.stored_decision(asked.id, decision.id)
    assert stored is not None
    assert (stored.state, stored.code) == ("refused", "cancelled")


async def test_a_reset_is_told_once_by_whoever_comes_first(ledger: Ledger, another: Callable[[], Ledger]) -> None:
    await ledger.open_run(a_run(workflow_run_id="run-1"))
    (row,) = (await ledger.repairs.open_runs(after(minutes=1), None, 10)).items
    noted = await asyncio.gather(
        *(
            one.repairs.follow(row, "run-2", RunReset(turn=1), after(minutes=1))
            for one in (ledger, another(), another())
        )
    )
    assert sorted(noted) == [False, False, True]
    told = [(event.type, event.actor, event.data) for event in await ledger.events_after(None)]
    assert told[1:] == [("run.reset", "operator", {"turn": 1})]
    (row,) = (await ledger.repairs.open_runs(after(minutes=1), None, 10)).items
    assert row.workflow_run_id == "run-2"
    assert await ledger.repairs.follow(row, "run-3", None, after(minutes=2))
    assert len(await ledger.events_after(None)) == 2


async def test_a_run_that_has_ended_follows_nothing(ledger: Ledger) -> None:
    run = a_run(workflow_run_id="run-1")
    await ledger.open_run(run)
    (row,) = (await ledger.repairs.open_runs(after(minutes=1), None, 10)).items
    close = CloseInput(run_id=run.id, agent=run.agent, thread_id=run.thread_id, status="completed")
    await ledger.close_run(close)
    assert not await ledger.repairs.follow(row, "run-2", RunReset(), after(minutes=1))
    assert [event.type for event in await ledger.events_after(None)] == ["run.started", "run.completed"]


async def test_what_a_run_leaves_behind_is_known_call_by_call(ledger: Ledger) -> None:
    run = a_run()
    await ledger.open_run(run)
    assert (await ledger.repairs.unfinished(run.id)).turn is None
    calls = tuple(ModelCall(index=index, call_id="call_0", tool="refund") for index in range(3))
    turn = TurnRow(id=new_id(), run_id=run.id, thread_id=run.thread_id, turn=0, calls=calls)
    await ledger.put_turn(turn, completed=TurnCompleted(turn=0, message_id="said", calls=3))
    close_to = [a_call(run, 0, index) for index in range(3)]
    await ledger.start_call(close_to[0], some_args("refund", {}), 0, owner="me", approval_id=None, idempotent=False)
    await ledger.settle_call(close_to[1], "old", a_message("old", "tool"))
    await ledger.settle_call(close_to[1], "new", a_message("new", "tool"))
    left = await ledger.repairs.unfinished(run.id)
    assert [(call.index, call.tool, call.agent, again) for call, again in left.running] == [(0, "refund", run.agent, 0)]
    assert (left.turn, left.answers, left.uncertain) == (turn, {1: "new"}, {0})
