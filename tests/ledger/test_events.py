"""The event log: one order, nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import make_url

from placet.contracts.events import EVENT_DATA, CallJudged, TurnCompleted
from placet.contracts.records import RequestedEntry
from placet.contracts.runs import CloseInput
from placet.ledger import InvalidCursorError, Judged, Ledger, TurnRow, Viewer
from placet_testing.ledger_samples import (
    NOON,
    a_call,
    a_decision,
    a_message,
    a_run,
    an_approval,
    ended_by,
    expired,
    new_id,
    refused,
    some_args,
)


async def test_a_follower_misses_nothing_while_four_append(ledger: Ledger, another: Callable[[], Ledger]) -> None:
    """The order of ids is the order of commits, also between connections and pools."""
    writers = [another() for _ in range(4)]
    seen: list[str] = []
    done = asyncio.Event()

    async def append(writer: Ledger) -> list[str]:
        written: list[str] = []
        for _ in range(25):
            asked = an_approval()
            await writer.record(asked, 0, (RequestedEntry(), expired(asked)))
            written += [asked.id, asked.id]
        return written

    async def follow() -> None:
        cursor: str | None = None
        while True:
            last_look = done.is_set()
            events = await ledger.events_after(cursor, 7)
            seen.extend(event.approval_id or "" for event in events)
            cursor = events[-1].id if events else cursor
            if last_look and not events:
                return

    follower = asyncio.create_task(follow())
    written = itertools.chain(*await asyncio.gather(*(append(writer) for writer in writers)))
    done.set()
    await follower
    assert sorted(seen) == sorted(written)
    ids = [event.id for event in await ledger.events_after(None, 1000)]
    assert ids == sorted(ids, key=lambda one: (len(one), one))


async def test_a_cursor_goes_on_right_after_its_event(ledger: Ledger) -> None:
    for _ in range(5):
        await ledger.record(an_approval(), 0, (RequestedEntry(),))
    events = await ledger.events_after(None)
    assert len(events) == 5
    for place, event in enumerate(events):
        assert await ledger.events_after(event.id) == events[place + 1 :]
    assert await ledger.tail() == events[-1].id
    assert await ledger.events_after(None, 2) == events[:2]


async def test_the_tail_of_an_empty_log_is_before_its_first_event(ledger: Ledger) -> None:
    tail = await ledger.tail()
    await ledger.record(an_approval(), 0, (RequestedEntry(),))
    assert len(await ledger.events_after(tail)) == 1


async def test_waiting_ends_with_the_first_event_after_the_cursor(
    ledger: Ledger, another: Callable[[], Ledger]
) -> None:
    tail = await ledger.tail()
    assert await ledger.wait_for_events(tail, 0.05) is False
    waiting = [asyncio.create_task(ledger.wait_for_events(tail, 20)) for _ in range(3)]
    await another().record(an_approval(), 0, (RequestedEntry(),))
    assert await asyncio.gather(*waiting) == [True] * 3
    assert await ledger.wait_for_events(tail, 20) is True
    assert await ledger.wait_for_events(await ledger.tail(), 0) is False


async def test_who_waits_is_woken_at_once(ledger: Ledger, another: Callable[[], Ledger]) -> None:
    """Well before the look that is taken every second in any case."""
    writer, waits = another(), list[float]()
    await writer.record(an_approval(), 0, (RequestedEntry(),))
    for _ in range(6):
        tail = await ledger.tail()
        waiting = asyncio.create_task(ledger.wait_for_events(tail, 20))
        await asyncio.sleep(0.05)
        await writer.record(an_approval(), 0, (RequestedEntry(),))
        written = time.monotonic()
        assert await waiting
        waits.append(time.monotonic() - written)
    assert sorted(waits)[3] < 0.5


async def test_who_waits_is_woken_again_after_the_connection_was_cut(
    postgres_url: str,
) -> None:
    ledger = Ledger.at(postgres_url)
    await ledger.migrate()
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
    tail = await ledger.tail()
    waiting = asyncio.create_task(ledger.wait_for_events(tail, 20))
    address = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as operator:
        listening = "SELECT pid, pg_sleep(0.01) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        while await (await operator.execute(listening)).fetchone() is None:
            pass
        await operator.execute(cut)
    await ledger.record(an_approval(), 0, (RequestedEntry(),))
    assert await waiting
    await ledger.close()


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.0", "9" * 40, "٣", "0x10", " 1", "1 ", "\x00"])
async def test_what_is_no_cursor_is_refused(ledger: Ledger, cursor: str) -> None:
    with pytest.raises(InvalidCursorError):
        await ledger.events_after(cursor)


async def test_events_are_picked_by_run_and_type(ledger: Ledger) -> None:
    first, second = a_run(), a_run()
    for run in (first, second):
        await ledger.open_run(run)
        await ledger.record(an_approval(run_id=run.id, agent=run.agent), 0, (RequestedEntry(),))
    of_first = await ledger.events_after(None, run_id=first.id)
    assert [(event.type, event.actor) for event in of_first] == [
        ("run.started", "user:dana"),
        ("approval.requested", "agent:billing"),
    ]
    assert {event.run_id for event in of_first} == {first.id}
    requested = await ledger.events_after(None, types=("approval.requested",))
    assert [event.run_id for event in requested] == [first.id, second.id]
    both = await ledger.events_after(None, run_id=second.id, types=("run.started", "run.failed"))
    assert [event.type for event in both] == ["run.started"]
    assert await ledger.events_after(None, types=()) == await ledger.events_after(None)


async def test_each_event_carries_what_its_type_promises(ledger: Ledger) -> None:
    run = a_run()
    call = a_call(run)
    args = some_args("refund", {"amount": 2**70})
    await ledger.open_run(run)
    completed = TurnCompleted(turn=0, message_id="m", calls=1, usage={"input_tokens": 3})
    await ledger.put_turn(TurnRow(id=new_id(), run_id=run.id, thread_id="t", turn=0), completed=completed)
    judged = CallJudged(tool="refund", digest=args.digest, turn=0, index=0, rule="r", reason="why")
    await ledger.allow_or_deny(run.id, None, [Judged(type="call.allowed", data=judged, call_id="call_0")])
    await ledger.start_call(call, args, 0, owner="a", approval_id=None, idempotent=False)
    await ledger.finish_call(call, 0, "a", status="succeeded", message_id="m2", message=a_message("done", "tool"))
    asked = an_approval(run_id=run.id)
    entries = (RequestedEntry(), refused(a_decision(asked)), ended_by(a_decision(asked), asked))
    await ledger.record(asked, 0, entries)
    await ledger.request_cancel(run.id, "user:max", "enough", NOON + timedelta(minutes=1))
    close = CloseInput(run_id=run.id, agent="billing", thread_id="t", status="cancelled", reason="enough")
    await ledger.close_run(close, None, NOON + timedelta(minutes=2))
    events = await ledger.events_after(None, run_id=run.id)
    assert [event.type for event in events] == [
        "run.started",
        "turn.completed",
        "call.allowed",
        "call.started",
        "call.finished",
        "approval.requested",
        "approval.refused",
        "approval.decided",
        "run.cancel_requested",
        "run.cancelled",
    ]
    for event in events:
        model = EVENT_DATA[event.type]
        assert model.model_validate(event.data).model_dump(mode="json") == event.data
        assert event.at.utcoffset() == timedelta(0)
    assert [event.call_id for event in events[2:5]] == ["call_0"] * 3
    assert events[8].data == {"reason": "enough"}
    assert (events[9].actor, events[9].at) == ("user:max", NOON + timedelta(minutes=2))


async def test_nothing_is_appended_to_a_run_that_has_ended(ledger: Ledger) -> None:
    """A Signal that comes to its approval afterwards is still an event, but none of the run's."""
    run = a_run()
    asked = an_approval(run_id=run.id)
    await ledger.open_run(run)
    await ledger.record(asked, 0, (RequestedEntry(),))
    await ledger.close_run(CloseInput(run_id=run.id, agent="billing", thread_id="t", status="failed", error="x"))
    before = await ledger.events_after(None, run_id=run.id)
    turn = TurnRow(id=new_id(), run_id=run.id, thread_id="t", turn=1)
    await ledger.put_turn(turn, completed=TurnCompleted(turn=1, message_id="m", calls=0))
    await ledger.request_cancel(run.id, "user:max", None, NOON)
    await ledger.open_run(run)
    judged = CallJudged(tool="refund", digest="d", turn=1, index=0)
    await ledger.allow_or_deny(run.id, None, [Judged(type="call.denied", data=judged)])
    await ledger.record(asked, 1, (refused(a_decision(asked)), ended_by(a_decision(asked), asked)))
    assert await ledger.events_after(None, run_id=run.id) == before
    assert before[-1].type == "run.failed"
    assert await ledger.turn(turn.id) == turn
    late = await ledger.events_after(before[-1].id, types=("approval.refused", "approval.decided"))
    assert [(event.type, event.approval_id, event.run_id) for event in late] == [
        ("approval.refused", asked.id, None),
        ("approval.decided", asked.id, None),
    ]


async def test_a_run_that_ends_while_others_append_ends_its_stream(
    ledger: Ledger, another: Callable[[], Ledger]
) -> None:
    writers = [another() for _ in range(4)]
    for _ in range(10):
        run = a_run()
        await ledger.open_run(run)
        appended = (writer.record(an_approval(run_id=run.id), 0, (RequestedEntry(),)) for writer in writers)
        close = CloseInput(run_id=run.id, agent="billing", thread_id="t", status="completed")
        await asyncio.gather(*appended, ledger.close_run(close))
        stream = await ledger.events_after(None, run_id=run.id)
        assert stream[-1].type == "run.completed"
        assert [event.type for event in stream].count("run.completed") == 1


async def test_whoever_goes_on_starts_at_their_cursor_or_at_the_tail(ledger: Ledger) -> None:
    await ledger.open_run(a_run())
    first = await ledger.tail()
    await ledger.open_run(a_run())
    assert await ledger.position(None) == await ledger.tail() > first
    assert await ledger.position(first) == first
    for bad in ("9" * 16, "1", "-000000000000001", "\u0661" * 16):
        with pytest.raises(InvalidCursorError):
            await ledger.position(bad)


class TestVisibility:
    """A stream holds what its reader may see in lists."""

    async def test_a_requester_follows_their_runs(self, ledger: Ledger) -> None:
        mine, other = a_run(requester="user:max"), a_run(requester="user:eve")
        for run in (mine, other):
            await ledger.open_run(run)
            asked = an_approval(run_id=run.id, requester=run.requester)
            await ledger.record(asked, 0, (RequestedEntry(),))
        viewer = Viewer("user:max", roles=frozenset({"requester"}))
        events = await ledger.events_after(None, visible_to=viewer)
        assert [(event.type, event.run_id) for event in events] == [
            ("run.started", mine.id),
            ("approval.requested", mine.id),
        ]
        assert await ledger.events_after(None, visible_to=Viewer("user:max")) == []

    async def test_an_approver_follows_what_names_them_with_its_run(self, ledger: Ledger) -> None:
        run, other = a_run(requester="user:max"), a_run(requester="user:max")
        await ledger.open_run(run)
        await ledger.open_run(other)
        named, foreign = (
            an_approval(run_id=run.id, approvers=("user:dana",)),
            an_approval(run_id=run.id, approvers=("user:eve",)),
        )
        alone = an_approval(approvers=("user:dana",))
        for asked in (named, foreign, alone, an_approval(run_id=other.id, approvers=("user:eve",))):
            await ledger.record(asked, 0, (RequestedEntry(),))
        viewer = Viewer("user:dana", roles=frozenset({"approver"}))
        events = await ledger.events_after(None, visible_to=viewer)
        assert [(event.type, event.approval_id) for event in events] == [
            ("run.started", None),
            ("approval.requested", named.id),
            ("approval.requested", alone.id),
        ]

    async def test_what_is_seen_of_a_stretch_of_the_log_is_what_a_stream_of_it_holds(self, ledger: Ledger) -> None:
        run, other = a_run(requester="user:max"), a_run(requester="user:eve")
        for opened in (run, other):
            await ledger.open_run(opened)
            for approver in ("user:dana", "user:eve"):
                asked = an_approval(run_id=opened.id, requester=opened.requester, approvers=(approver,))
                await ledger.record(asked, 0, (RequestedEntry(),))
        log = [event.id for event in await ledger.events_after(None)]
        for viewer in (
            Viewer("user:max", roles=frozenset({"requester"})),
            Viewer("user:dana", roles=frozenset({"approver"})),
            Viewer("user:root", roles=frozenset({"admin"})),
            Viewer("user:nobody"),
        ):
            holds = [event.id for event in await ledger.events_after(None, visible_to=viewer)]
            for start, end in itertools.combinations(range(len(log)), 2):
                between = set(log[start + 1 : end + 1]) & set(holds)
                assert await ledger.events_seen(log[start], log[end], viewer) == between


async def test_a_turn_and_what_policy_says_of_its_calls_are_told_together_and_once(ledger: Ledger) -> None:
    run = a_run()
    await ledger.open_run(run)
    turn = TurnRow(id=new_id(), run_id=run.id, thread_id="t", turn=0)
    completed = TurnCompleted(turn=0, message_id="m", calls=1)
    judged = Judged(type="call.allowed", data=CallJudged(tool="find", digest="sha256:0", turn=0, index=0))
    for _ in range(2):
        await ledger.put_turn(turn, completed=completed, judged=[judged])
    # An activity of an older version may judge the same call once more.
    await ledger.allow_or_deny(run.id, None, [judged])
    events = await ledger.events_after(None, run_id=run.id)
    assert [event.type for event in events] == ["run.started", "turn.completed", "call.allowed"]
