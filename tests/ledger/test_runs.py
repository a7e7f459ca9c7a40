"""A run in the ledger: opened, waiting, asked to stop, ended; and lists of runs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

import pytest

from placet.contracts.approvals import Asked
from placet.contracts.records import RequestedEntry
from placet.contracts.runs import CloseInput, RunEnd
from placet.ledger import InvalidCursorError, Ledger, RunQuery, RunRow, Viewer
from placet_testing.ledger_samples import (
    NOON,
    a_decision,
    a_message,
    a_run,
    after,
    an_approval,
    ended_by,
)


async def ask(ledger: Ledger, run: RunRow, **changes: object) -> Asked:
    asked = an_approval(**({"run_id": run.id, "requester": run.requester} | changes))
    await ledger.record(asked, 0, (RequestedEntry(),))
    return asked


def ending(run: RunRow, status: RunEnd = "completed", **changes: object) -> CloseInput:
    given = {"run_id": run.id, "agent": run.agent, "thread_id": run.thread_id, "status": status}
    return CloseInput.model_validate(given | changes)


async def status(ledger: Ledger, run: RunRow, now: datetime = NOON) -> str | None:
    found = await ledger.run(run.id, now)
    return found.status if found else None


async def listed(ledger: Ledger, query: RunQuery, now: datetime = NOON) -> list[str]:
    ids: list[str] = []
    while True:
        page = await ledger.runs(query, now)
        ids += [run.id for run in page.items]
        if page.next_cursor is None:
            return ids
        assert len(page.items) == query.limit
        query = replace(query, cursor=page.next_cursor)


async def test_what_was_opened_can_be_read(ledger: Ledger) -> None:
    run = a_run(input="Refund order 1", metadata={"n": 2**70}, workflow_id="run-w", workflow_run_id="r")
    await ledger.open_run(run)
    found = await ledger.run(run.id, NOON)
    assert found is not None
    assert (found.id, found.agent, found.thread_id, found.requester) == (run.id, "billing", run.thread_id, "user:dana")
    assert (found.input, found.metadata, found.started_at) == ("Refund order 1", {"n": 2**70}, NOON)
    assert (found.status, found.output, found.error, found.pending, found.ended_at) == ("running", None, None, (), None)
    assert (found.temporal.workflow_id, found.temporal.run_id) == ("run-w", "r")
    assert await ledger.run("run-of-nobody", NOON) is None


async def test_gateway_and_worker_open_a_run_together_once(ledger: Ledger) -> None:
    """Whoever comes first writes the row; what only the gateway knows is filled in."""
    short = a_run()
    whole = replace(short, input=[{"type": "human"}], metadata={"a": 1}, input_turn="t", workflow_run_id="r")
    for first, second in ((short, whole), (whole, short)):
        run_id = a_run().id
        await ledger.open_run(replace(first, id=run_id))
        await ledger.open_run(replace(second, id=run_id))
        found = await ledger.run(run_id, NOON)
        assert found is not None
        assert (found.input, found.metadata, found.temporal.run_id) == ([{"type": "human"}], {"a": 1}, "r")
    many = a_run()
    await asyncio.gather(*(ledger.open_run(many) for _ in range(6)))
    events = await ledger.events_after(None)
    assert [event.type for event in events] == ["run.started"] * 3
    assert (events[0].actor, events[0].at, events[0].data["thread_id"]) == ("user:dana", NOON, short.thread_id)


async def test_it_waits_as_soon_as_one_approval_is_pending(ledger: Ledger) -> None:
    run = a_run()
    await ledger.open_run(run)
    assert await status(ledger, run) == "running"
    first = await ask(ledger, run, turn=0, index=1, expires_at=after(hours=1))
    second = await ask(ledger, run, turn=0, index=0, expires_at=after(hours=2))
    found = await ledger.run(run.id, NOON)
    assert found is not None
    assert (found.status, [one.id for one in found.pending]) == ("waiting", [second.id, first.id])
    assert found.pending[1] == await ledger.approval(first.id, NOON)
    await ledger.record(first, 1, (ended_by(a_decision(first), first),))
    assert await status(ledger, run) == "waiting"
    assert await status(ledger, run, after(hours=2)) == "running"
    await ledger.note_recorded(second.id, a_decision(second))
    assert await status(ledger, run, after(hours=2)) == "waiting"
    await ledger.close_run(ending(run, "failed", error="x"))
    found = await ledger.run(run.id, NOON)
    assert found is not None
    assert (found.status, found.error, found.pending) == ("failed", "x", ())


@pytest.mark.parametrize(
    ("end", "actor"),
    [
        ("completed", "agent:billing"),
        ("failed", "agent:billing"),
        ("cancelled", "operator"),
        ("expired", "system:timeout"),
    ],
)
async def test_it_ends_once(ledger: Ledger, end: RunEnd, actor: str) -> None:
    run = a_run()
    await ledger.open_run(run)
    await ledger.close_run(ending(run, end, error="e", reason="r"), "done", after(hours=1))
    before = await ledger.run(run.id, NOON)
    await ledger.close_run(ending(run, "failed"), "other", after(hours=2))
    assert await ledger.run(run.id, NOON) == before
    assert before is not None
    assert (before.status, before.output, before.error, before.ended_at) == (end, "done", "e", after(hours=1))
    events = await ledger.events_after(None, run_id=run.id)
    assert [(event.type, event.actor) for event in events] == [("run.started", "user:dana"), (f"run.{end}", actor)]
    assert events[1].data == {"output": "done", "error": "e", "reason": "r"}


async def test_eight_who_close_it_at_once_close_it_once(ledger: Ledger) -> None:
    run = a_run()
    await ledger.open_run(run)
    ends: tuple[RunEnd, ...] = ("completed", "failed", "cancelled", "expired")
    await asyncio.gather(*(ledger.close_run(ending(run, end)) for end in ends * 2))
    (event,) = await ledger.events_after(None, types=[f"run.{end}" for end in ends])
    assert event.type == f"run.{await status(ledger, run)}"


async def test_an_end_without_a_row_is_kept(ledger: Ledger) -> None:
    run = a_run()
    await ledger.close_run(ending(run, "failed", error="x"), None, NOON)
    assert await status(ledger, run) == "failed"
    events = await ledger.events_after(None, run_id=run.id)
    assert [event.type for event in events] == ["run.started", "run.failed"]


async def test_a_run_that_has_ended_names_the_execution_that_ended_it(ledger: Ledger) -> None:
    """After a new history, or a reset, it is not the one that began it; the link leads there."""
    run = a_run(workflow_run_id="first")
    await ledger.open_run(run)
    await ledger.close_run(ending(run), execution="last")
    found = await ledger.run(run.id, NOON)
    assert found is not None
    assert found.temporal.run_id == "last"


async def test_the_output_is_what_the_last_message_says(ledger: Ledger) -> None:
    run = a_run()
    await ledger.open_run(run)
    await ledger.put_message("m", run.id, a_message("All done.", "ai"))
    await ledger.close_run(ending(run, message_id="m"))
    found = await ledger.run(run.id, NOON)
    assert found is not None
    assert found.output == "All done."


async def test_a_cancel_is_asked_for_once_and_names_who_did_to_the_end(ledger: Ledger) -> None:
    run = a_run()
    await ledger.open_run(run)
    asked = await ask(ledger, run)
    await ledger.request_cancel(run.id, "user:max", "enough", after(minutes=1))
    await ledger.request_cancel(run.id, "user:eve", "again", after(minutes=2))
    found = await ledger.run(run.id, NOON)
    assert found is not None
    assert found.cancel_requested_at == after(minutes=1)
    withdrawn = ended_by(a_decision(asked), asked).model_copy(
        update={"status": "cancelled", "winner": None, "decision": None}
    )
    await ledger.record(asked, 1, (withdrawn,))
    await ledger.close_run(ending(run, "cancelled"))
    await ledger.request_cancel(run.id, "user:eve", "late", after(minutes=3))
    told = [(event.type, event.actor) for event in await ledger.events_after(None, run_id=run.id)]
    assert told[2:] == [
        ("run.cancel_requested", "user:max"),
        ("approval.cancelled", "user:max"),
        ("run.cancelled", "user:max"),
    ]


async def test_a_cancel_of_nothing_is_nothing(ledger: Ledger) -> None:
    await ledger.request_cancel("run-of-nobody", "user:max", None, NOON)
    assert await ledger.events_after(None) == []


class TestLists:
    """Runs, the newest first."""

    async def test_pages_hold_each_run_once_and_in_order(self, ledger: Ledger) -> None:
        rows = [a_run(started_at=after(minutes=n // 3)) for n in range(20)]
        for row in rows:
            await ledger.open_run(row)
        newest = [row.id for row in sorted(rows, key=lambda row: (row.started_at, row.id), reverse=True)]
        for limit in (1, 7, 200):
            assert await listed(ledger, RunQuery(limit=limit)) == newest

    async def test_each_status_and_each_filter(self, ledger: Ledger) -> None:
        ends: tuple[RunEnd, ...] = ("completed", "failed", "cancelled", "expired")
        by_status: dict[str, RunRow] = {}
        for name in ("running", "waiting", *ends):
            by_status[name] = a_run(agent=f"agent {name}", thread_id=f"t {name}", requester=f"user:{name}")
            await ledger.open_run(by_status[name])
        await ask(ledger, by_status["waiting"], expires_at=after(hours=1))
        for end in ends:
            await ledger.close_run(ending(by_status[end], end))
        for name, run in by_status.items():
            for query in (
                RunQuery(statuses=(name,)),
                RunQuery(agent=run.agent),
                RunQuery(thread_id=run.thread_id),
                RunQuery(requester=run.requester, statuses=tuple(by_status)),
            ):
                assert await listed(ledger, query) == [run.id]
        assert await listed(ledger, RunQuery(statuses=("waiting",)), after(hours=1)) == []
        both = {by_status["running"].id, by_status["waiting"].id}
        assert set(await listed(ledger, RunQuery(statuses=("running",)), after(hours=1))) == both
        assert await listed(ledger, RunQuery(agent="\x00")) == []

    async def test_a_requester_sees_their_own_and_an_approver_what_waits_for_them(self, ledger: Ledger) -> None:
        mine, foreign = a_run(requester="user:max"), a_run(requester="user:eve")
        for run in (mine, foreign):
            await ledger.open_run(run)
        seen = await ask(ledger, foreign, approvers=("group:finance",))
        await ask(ledger, foreign, approvers=("user:eve",))
        max_ = Viewer("user:max", roles=frozenset({"requester"}))
        dana = Viewer("user:dana", frozenset({"finance"}), frozenset({"approver"}))
        nobody = Viewer("user:max")
        for viewer, visible in ((max_, [mine.id]), (dana, [foreign.id]), (nobody, [])):
            assert await listed(ledger, RunQuery(visible_to=viewer)) == visible
            for run in (mine, foreign):
                found = await ledger.run(run.id, NOON, viewer)
                assert (found is not None) == (run.id in visible)
        found = await ledger.run(foreign.id, NOON, dana)
        assert found is not None
        assert (found.status, [one.id for one in found.pending]) == ("waiting", [seen.id])

    async def test_a_cursor_from_another_list_is_refused(self, ledger: Ledger) -> None:
        for _ in range(2):
            await ledger.open_run(a_run())
        cursor = (await ledger.runs(RunQuery(limit=1), NOON)).next_cursor
        assert cursor is not None
        for wrong in ("x", "", cursor[:-3]):
            with pytest.raises(InvalidCursorError):
                await ledger.runs(RunQuery(cursor=wrong), NOON)
