"""Whatever was down meanwhile, Temporal's record says who was first: on the real server.

The servers' clocks matter here: what is recorded while no worker is up, what is handed over in one task, what comes
while the history is read.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError

from placet.contracts.decisions import DecideResult
from placet_testing.approval_stage import Handle, Stage, decision, refusal, send, until, update

SIGNALED: Final = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
CANCEL_REQUESTED: Final = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED
TIMER_STARTED: Final = EventType.EVENT_TYPE_TIMER_STARTED
STALE: Final = decision("approve", "stale", digest="sha256:other")

DEADLINE: Final = "the deadline passes"
CANCEL: Final = "the workflow is cancelled"
Step = dict[str, Any] | str | tuple[object, ...]
"""A decision as a Signal; one of the two above; a Signal's name and its payloads."""


@dataclass(frozen=True)
class Case:
    """What is recorded while no worker is up, and what a worker that comes then makes of it."""

    name: str
    steps: tuple[Step, ...]
    story: tuple[str, ...]

    @property
    def lifetime(self) -> str:
        """How long it may be decided; far away where its deadline is not part of it."""
        return "10s" if DEADLINE in self.steps else "1h"

    @property
    def status(self) -> str:
        """The end that the story tells."""
        return next(line.split()[1] for line in self.story if line.startswith("ended"))


A, B, C = decision("approve", "a"), decision("reject", "b", by="user:lee"), decision("respond", "c", message="so")
CASES: Final = (
    Case("nobody", (DEADLINE,), ("ended expired",)),
    Case("early", (A,), ("ended approved a",)),
    Case("early, then the deadline", (A, DEADLINE), ("ended approved a",)),
    Case("late", (DEADLINE, A), ("refused expired a", "ended expired")),
    Case("early and late", (A, DEADLINE, B), ("ended approved a", "refused already_decided b")),
    Case(
        "stale early, good late",
        (STALE, DEADLINE, A),
        ("refused stale_digest stale", "refused expired a", "ended expired"),
    ),
    Case("two people", (B, A), ("ended rejected b", "refused already_decided a")),
    Case("three people", (C, B, A), ("ended responded c", "refused already_decided b", "refused already_decided a")),
    Case("stale, then good", (STALE, A), ("refused stale_digest stale", "ended approved a")),
    Case("cancel", (CANCEL,), ("ended cancelled",)),
    Case("cancel, then a decision", (CANCEL, A), ("ended cancelled", "refused cancelled a")),
    Case("a decision, then cancel", (A, CANCEL), ("ended approved a",)),
    Case(
        "stale, then cancel, then good",
        (STALE, CANCEL, A),
        ("refused stale_digest stale", "ended cancelled", "refused cancelled a"),
    ),
    Case("the deadline, then cancel", (DEADLINE, CANCEL), ("ended expired",)),
    Case("cancel, then the deadline", (CANCEL, DEADLINE), ("ended cancelled",)),
    Case("cancel, the deadline, a decision", (CANCEL, DEADLINE, A), ("ended cancelled", "refused cancelled a")),
    Case("a decision, cancel, the deadline", (A, CANCEL, DEADLINE), ("ended approved a",)),
    Case("a refused one twice", (STALE, STALE, A), ("refused stale_digest stale", "ended approved a")),
    Case("one id twice", (A, A), ("ended approved a",)),
    Case("one id twice, the second late", (A, DEADLINE, A), ("ended approved a",)),
    Case(
        "one id with two bodies",
        (A, {**B, "decision_id": "a"}),
        ("ended approved a", "refused idempotency_key_reused a"),
    ),
    Case("one id by two people", (A, {**A, "by": "user:lee"}), ("ended approved a",)),
    Case(
        "no ids",
        (decision(digest="sha256:other"), decision()),
        ("refused stale_digest signal-decide-0", "ended approved signal-decide-1"),
    ),
    Case("withdrawn", (("cancel", {"id": "w"}), A), ("ended cancelled", "refused cancelled a")),
    Case(
        "decided, then withdrawn",
        (A, ("cancel", {"id": "w"})),
        ("ended approved a", "refused already_decided w"),
    ),
    Case("withdrawn late", (DEADLINE, ("cancel", {"id": "w"})), ("refused expired w", "ended expired")),
    Case("superseded, then cancelled", (("cancel", {"status": "superseded"}), CANCEL), ("ended superseded",)),
    Case(
        "rubbish",
        (("decide", "rubbish"), ("decide", None), ("decide",), ("cancel", [1]), ("decide", {"type": 5}), A),
        (
            *(f"refused invalid_decision signal-decide-{nth}" for nth in range(3)),
            "refused invalid_decision signal-cancel-0",
            "refused invalid_decision signal-decide-3",
            "ended approved a",
        ),
    ),
    Case("two payloads: the first counts", (("decide", A, B), B), ("ended approved a", "refused already_decided b")),
    Case("unknown names", (("nonsense", A), ("Decide", A), ("decide ", B), A), ("ended approved a",)),
    Case(
        "an id that our own code might use",
        ({**STALE, "decision_id": "workflow-cancel"}, CANCEL),
        ("refused stale_digest workflow-cancel", "ended cancelled"),
    ),
)


async def play(stage: Stage, handle: Handle, case: Case) -> None:
    """Lets the steps be recorded one after the other."""
    deadline = (await handle.describe()).start_time + stage.lifetime(case.lifetime)
    for step in case.steps:
        if step == DEADLINE:
            assert datetime.now(UTC) < deadline, "the machine is too slow for this test: what was to be early is late"
            await stage.pass_time(handle, deadline)
        elif step == CANCEL:
            await handle.cancel()
        elif isinstance(step, tuple):
            await handle.signal(str(step[0]), args=step[1:])
        else:
            await handle.signal("decide", step)


async def ask_and_play(stage: Stage, case: Case) -> tuple[str, Handle]:
    handle = await stage.ask(expires_after=case.lifetime)
    await play(stage, handle, case)
    return case.name, handle


async def check_all(stage: Stage, handles: dict[str, Handle]) -> None:
    outcomes = {name: await stage.outcome(handle) for name, handle in handles.items()}
    told = {name: stage.ledger.story(handle) for name, handle in handles.items()}
    assert told == {case.name: ["requested", *case.story] for case in CASES}
    assert {name: outcome.status for name, outcome in outcomes.items()} == {case.name: case.status for case in CASES}


@pytest.mark.parametrize("cached", [1_000, 0], ids=["", "that remembers nothing"])
async def test_what_was_recorded_with_no_worker_up_counts_in_its_order(real_stage: Stage, cached: int) -> None:
    """A worker that remembers nothing replays the whole history for each task."""
    handles = dict(await asyncio.gather(*(ask_and_play(real_stage, case) for case in CASES)))
    async with real_stage.worker(max_cached_workflows=cached):
        await check_all(real_stage, handles)


async def test_what_was_recorded_while_the_worker_was_gone_counts_in_its_order(real_stage: Stage) -> None:
    """The timer was started, and fires while nobody is there to see it."""
    async with real_stage.worker():
        asked = await asyncio.gather(*(real_stage.ask(expires_after=case.lifetime) for case in CASES))
        await asyncio.gather(*(real_stage.recorded(one, TIMER_STARTED) for one in asked))
        await until(lambda: len(real_stage.ledger.entries) == len(CASES), "every request in the ledger")
    handles = {case.name: one for case, one in zip(CASES, asked, strict=True)}
    await asyncio.gather(*(play(real_stage, handles[case.name], case) for case in CASES))
    async with real_stage.worker():
        await check_all(real_stage, handles)


# --- what comes while the history is read -----------------------------------------------------------------------


async def reading(stage: Stage) -> Handle:
    """Returns an approval with a stale Signal, for whose place the history is about to be read."""
    stage.reader.may_read.clear()
    handle = await stage.ask()
    await stage.pending(handle)
    await handle.signal("decide", STALE)
    await stage.reader.came.wait()
    return handle


async def test_a_cancel_that_comes_after_the_reading_is_not_forgotten(real_stage: Stage) -> None:
    """It wakes the workflow while the queue is being put in order, and is not in what was read."""
    real_stage.reader.may_answer.clear()
    async with real_stage.worker():
        handle = await reading(real_stage)
        real_stage.reader.may_read.set()
        await real_stage.reader.has_read.wait()
        await handle.cancel()
        await real_stage.recorded(handle, CANCEL_REQUESTED)
        await real_stage.task_completed_after(handle, CANCEL_REQUESTED)
        real_stage.reader.may_answer.set()
        assert (await real_stage.outcome(handle)).status == "cancelled"
    assert real_stage.ledger.story(handle) == ["requested", "refused stale_digest stale", "ended cancelled"]


async def test_a_decision_recorded_before_a_cancel_wins_though_both_came_before_the_reading(real_stage: Stage) -> None:
    async with real_stage.worker():
        handle = await reading(real_stage)
        await handle.signal("decide", decision("approve", "in-time"))
        await handle.cancel()
        real_stage.reader.may_read.set()
        assert (await real_stage.outcome(handle)).status == "approved"
    assert real_stage.ledger.story(handle) == ["requested", "refused stale_digest stale", "ended approved in-time"]


async def test_a_decision_recorded_after_a_cancel_loses_though_both_came_before_the_reading(real_stage: Stage) -> None:
    async with real_stage.worker():
        handle = await reading(real_stage)
        await handle.cancel()
        await handle.signal("decide", decision("approve", "after"))
        real_stage.reader.may_read.set()
        assert (await real_stage.outcome(handle)).status == "cancelled"
    story = ["requested", "refused stale_digest stale", "ended cancelled", "refused cancelled after"]
    assert real_stage.ledger.story(handle) == story


async def test_an_update_that_meets_a_queue_waits_for_its_place_and_wins(real_stage: Stage) -> None:
    async with real_stage.worker():
        handle = await reading(real_stage)
        waits = asyncio.create_task(send(handle, decision("reject", "u")))
        await real_stage.recorded(handle, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED)
        assert not waits.done()
        real_stage.reader.may_read.set()
        assert await waits == "rejected"
        await real_stage.outcome(handle)
    assert real_stage.ledger.story(handle) == ["requested", "refused stale_digest stale", "ended rejected u"]


async def test_an_update_that_meets_a_queue_is_told_that_a_signal_won(real_stage: Stage) -> None:
    async with real_stage.worker():
        handle = await reading(real_stage)
        await handle.signal("decide", decision("approve", "s", by="user:lee"))
        waits = asyncio.create_task(update(handle, decision("reject", "u")))
        await real_stage.recorded(handle, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED)
        real_stage.reader.may_read.set()
        told = await waits
        assert isinstance(told, ApplicationError)
        assert (told.type, told.details[0]["details"]["decision"]["by"]["id"]) == ("already_decided", "user:lee")
        assert (await real_stage.outcome(handle)).status == "approved"
    assert real_stage.ledger.story(handle) == ["requested", "refused stale_digest stale", "ended approved s"]


async def test_an_update_behind_a_cancel_in_the_queue_loses_and_one_before_it_wins(real_stage: Stage) -> None:
    for first, status in (("cancel", "cancelled"), ("update", "rejected")):
        async with real_stage.worker():
            real_stage.reader.came.clear()
            handle = await reading(real_stage)
            if first == "cancel":
                await handle.cancel()
                await real_stage.task_completed_after(handle, CANCEL_REQUESTED)
            waits = asyncio.create_task(send(handle, decision("reject", "u")))
            await real_stage.recorded(handle, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED)
            if first == "update":
                await handle.cancel()
            real_stage.reader.may_read.set()
            assert await waits == status
            assert (await real_stage.outcome(handle)).status == status


async def test_an_update_behind_a_cancel_that_has_no_place_yet_loses(real_stage: Stage) -> None:
    """No Signal is queued; the cancel alone is being put in order."""
    real_stage.reader.may_read.clear()
    async with real_stage.worker():
        handle = await real_stage.ask()
        await real_stage.pending(handle)
        await handle.cancel()
        await real_stage.reader.came.wait()
        waits = asyncio.create_task(send(handle, decision("reject", "u")))
        await real_stage.recorded(handle, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED)
        real_stage.reader.may_read.set()
        assert await waits == "cancelled"
        assert (await real_stage.outcome(handle)).status == "cancelled"


async def test_an_update_that_came_after_the_reading_does_not_overtake_a_cancel_that_came_before_it(
    real_stage: Stage,
) -> None:
    """Neither was read; the cancel is the older one."""
    real_stage.reader.may_answer.clear()
    async with real_stage.worker():
        handle = await reading(real_stage)
        real_stage.reader.may_read.set()
        await real_stage.reader.has_read.wait()
        await handle.cancel()
        await real_stage.task_completed_after(handle, CANCEL_REQUESTED)
        waits = asyncio.create_task(send(handle, decision("reject", "u")))
        await real_stage.recorded(handle, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED)
        real_stage.reader.may_answer.set()
        assert await waits == "cancelled"
        assert (await real_stage.outcome(handle)).status == "cancelled"


async def test_the_decision_of_a_queued_signal_may_be_repeated_by_update_also_past_the_deadline(
    real_stage: Stage,
) -> None:
    """The Signal came in time, so its repeat is told that it won; another's decision is late."""
    real_stage.reader.may_read.clear()
    async with real_stage.worker():
        handle = await real_stage.ask(expires_after="2s")
        asked = (await real_stage.pending(handle)).asked
        await handle.signal("decide", decision("approve", "s"))
        await real_stage.reader.came.wait()
        await real_stage.pass_time(handle, asked.expires_at)
        repeat = asyncio.create_task(send(handle, decision("approve", "s")))
        late = asyncio.create_task(send(handle, decision("reject", "late")))
        await real_stage.recorded(handle, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED, 2)
        real_stage.reader.may_read.set()
        assert await repeat == "approved"
        assert await late == "already_decided"
        await real_stage.outcome(handle)
    assert real_stage.ledger.story(handle) == ["requested", "ended approved s"]


async def test_a_bad_update_is_refused_though_a_queue_waits(real_stage: Stage) -> None:
    async with real_stage.worker():
        handle = await reading(real_stage)
        for bad in (decision("bogus"), decision("edit"), decision("skip"), decision(digest="sha256:other")):
            await refusal(handle, bad)
        accepted = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
        assert accepted not in await real_stage.events(handle)
        real_stage.reader.may_read.set()
        assert await send(handle, decision()) == "approved"
        await real_stage.outcome(handle)


# --- many at once -----------------------------------------------------------------------------------------------


async def test_of_eight_people_at_once_one_is_accepted_and_seven_are_told_who(real_stage: Stage) -> None:
    async with real_stage.worker():
        handle = await real_stage.ask()
        await real_stage.pending(handle)
        real_stage.ledger.open.clear()  # so that none meets a closed workflow, which is the gateway's to explain
        answers = await asyncio.gather(
            *(
                update(handle, decision("approve" if nth % 2 else "reject", f"d{nth}", by=f"user:{nth}"), id=f"d{nth}")
                for nth in range(8)
            )
        )
        real_stage.ledger.open.set()
        outcome = await real_stage.outcome(handle)
    won = [one for one in answers if isinstance(one, DecideResult)]
    told = [one for one in answers if isinstance(one, ApplicationError)]
    assert (len(won), len(told)) == (1, 7)
    assert won[0].decision == outcome.decision
    assert outcome.decision is not None
    for one in told:
        assert one.type == "already_decided"
        assert one.details[0]["details"]["decision"] == outcome.decision.model_dump(mode="json")
    assert real_stage.ledger.story(handle) == ["requested", f"ended {outcome.status} {outcome.decision.id}"]


async def test_updates_signals_a_withdrawal_and_a_cancel_at_once_end_it_once(real_stage: Stage) -> None:
    async with real_stage.worker():
        handles = [await real_stage.ask() for _ in range(5)]
        for handle in handles:
            await asyncio.gather(
                *(handle.signal("decide", decision("approve", f"s{nth}")) for nth in range(3)),
                *(update(handle, decision("reject", f"u{nth}")) for nth in range(3)),
                handle.signal("cancel", {"id": "w"}),
                handle.cancel(),
                return_exceptions=True,  # what comes after the end is told so by Temporal itself
            )
        for handle in handles:
            outcome = await real_stage.outcome(handle)
            ends = [line for line in real_stage.ledger.story(handle) if line.startswith("ended")]
            winner = f" {outcome.decision.id}" if outcome.decision else ""
            assert ends == [f"ended {outcome.status}{winner}"]


async def test_an_update_that_was_given_up_and_its_signal_count_once(real_stage: Stage) -> None:
    """With no worker up the gateway gives the Update up and sends a Signal with the same id; both may arrive."""
    handle = await real_stage.ask()
    with pytest.raises((WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError)):
        await asyncio.wait_for(send(handle, decision("approve", "d1"), id="d1"), 1)
    await handle.signal("decide", decision("approve", "d1"))
    async with real_stage.worker():
        outcome = await real_stage.outcome(handle)
    assert outcome.decision is not None
    assert outcome.decision.id == "d1"
    assert real_stage.ledger.story(handle) == ["requested", "ended approved d1"]


async def test_an_update_that_comes_with_a_cancel_of_the_workflow_is_told_what_stands(
    real_stage: Stage,
) -> None:
    """Temporal's SDK handles it first, whichever was recorded first; who was answered must not lose afterwards."""
    handle = await real_stage.ask()
    await handle.cancel()
    waits = asyncio.create_task(send(handle, decision("approve", "d1")))
    await asyncio.sleep(0.3)  # likely, not surely, the Update waits at the server by now; nothing shows it
    async with real_stage.worker():
        answer = await waits
        outcome = await real_stage.outcome(handle)
    assert (answer, outcome.status) in {("approved", "approved"), ("cancelled", "cancelled")}


async def test_thousands_of_small_signals_stop_nothing(real_stage: Stage) -> None:
    """Together they would be more than Temporal takes as the input of one activity."""
    handle = await real_stage.ask()
    stale = [decision("approve", f"s{nth}", digest="sha256:other", message="x" * 200) for nth in range(1_000)]
    await asyncio.gather(*(handle.signal("decide", one) for one in stale))
    await handle.signal("decide", decision("approve", "good"))
    async with real_stage.worker():
        assert (await real_stage.outcome(handle)).status == "approved"
    story = real_stage.ledger.story(handle)
    assert (len(story), story[-1]) == (1_002, "ended approved good")
    assert all(len(call.model_dump_json()) < 300_000 for call in real_stage.ledger.calls)


@pytest.mark.parametrize(
    ("args", "count"),
    [
        ({"k": "x" * 900_000}, 3),
        ({"k": '"' * 300_000}, 3),
        ({"k": ["x"] * 200_000}, 3),
        ({"k": [{"a": 1.5}] * 100_000}, 5),
    ],
    ids=["long", "longer once escaped", "many", "deep"],
)
async def test_several_large_edits_with_no_worker_up_stop_nothing(
    real_stage: Stage, args: dict[str, Any], count: int
) -> None:
    """One after the other: reading all of them in one task takes longer than a task may."""
    handle = await real_stage.ask()
    for nth in range(count):
        await handle.signal("decide", decision("edit", f"d{nth}", args=args))
    async with real_stage.worker():
        outcome = await real_stage.outcome(handle)
    assert outcome.decision is not None
    assert outcome.decision.id == "d0"
    assert real_stage.reader.readings > 1
    refused = [f"refused already_decided d{nth}" for nth in range(1, count)]
    assert real_stage.ledger.story(handle) == ["requested", "ended approved d0", *refused]


async def test_the_largest_edit_that_is_accepted_can_be_recorded(real_stage: Stage) -> None:
    """An Update that was answered 200 and then could not be recorded would keep the approval open for ever."""
    async with real_stage.worker():
        handle = await real_stage.ask()
        largest, too_large = 374_000, 375_000
        assert await send(handle, decision("edit", args={"k": '"' * too_large})) == "too_large"
        assert await send(handle, decision("edit", "d1", args={"k": '"' * largest})) == "approved"
        await real_stage.outcome(handle)
    assert real_stage.ledger.story(handle) == ["requested", "ended approved d1"]
