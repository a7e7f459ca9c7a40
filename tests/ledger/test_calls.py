"""One row guards a tool: whoever has it runs, everybody else learns what became of the call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from placet.contracts.calls import Source
from placet.contracts.events import CallJudged
from placet.contracts.records import RequestedEntry
from placet.contracts.runs import CallRef, CloseInput
from placet.ledger import CallClaim, Judged, Ledger, RunEndedError, RunRow
from placet_testing.ledger_samples import (
    NOON,
    a_call,
    a_decision,
    a_message,
    a_run,
    an_approval,
    ended_by,
    new_id,
    some_args,
)

ARGS = some_args("refund", {"order_id": 2**70})
DONE = a_message("refunded", "tool")


@pytest.fixture
async def run(ledger: Ledger) -> RunRow:
    """A run that has been opened."""
    run = a_run()
    await ledger.open_run(run)
    return run


async def start(ledger: Ledger, call: CallRef, owner: str, again: int = 0, **changes: Any) -> CallClaim:
    given: dict[str, Any] = {"approval_id": None, "idempotent": False} | changes
    return await ledger.start_call(call, ARGS, again, owner=owner, **given)


async def finish(ledger: Ledger, call: CallRef, owner: str, message_id: str, again: int = 0) -> bool:
    return await ledger.finish_call(call, again, owner, status="succeeded", message_id=message_id, message=DONE)


async def close(ledger: Ledger, run: RunRow) -> None:
    await ledger.close_run(CloseInput(run_id=run.id, agent=run.agent, thread_id=run.thread_id, status="cancelled"))


async def types(ledger: Ledger, run: RunRow) -> list[str]:
    return [event.type for event in await ledger.events_after(None, run_id=run.id)][1:]


async def test_a_call_is_started_finished_and_then_only_read(ledger: Ledger, run: RunRow) -> None:
    call = a_call(run)
    assert not await ledger.call_started(call, 0)
    assert await start(ledger, call, "a") == CallClaim("mine")
    assert await ledger.call_started(call, 0)
    assert await finish(ledger, call, "a", "m1")
    assert await start(ledger, call, "b") == CallClaim("finished", "succeeded", "m1")
    assert await ledger.messages(["m1"]) == [DONE]
    assert await types(ledger, run) == ["call.started", "call.finished"]
    started, finished = (await ledger.events_after(None, run_id=run.id))[1:]
    assert started.data == {"tool": "refund", "digest": ARGS.digest, "turn": 0, "index": 0, "attempt": 1}
    assert (finished.data["status"], finished.data["message_id"], finished.actor) == (
        "succeeded",
        "m1",
        "agent:billing",
    )


async def test_of_ten_who_claim_at_once_one_has_it(ledger: Ledger, another: Callable[[], Ledger], run: RunRow) -> None:
    ledgers = [ledger, another(), another()]
    for turn in range(5):
        call = a_call(run, turn)
        claims = await asyncio.gather(*(start(ledgers[n % 3], call, f"owner {n}") for n in range(10)))
        assert sorted(claim.state for claim in claims) == ["mine", *["uncertain"] * 9]
    assert await types(ledger, run) == ["call.started"] * 5


async def test_of_ten_who_take_over_at_once_each_has_it_in_turn_and_one_finishes(
    ledger: Ledger, another: Callable[[], Ledger], run: RunRow
) -> None:
    other, call = another(), a_call(run)
    assert (await start(ledger, call, "first", idempotent=True)).state == "mine"
    takers = [f"owner {n}" for n in range(10)]
    places = [ledger, other] * 5
    claims = await asyncio.gather(
        *(start(one, call, owner, idempotent=True) for one, owner in zip(places, takers, strict=True))
    )
    assert {claim.state for claim in claims} == {"taken_over"}
    owners = ["first", *takers]
    results = [await finish(ledger, call, owner, f"m of {owner}") for owner in owners]
    assert results.count(True) == 1
    started = [event.data.get("attempt") for event in await ledger.events_after(None, types=["call.started"])]
    assert started == list(range(1, 12))
    assert (await types(ledger, run)).count("call.finished") == 1


async def test_the_owner_who_lost_the_answer_asks_again(ledger: Ledger, run: RunRow) -> None:
    """The commit succeeded and the connection broke: the same attempt says the same thing again."""
    call = a_call(run)
    assert (await start(ledger, call, "a")).state == "mine"
    assert (await start(ledger, call, "a")).state == "mine"
    assert await finish(ledger, call, "a", "m1")
    assert await finish(ledger, call, "a", "m1")
    assert await types(ledger, run) == ["call.started", "call.finished"]


async def test_a_row_that_its_owner_let_go_is_taken_by_whoever_comes_next(ledger: Ledger, run: RunRow) -> None:
    """A tool of a graph waits for somebody; nobody else's row is let go, and none that has ended."""
    call = a_call(run)
    await start(ledger, call, "waits")
    await ledger.graphs.let_go(call, 0, "another")
    assert (await start(ledger, call, "next")).state == "uncertain"
    await ledger.graphs.let_go(call, 0, "waits")
    assert (await start(ledger, call, "next")).state == "taken_over"
    assert (await start(ledger, call, "third")).state == "uncertain"
    assert await finish(ledger, call, "next", "m1")
    await ledger.graphs.let_go(call, 0, "next")
    assert (await start(ledger, call, "third")).state == "finished"
    assert await types(ledger, run) == ["call.started", "call.started", "call.finished"]


async def test_a_zombie_appends_nothing_after_a_take_over(ledger: Ledger, run: RunRow) -> None:
    call = a_call(run)
    await start(ledger, call, "zombie", idempotent=True)
    assert (await start(ledger, call, "heir", idempotent=True)).state == "taken_over"
    assert not await finish(ledger, call, "zombie", "m of zombie")
    assert await ledger.messages(["m of zombie"]) == []
    assert await finish(ledger, call, "heir", "m of heir")
    assert not await finish(ledger, call, "zombie", "m of zombie")
    assert await start(ledger, call, "c") == CallClaim("finished", "succeeded", "m of heir")
    assert await types(ledger, run) == ["call.started", "call.started", "call.finished"]


async def test_an_uncertain_call_is_told_once_and_a_late_result_does_not_count(ledger: Ledger, run: RunRow) -> None:
    call = a_call(run)
    await start(ledger, call, "a")
    for _ in range(2):
        assert (await start(ledger, call, "b")).state == "uncertain"
        await ledger.mark_uncertain(call, 0)
    assert not await finish(ledger, call, "a", "m1")
    assert (await start(ledger, call, "c", idempotent=True)).state == "uncertain"
    assert await types(ledger, run) == ["call.started", "call.uncertain"]


async def test_the_question_about_an_uncertain_call_shows_its_late_result(ledger: Ledger, run: RunRow) -> None:
    call = a_call(run, turn=2, index=1)
    question = an_approval(kind="question", run_id=run.id, turn=2, index=1, context={"ticket": 1})
    other = an_approval(kind="question", run_id=run.id, turn=2, index=0)
    for asked in (question, other):
        await ledger.record(asked, 0, (RequestedEntry(),))
    await start(ledger, call, "a")
    await ledger.mark_uncertain(call, 0)
    shown = await ledger.approval(question.id, NOON)
    assert shown is not None
    assert shown.context == {"ticket": 1}
    await finish(ledger, call, "a", "m1")
    contexts = [await ledger.approval(asked.id, NOON) for asked in (question, other)]
    late = {"status": "succeeded", "message": DONE}
    assert [one.context for one in contexts if one] == [{"ticket": 1, "late_result": late}, None]


async def test_run_again_is_a_row_of_its_own(ledger: Ledger, run: RunRow) -> None:
    call = a_call(run)
    await start(ledger, call, "a")
    await ledger.mark_uncertain(call, 0)
    assert (await start(ledger, call, "b", again=1)).state == "mine"
    assert not await finish(ledger, call, "a", "m1")
    assert await finish(ledger, call, "b", "m2", again=1)
    assert await start(ledger, call, "c", again=1) == CallClaim("finished", "succeeded", "m2")
    attempts = [event.data["attempt"] for event in await ledger.events_after(None, types=["call.started"])]
    assert attempts == [1, 2]


async def test_equal_calls_of_a_turn_are_two_calls(ledger: Ledger, run: RunRow) -> None:
    first, second = a_call(run, index=0), a_call(run, index=1)
    assert (await start(ledger, first, "a")).state == "mine"
    assert (await start(ledger, second, "a")).state == "mine"


async def test_nothing_starts_in_a_run_that_has_ended(ledger: Ledger, run: RunRow) -> None:
    await close(ledger, run)
    with pytest.raises(RunEndedError, match=run.id):
        await start(ledger, a_call(run), "a")
    assert not await ledger.call_started(a_call(run), 0)


async def test_a_call_and_the_end_of_its_run_at_once_start_it_before_or_not_at_all(
    ledger: Ledger, another: Callable[[], Ledger]
) -> None:
    other = another()
    for _ in range(10):
        run = a_run()
        await ledger.open_run(run)
        calls = [a_call(run, index=n) for n in range(4)]
        claims = await asyncio.gather(
            *(start(other, call, "a") for call in calls), close(ledger, run), return_exceptions=True
        )
        mine = [claim for claim in claims if claim == CallClaim("mine")]
        refused = [claim for claim in claims if isinstance(claim, RunEndedError)]
        assert len(mine) + len(refused) == 4
        assert await types(ledger, run) == ["call.started"] * len(mine) + ["run.cancelled"]
        assert [await ledger.call_started(call, 0) for call in calls].count(True) == len(mine)


async def test_a_result_after_the_end_of_the_run_is_kept_and_appends_nothing(ledger: Ledger, run: RunRow) -> None:
    call = a_call(run)
    await start(ledger, call, "a")
    await close(ledger, run)
    before = await ledger.events_after(None, run_id=run.id)
    assert await finish(ledger, call, "a", "m1")
    assert await ledger.messages(["m1"]) == [DONE]
    assert await ledger.events_after(None, run_id=run.id) == before


async def test_a_call_refused_at_the_door_is_finished_without_a_start(ledger: Ledger, run: RunRow) -> None:
    call = a_call(run)
    refused = CallClaim("finished", "refused", "m1")
    assert await ledger.refuse_call(call, ARGS, 0, "m1", DONE) == refused
    assert await ledger.refuse_call(call, ARGS, 0, "m2", DONE) == refused
    assert await start(ledger, call, "a") == refused
    assert await ledger.messages(["m1", "m2"]) == [DONE]
    assert await types(ledger, run) == ["call.finished"]


async def test_a_call_that_has_started_is_not_refused_any_more(ledger: Ledger, run: RunRow) -> None:
    call = a_call(run)
    await start(ledger, call, "a")
    assert (await ledger.refuse_call(call, ARGS, 0, "m1", DONE)).state == "uncertain"
    assert await finish(ledger, call, "a", "m2")
    assert await ledger.refuse_call(call, ARGS, 0, "m1", DONE) == CallClaim("finished", "succeeded", "m2")


async def test_a_person_who_says_that_it_ran_finishes_it(ledger: Ledger, run: RunRow) -> None:
    call = a_call(run)
    await start(ledger, call, "a")
    await ledger.mark_uncertain(call, 0)
    for _ in range(2):
        await ledger.settle_call(call, "m1", DONE, ran=True)
    assert await start(ledger, call, "b") == CallClaim("finished", "succeeded", "m1")
    assert await types(ledger, run) == ["call.started", "call.uncertain", "call.finished"]


async def test_a_call_that_did_not_run_has_a_message_and_no_event(ledger: Ledger, run: RunRow) -> None:
    await ledger.settle_call(a_call(run), "m1", DONE)
    assert await ledger.messages(["m1"]) == [DONE]
    assert await types(ledger, run) == []


class TestExecution:
    """An approval shows what became of the call that it let run."""

    async def test_it_follows_the_call(self, ledger: Ledger, run: RunRow) -> None:
        asked, call = an_approval(run_id=run.id), a_call(run)
        await ledger.record(asked, 0, (RequestedEntry(), ended_by(a_decision(asked), asked)))

        async def execution() -> tuple[str, str, bool] | None:
            approval = await ledger.approval(asked.id, NOON)
            assert approval is not None
            found = approval.execution
            return found and (found.status, found.digest, found.ended_at is not None)

        assert await execution() is None
        await start(ledger, call, "a", approval_id=asked.id)
        assert await execution() == ("running", ARGS.digest, False)
        await ledger.mark_uncertain(call, 0)
        assert await execution() == ("uncertain", ARGS.digest, False)
        await start(ledger, call, "b", again=1, approval_id=asked.id)
        assert await execution() == ("running", ARGS.digest, False)
        await ledger.finish_call(call, 1, "b", status="failed", message_id="m", message=DONE)
        assert await execution() == ("failed", ARGS.digest, True)
        events = await ledger.events_after(None, types=["call.started", "call.finished", "call.uncertain"])
        assert {event.approval_id for event in events} == {asked.id}

    async def test_a_refusal_at_the_door_is_shown(self, ledger: Ledger, run: RunRow) -> None:
        asked = an_approval(run_id=run.id)
        await ledger.record(asked, 0, (RequestedEntry(), ended_by(a_decision(asked), asked)))
        await ledger.refuse_call(a_call(run), ARGS, 0, "m", DONE, asked.id)
        approval = await ledger.approval(asked.id, NOON)
        assert approval is not None
        assert approval.execution is not None
        assert approval.execution.status == "refused"


class TestVerdicts:
    """What needs nobody is an event, once, however often the activity is tried."""

    async def test_of_a_run_of_ours_each_is_told_once(self, ledger: Ledger, run: RunRow) -> None:
        data = [CallJudged(tool="refund", digest=f"d{n}", turn=0, index=n, rule="r") for n in range(2)]
        entries = [
            Judged(type="call.allowed", data=data[0], call_id="call_0", actor="agent:billing"),
            Judged(type="call.denied", data=data[1], call_id="call_0"),
        ]
        await ledger.allow_or_deny(run.id, None, entries)
        await ledger.allow_or_deny(run.id, None, entries)
        await ledger.allow_or_deny(run.id, None, list(reversed(entries)))
        assert await types(ledger, run) == ["call.allowed", "call.denied"]

    async def test_a_later_verdict_of_the_same_call_is_told_too(self, ledger: Ledger, run: RunRow) -> None:
        """The tool's door asks again: policy may have changed since."""
        data = CallJudged(tool="refund", digest="d", turn=0, index=0)
        await ledger.allow_or_deny(run.id, None, [Judged(type="call.allowed", data=data)])
        await ledger.allow_or_deny(run.id, None, [Judged(type="call.denied", data=data)])
        assert await types(ledger, run) == ["call.allowed", "call.denied"]

    async def test_of_another_workflow_each_is_told_once_by_its_name(self, ledger: Ledger) -> None:
        source, call = Source(workflow_id="w", run_id="r"), new_id()
        data = CallJudged(tool="refund", digest="d")
        for once in (call, call, "another", None, None):
            await ledger.allow_or_deny(None, source, [Judged(type="call.allowed", data=data, once=once)])
        assert len(await ledger.events_after(None)) == 4

    async def test_workflows_that_do_not_say_who_they_are_are_not_taken_for_one(self, ledger: Ledger) -> None:
        verdict = Judged(type="call.allowed", data=CallJudged(tool="refund", digest="d"), once="call_0")
        for source in (None, Source(), Source(workflow_id="w", run_id="1"), Source(workflow_id="w", run_id="2")):
            await ledger.allow_or_deny(None, source, [verdict])
        assert len(await ledger.events_after(None)) == 4

    async def test_nothing_to_tell_is_nothing(self, ledger: Ledger) -> None:
        await ledger.allow_or_deny(None, None, [])
        assert await ledger.events_after(None) == []
