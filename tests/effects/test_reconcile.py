"""The reconciler's judgement: what it leaves alone, what it believes, and what it refuses to believe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from temporalio.exceptions import ApplicationError

from placet.contracts.approvals import ApprovalState, Asked, Outcome, decision_record
from placet.contracts.decisions import withdrawal_fingerprint
from placet.contracts.events import TurnCompleted
from placet.contracts.reconciling import RECONCILER, Place, Reconciled, ReconcilePageInput
from placet.contracts.runs import ModelCall, RunResult
from placet.contracts.seal import verify
from placet.effects._reconcile import MANY, PAGE, ReconcileActivities
from placet.effects._repairing import Repairing
from placet.effects._whereabouts import Closing, Status
from placet.ledger import Ledger, RunRow, TurnRow
from placet.ledger._approvals import record
from placet_testing.fake_temporal import FakeClock
from placet_testing.fake_whereabouts import FakeWhereabouts, TemporalIsDownError
from placet_testing.ledger_samples import (
    NOON,
    a_call,
    a_decision,
    a_message,
    a_run,
    after,
    an_approval,
    ended_by,
    new_id,
    some_args,
)

MINUTE: Final = 60.0


@dataclass
class Stand:
    """A ledger and a namespace, and a clock that goes only when a test says so."""

    ledger: Ledger
    temporal: FakeWhereabouts = field(default_factory=FakeWhereabouts)
    clock: FakeClock = field(default_factory=lambda: FakeClock(after(minutes=5)))

    async def look(self, *, anyway: bool = False) -> Reconciled:
        """Goes through everything once, page by page."""
        activities = ReconcileActivities(self.ledger, self.temporal, self.clock)
        place: Place | None = Place()
        total = Reconciled()
        while place is not None:
            page = await activities.reconcile(ReconcilePageInput(place=place, anyway=anyway))
            place = page.next
            total = Reconciled(
                examined=total.examined + page.examined,
                suspected=total.suspected + page.suspected,
                repaired=total.repaired + page.repaired,
            )
        return total

    async def look_twice(self, *, anyway: bool = False) -> Reconciled:
        """Goes through everything twice, a minute apart, and returns what the second pass did."""
        await self.look(anyway=anyway)
        self.clock.advance(seconds=MINUTE)
        return await self.look(anyway=anyway)

    async def ask(self, *, lost: bool = False, **changes: object) -> Asked:
        """Asks for an approval; `lost`: Temporal does not know it."""
        asked = an_approval(**changes)
        await self.ledger.record(asked, 0, ())
        if not lost:
            self.temporal.start(asked.workflow_id, asked.workflow_run_id)
        return asked

    async def ask_many(self, count: int, *, lost: bool = False) -> list[Asked]:
        """Asks for many approvals."""
        many = [an_approval(requested_at=after(milliseconds=place // 3)) for place in range(count)]
        for start in range(0, count, 100):
            async with self.ledger._database.write() as connection:  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
                for asked in many[start : start + 100]:
                    await record(connection, asked, 0, ())
        for asked in many if not lost else []:
            self.temporal.start(asked.workflow_id, asked.workflow_run_id)
        return many

    async def run(self, **changes: object) -> RunRow:
        """Starts a run."""
        run = a_run(workflow_run_id="run-1", **changes)
        await self.ledger.open_run(run)
        self.temporal.start(run.id)
        return run

    async def status(self, asked: Asked) -> str:
        """Returns the approval's status."""
        found = await self.ledger.approval(asked.id, self.clock())
        assert found is not None
        return found.status

    async def told(self, **of: str) -> list[tuple[str, str | None]]:
        """Returns type and actor of the events of an approval or a run."""
        ((key, value),) = of.items()
        return [
            (event.type, event.actor) for event in await self.ledger.events_after(None) if getattr(event, key) == value
        ]


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    ledger = Ledger.at(str(tmp_path / "ledger.db"))
    await ledger.migrate()
    yield Stand(ledger)
    await ledger.close()


async def test_what_is_open_in_both_is_left_alone_however_much_it_is(stand: Stand) -> None:
    many = await stand.ask_many(5 * PAGE + 7)
    runs = [await stand.run() for _ in range(3)]
    before = await stand.ledger.tail()
    for _ in range(3):
        assert await stand.look() == Reconciled(examined=len(many) + len(runs))
        stand.clock.advance(minutes=1)
    assert await stand.ledger.tail() == before
    assert stand.temporal.withdrawn == []
    assert stand.temporal.asked == 3 * (len(many) + len(runs))


async def test_a_row_younger_than_a_minute_is_not_looked_at(stand: Stand) -> None:
    asked = await stand.ask(lost=True, requested_at=after(minutes=4, seconds=30))
    assert (await stand.look()).examined == 0
    assert await stand.status(asked) == "pending"


async def test_what_is_gone_is_believed_at_the_second_sighting_and_not_before_a_minute(stand: Stand) -> None:
    await stand.ask()
    lost = await stand.ask(lost=True)
    assert await stand.look() == Reconciled(examined=2, suspected=1)
    stand.clock.advance(seconds=20)
    assert await stand.look() == Reconciled(examined=2, suspected=1), "twice within one interval is once"
    assert await stand.status(lost) == "pending"
    stand.clock.advance(seconds=40)
    assert await stand.look() == Reconciled(examined=2, repaired=1)
    assert await stand.status(lost) == "cancelled"
    assert (await stand.told(approval_id=lost.id))[-1] == ("approval.cancelled", "system:reconciler")
    assert await stand.look() == Reconciled(examined=1)


async def test_a_sighting_is_taken_back_by_a_look_that_finds_nothing_wrong(stand: Stand) -> None:
    await stand.ask()
    asked = await stand.ask()
    there = stand.temporal.latest.pop(asked.workflow_id)
    await stand.look()
    stand.clock.advance(minutes=1)
    stand.temporal.latest[asked.workflow_id] = there
    await stand.look()
    stand.clock.advance(minutes=1)
    del stand.temporal.latest[asked.workflow_id]
    assert await stand.look() == Reconciled(examined=2, suspected=1)
    assert await stand.status(asked) == "pending"


async def test_two_different_things_that_are_wrong_are_two_first_sightings(stand: Stand) -> None:
    await stand.ask()
    asked = await stand.ask()
    there = stand.temporal.latest.pop(asked.workflow_id)
    await stand.look()
    stand.clock.advance(minutes=1)
    stand.temporal.latest[asked.workflow_id] = there
    stand.temporal.end(asked.workflow_id, Status.TERMINATED, Closing(at=stand.clock()))
    assert await stand.look() == Reconciled(examined=2, suspected=1)


async def test_a_namespace_in_which_nothing_is_found_changes_nothing_and_says_so(stand: Stand) -> None:
    """Even where it is too little to be many: the ledger knows its namespace from an earlier pass."""
    asked = await stand.ask()
    run = await stand.run()
    await stand.look()
    ours, stand.temporal.latest = stand.temporal.latest, {}
    stand.temporal.namespace = "namespace-2"
    for _ in range(3):
        with pytest.raises(ApplicationError, match="namespace-1") as refused:
            await stand.look()
        assert (refused.value.type, refused.value.non_retryable) == ("wrong_namespace", True)
        stand.clock.advance(minutes=1)
    stand.temporal.latest, stand.temporal.namespace = ours, "namespace-1"
    assert await stand.look_twice() == Reconciled(examined=2)
    assert await stand.status(asked) == "pending"
    assert (await stand.told(run_id=run.id))[-1][0] == "run.started"


async def test_a_namespace_that_no_row_was_ever_found_in_is_not_believed(stand: Stand) -> None:
    asked = await stand.ask(lost=True)
    for _ in range(2):
        with pytest.raises(ApplicationError, match="not known yet"):
            await stand.look()
        stand.clock.advance(minutes=1)
    assert await stand.status(asked) == "pending"


@pytest.mark.parametrize(
    ("lost", "there", "believed"), [(MANY, 1, True), (MANY + 1, 1, False), (MANY + 1, MANY + 2, True)]
)
async def test_more_than_twenty_gone_and_more_than_half_are_not_believed(
    stand: Stand, lost: int, there: int, *, believed: bool
) -> None:
    await stand.ask_many(there)
    gone = await stand.ask_many(lost, lost=True)
    if believed:
        assert (await stand.look_twice()).repaired == lost
        return
    for _ in range(3):
        with pytest.raises(ApplicationError, match="Nothing was changed") as refused:
            await stand.look()
        assert refused.value.type == "too_many_gone"
        stand.clock.advance(minutes=1)
    assert {await stand.status(one) for one in gone} == {"pending"}


async def test_an_operator_may_say_that_all_of_it_is_really_gone(stand: Stand) -> None:
    gone = await stand.ask_many(MANY + 30, lost=True)
    assert (await stand.look_twice(anyway=True)).repaired == len(gone)


async def test_while_temporal_gives_no_answer_nothing_changes(stand: Stand) -> None:
    await stand.ask()
    lost = await stand.ask(lost=True)
    await stand.look()
    stand.clock.advance(minutes=1)
    stand.temporal.down = True
    with pytest.raises(TemporalIsDownError):
        await stand.look()
    assert await stand.status(lost) == "pending"
    stand.temporal.down = False
    assert (await stand.look()).repaired == 1


async def test_an_end_that_the_ledger_has_lost_is_taken_from_the_workflows_result(stand: Stand) -> None:
    asked = await stand.ask()
    decision = a_decision(asked)
    await stand.ledger.note_recorded(asked.id, decision)
    other = a_decision(asked, "reject")
    await stand.ledger.note_recorded(asked.id, other)
    outcome = Outcome(
        status="approved",
        decision=decision_record(decision, asked.args.digest),
        digest=asked.args.digest,
        ended_at=after(minutes=2),
    )
    stand.temporal.end(asked.workflow_id, Status.COMPLETED, Closing(at=after(minutes=3), result=outcome))
    await stand.look_twice()
    found = await stand.ledger.approval(asked.id, stand.clock())
    assert found is not None
    assert found.decision is not None
    assert (found.status, found.ended_at, found.decision.id) == ("approved", after(minutes=2), decision.id)
    assert (await stand.told(approval_id=asked.id))[-1] == ("approval.decided", "user:dana")
    won = await stand.ledger.stored_decision(asked.id, decision.id)
    lost = await stand.ledger.stored_decision(asked.id, other.id)
    assert won is not None
    assert lost is not None
    assert (won.state, lost.state, lost.code) == ("won", "refused", "already_decided")


@pytest.mark.parametrize(
    ("status", "actor"),
    [(Status.TERMINATED, "operator"), (Status.FAILED, "system:reconciler"), (Status.TIMED_OUT, "system:reconciler")],
)
async def test_an_approval_that_ended_without_a_result_is_cancelled(stand: Stand, status: Status, actor: str) -> None:
    asked = await stand.ask()
    stand.temporal.end(asked.workflow_id, status, Closing(at=after(minutes=3), reason="wrong customer"))
    await stand.look_twice()
    found = await stand.ledger.approval(asked.id, stand.clock())
    assert found is not None
    assert (found.status, found.ended_at) == ("cancelled", after(minutes=3))
    assert (await stand.told(approval_id=asked.id))[-1] == ("approval.cancelled", actor)
    last = (await stand.ledger.events_after(None))[-1]
    assert last.data["reason"].endswith("in Temporal: wrong customer")


async def test_what_was_shown_as_expired_does_not_become_cancelled(stand: Stand) -> None:
    await stand.ask()
    lost = await stand.ask(lost=True, expires_at=after(minutes=4))
    await stand.look_twice()
    assert (await stand.told(approval_id=lost.id))[-1] == ("approval.expired", "system:timeout")
    assert await stand.status(lost) == "expired"


async def test_the_first_end_stays(stand: Stand) -> None:
    """The workflow's own record may be under way while the reconciler looks."""
    await stand.ask()
    asked = await stand.ask(lost=True)
    await stand.look()
    stand.clock.advance(minutes=1)
    decision = a_decision(asked)
    page = await stand.ledger.repairs.open_approvals(stand.clock(), None, 10)
    await stand.ledger.record(asked, 1, (ended_by(decision, asked),))
    (row,) = [one for one in page.items if one.id == asked.id]
    await Repairing(stand.ledger, stand.temporal).approval(row, None, stand.clock())
    assert await stand.status(asked) == "approved"
    assert [kind for kind, _ in await stand.told(approval_id=asked.id)] == ["approval.requested", "approval.decided"]


async def asked_by(stand: Stand, run: RunRow) -> Asked:
    """Asks for an approval as a child of the run."""
    asked = await stand.ask(run_id=run.id)
    stand.temporal.start(asked.workflow_id, asked.workflow_run_id, parent_id=run.id)
    there = stand.temporal.latest[run.id]
    stand.temporal.start(run.id, there.run_id, children=there.children | {asked.workflow_id})
    return asked


async def test_a_reset_is_told_once_and_what_it_left_behind_is_superseded_by_us(stand: Stand) -> None:
    run = await stand.run()
    orphan = await asked_by(stand, run)
    assert await stand.look() == Reconciled(examined=2)
    stand.temporal.turn = 3
    stand.temporal.go_on(run.id, "run-2", Status.TERMINATED, Closing(at=stand.clock()))
    fresh = await asked_by(stand, run)
    assert await stand.look() == Reconciled(examined=3, suspected=1)
    assert stand.temporal.withdrawn == []
    stand.clock.advance(minutes=1)
    assert await stand.look() == Reconciled(examined=3, repaired=1)
    ((workflow_id, sent),) = stand.temporal.withdrawn
    assert (workflow_id, sent.status, sent.by) == (orphan.workflow_id, "superseded", RECONCILER)
    mark = withdrawal_fingerprint(sent.status, sent.reason)
    key = await stand.ledger.seal_key()
    assert verify(key, sent.seal, orphan.id, sent.id or "", mark, RECONCILER)
    # Its workflow ends it and tells the ledger; nobody writes beside it.
    assert (await stand.status(orphan), await stand.status(fresh)) == ("pending", "pending")
    resets = [event for event in await stand.ledger.events_after(None) if event.type == "run.reset"]
    assert [(event.run_id, event.actor, event.data) for event in resets] == [(run.id, "operator", {"turn": 3})]
    seen = await stand.ledger.run(run.id, stand.clock())
    assert seen is not None
    assert seen.temporal.run_id == "run-2"


async def test_a_continue_as_new_is_no_reset(stand: Stand) -> None:
    run = await stand.run()
    stand.temporal.go_on(run.id, "run-2", Status.CONTINUED_AS_NEW, Closing(at=NOON, successor="run-2"))
    assert await stand.look() == Reconciled(examined=1)
    assert [kind for kind, _ in await stand.told(run_id=run.id)] == ["run.started"]
    seen = await stand.ledger.run(run.id, stand.clock())
    assert seen is not None
    assert seen.temporal.run_id == "run-2"


async def test_a_reset_behind_a_continue_as_new_is_one(stand: Stand) -> None:
    """Of the run that the ledger knows, or of one that nobody has seen in between."""
    run = await stand.run()
    stand.temporal.go_on(run.id, "run-2", Status.CONTINUED_AS_NEW, Closing(at=NOON, successor="run-2"))
    stand.temporal.go_on(run.id, "run-3", Status.TERMINATED, Closing(at=NOON))
    for _ in range(2):
        await stand.look()
    assert [kind for kind, _ in await stand.told(run_id=run.id)] == ["run.started", "run.reset"]


async def test_a_child_of_somebody_elses_workflow_may_outlive_it_but_not_its_reset(stand: Stand) -> None:
    stand.temporal.start("theirs")
    asked = await stand.ask()
    stand.temporal.start(asked.workflow_id, asked.workflow_run_id, parent_id="theirs")
    stand.temporal.end("theirs", Status.COMPLETED, Closing(at=NOON))
    assert await stand.look_twice() == Reconciled(examined=1)
    stand.temporal.start("theirs", "run-2")
    assert await stand.look_twice() == Reconciled(examined=1, repaired=1)
    assert [workflow_id for workflow_id, _ in stand.temporal.withdrawn] == [asked.workflow_id]


async def test_what_a_run_waits_for_and_the_ledger_has_lost_is_shown_again(stand: Stand) -> None:
    """A ledger that came back from a backup: the run waits, and nobody sees for what."""
    run = await stand.run()
    lost, over = (an_approval(run_id=run.id) for _ in range(2))
    children = frozenset({lost.workflow_id, over.workflow_id, "not-an-approval"})
    stand.temporal.start(run.id, children=children)
    stand.temporal.states[lost.workflow_id] = ApprovalState(asked=lost, status="pending")
    stand.temporal.states[over.workflow_id] = ApprovalState(asked=over, status="approved")
    await stand.look()
    assert await stand.ledger.asked(lost.id) is None, "its own record may be on its way"
    stand.clock.advance(minutes=1)
    await stand.look()
    assert await stand.status(lost) == "pending"
    assert await stand.told(approval_id=lost.id) == [("approval.requested", None)]
    assert await stand.ledger.asked(over.id) is None, "it writes its end by itself"


def a_model_call(index: int, problem: str | None = None) -> ModelCall:
    return ModelCall(index=index, call_id=f"call_{index}", tool="refund", args=some_args("refund", {}), problem=problem)


async def with_calls(stand: Stand, run: RunRow) -> TurnRow:
    """Lets the model ask for four calls: malformed, finished, running, and waiting for a person."""
    calls = (a_model_call(0, "message-of-the-problem"), *(a_model_call(index) for index in (1, 2, 3)))
    problem = {"message-of-the-problem": a_message("not so", "tool")}
    row = TurnRow(id=new_id(), run_id=run.id, thread_id=run.thread_id, turn=0, message_ids=("said",), calls=calls)
    completed = TurnCompleted(turn=0, message_id="said", calls=4)
    await stand.ledger.put_turn(row, {**problem, "said": a_message("I refund.", "ai")}, completed)
    for index in (1, 2):
        await stand.ledger.start_call(
            a_call(run, 0, index), some_args("refund", {}), 0, owner="me", approval_id=None, idempotent=False
        )
    finished = a_message("Refunded.", "tool")
    await stand.ledger.finish_call(
        a_call(run, 0, 1), 0, "me", status="succeeded", message_id="result-1", message=finished
    )
    return row


@pytest.mark.parametrize(
    ("status", "end", "actor"),
    [
        (Status.TERMINATED, "cancelled", "operator"),
        (Status.TIMED_OUT, "failed", "system:reconciler"),
        (Status.FAILED, "failed", "system:reconciler"),
        (None, "failed", "system:reconciler"),
    ],
)
async def test_a_run_that_vanished_is_closed_with_an_answer_to_each_call(
    stand: Stand, status: Status | None, end: str, actor: str
) -> None:
    await stand.ask()
    run = await stand.run()
    row = await with_calls(stand, run)
    if status is None:
        del stand.temporal.latest[run.id]
    else:
        stand.temporal.end(run.id, status, Closing(at=after(minutes=3), reason="why"))
    await stand.look()
    seen = await stand.ledger.run(run.id, stand.clock())
    assert seen is not None
    assert seen.status == "running"
    stand.clock.advance(minutes=1)
    assert await stand.look() == Reconciled(examined=2, repaired=1)
    seen = await stand.ledger.run(run.id, stand.clock())
    assert seen is not None
    assert seen.status == end
    told = await stand.told(run_id=run.id)
    assert told[-2:] == [("call.uncertain", "agent:billing"), (f"run.{end}", actor)]
    said = [message["data"]["content"] for message in await stand.ledger.run_messages(run.id)]
    assert said[:3] == ["I refund.", "not so", "Refunded."]
    assert said[3].startswith("A crash left it open")
    assert said[4:] == ["This call was cancelled before it started; it did not run."]
    head = await stand.ledger.thread_head(run.thread_id)
    assert (head.turn_id, len(head.results)) == (row.id, 4)
    # The tool may come to its end all the same: that is evidence, and nothing more.
    late = a_message("Refunded too.", "tool")
    kept = await stand.ledger.finish_call(
        a_call(run, 0, 2), 0, "me", status="succeeded", message_id="late", message=late
    )
    assert not kept


async def test_the_end_of_a_run_that_the_ledger_has_lost_is_taken_from_its_result(stand: Stand) -> None:
    run = await stand.run()
    await stand.ledger.put_message("last", run.id, a_message("Done.", "ai"))
    result = RunResult(status="completed", message_id="last")
    stand.temporal.end(run.id, Status.COMPLETED, Closing(at=after(minutes=3), result=result))
    await stand.look_twice()
    seen = await stand.ledger.run(run.id, stand.clock())
    assert seen is not None
    assert (seen.status, seen.output, seen.ended_at) == ("completed", "Done.", after(minutes=3))
