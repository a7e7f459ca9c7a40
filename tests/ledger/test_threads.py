"""Threads: made before any run or with one, seen by who may, hidden but never erased."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from placet.contracts.runs import CloseInput
from placet.ledger import Ledger, RunRow, SegmentRow, Shown, ThreadQuery, ThreadRow, ThreadStatus, Viewer
from placet_testing.ledger_samples import NOON, an_approval

DANA = Viewer("user:dana", roles=frozenset({"requester"}))
EVE = Viewer("user:eve", roles=frozenset({"requester", "approver"}))


def a_thread(name: str, owner: str = "user:dana", minutes: int = 0, **more: object) -> ThreadRow:
    at = NOON + timedelta(minutes=minutes)
    given: dict[str, object] = {"id": name, "owner": owner, "created_at": at, "updated_at": at, **more}
    return ThreadRow(**given)  # pyright: ignore[reportArgumentType] - as the test gives it


def a_run(thread: str, name: str = "run-1", minutes: int = 0) -> RunRow:
    at = NOON + timedelta(minutes=minutes)
    return RunRow(id=name, agent="billing", thread_id=thread, requester="user:dana", started_at=at)


async def test_a_thread_is_made_once(ledger: Ledger) -> None:
    assert await ledger.threads.open(a_thread("t", metadata={"a": 1}))
    assert not await ledger.threads.open(a_thread("t", owner="user:eve"))
    assert await ledger.threads.one("t") == a_thread("t", metadata={"a": 1})


async def test_a_run_makes_its_thread_or_brings_it_to_the_front(ledger: Ledger) -> None:
    await ledger.threads.open(a_thread("t", metadata={"a": 1}))
    await ledger.open_run(a_run("t", minutes=1))
    await ledger.open_run(a_run("new", "run-2", minutes=2))
    found = await ledger.threads.page(ThreadQuery(), NOON)
    assert [(one.id, one.agent, dict(one.metadata)) for one in found] == [
        ("new", "billing", {}),
        ("t", "billing", {"a": 1}),
    ]
    assert found[1].updated_at == NOON + timedelta(minutes=1)
    assert found[0].owner == "user:dana"


async def test_a_deleted_thread_is_in_no_list_and_its_run_stays(ledger: Ledger) -> None:
    await ledger.open_run(a_run("t"))
    await ledger.threads.delete("t", NOON)
    await ledger.threads.change("t", {"x": 1}, NOON)
    kept = await ledger.threads.one("t")
    assert kept is not None
    assert (kept.deleted_at, kept.metadata) == (NOON, {})
    assert await ledger.threads.page(ThreadQuery(), NOON) == []
    assert await ledger.threads.count(ThreadQuery(), NOON) == 0
    assert await ledger.run("run-1", NOON) is not None
    assert not await ledger.threads.open(a_thread("t"))


async def test_somebody_sees_their_own_threads_and_those_whose_approvals_name_them(ledger: Ledger) -> None:
    await ledger.open_run(a_run("theirs"))
    await ledger.open_run(a_run("named", "run-2"))
    await ledger.threads.open(a_thread("hers", "user:eve"))
    asked = an_approval(run_id="run-2", thread_id="named", approvers=("user:eve",), requester="user:dana")
    await ledger.record(asked, 0, ())
    seen = {one.id for one in await ledger.threads.page(ThreadQuery(visible_to=EVE), NOON)}
    assert seen == {"named", "hers"}
    assert await ledger.threads.one("theirs", EVE) is None
    assert await ledger.threads.count(ThreadQuery(visible_to=DANA), NOON) == 2


@pytest.mark.parametrize("status", ["idle", "busy", "interrupted", "error"])
async def test_a_threads_status_is_that_of_its_latest_run(ledger: Ledger, status: ThreadStatus) -> None:
    await ledger.threads.open(a_thread("empty"))
    await ledger.open_run(a_run("t", minutes=0))
    await ledger.close_run(CloseInput(run_id="run-1", agent="billing", thread_id="t", status="failed"))
    await ledger.open_run(a_run("t", "run-2", minutes=1))
    if status == "interrupted":
        await ledger.record(an_approval(run_id="run-2", thread_id="t"), 0, ())
    if status in {"idle", "error"}:
        ended = "failed" if status == "error" else "completed"
        await ledger.close_run(CloseInput(run_id="run-2", agent="billing", thread_id="t", status=ended))
    for each in ("idle", "busy", "interrupted", "error"):
        found = {one.id for one in await ledger.threads.page(ThreadQuery(status=each), NOON)}
        assert found == ({"t"} if each == status else set()) | ({"empty"} if each == "idle" else set()), each


async def test_pages_follow_the_order_that_is_asked_for(ledger: Ledger) -> None:
    for minute, name in enumerate("cab"):
        await ledger.threads.open(a_thread(name, minutes=minute))
    first = await ledger.threads.page(ThreadQuery(limit=2), NOON)
    rest = await ledger.threads.page(ThreadQuery(limit=2, offset=2), NOON)
    assert [one.id for one in (*first, *rest)] == ["b", "a", "c"]
    by_id = await ledger.threads.page(ThreadQuery(order="thread_id", ascending=True), NOON)
    assert [one.id for one in by_id] == ["a", "b", "c"]
    assert [one.id for one in await ledger.threads.page(ThreadQuery(ids=["a", "x"]), NOON)] == ["a"]


async def test_a_part_of_a_run_is_kept_once(ledger: Ledger) -> None:
    first = SegmentRow(id="s", thread_id="t", run_id="run-1", caller="user:dana", began_at=NOON)
    await ledger.threads.begin_segment(first)
    await ledger.threads.begin_segment(replace(first, caller="user:eve"))
    later = replace(first, id="later", began_at=NOON + timedelta(minutes=1))
    await ledger.threads.begin_segment(later)
    assert await ledger.threads.segment("s") == first
    assert await ledger.threads.segment("x") is None
    assert [one.id for one in await ledger.threads.segments("t")] == ["later", "s"]


async def test_what_was_shown_last_is_what_counts(ledger: Ledger) -> None:
    await ledger.threads.show("dana", {"t": Shown("one", ("a", "b")), "u": Shown("two", ("c",))})
    await ledger.threads.show("dana", {"t": Shown("three", ("d",))})
    assert await ledger.threads.shown("dana", "t") == Shown("three", ("d",))
    assert await ledger.threads.shown("dana", "u") == Shown("two", ("c",))
    assert await ledger.threads.shown("eve", "t") is None
