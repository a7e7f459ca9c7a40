"""A run's turns: what starts when, what waits for whom, and how a run ends."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.testing import WorkflowEnvironment

from placet.contracts.calls import Judgement, Terms
from placet.effects._texts import settle_text
from placet.runs.effects import MODEL, MODEL_LIMIT
from placet_testing.fake_effects import FakeEffects, a_call
from placet_testing.running_agents import a_run, decide


@pytest.fixture
def three_calls() -> FakeEffects:
    """Gives a turn of which one call is allowed and two are asked."""
    calls = [a_call(0, "find", who="ada"), a_call(1, "refund", cents=1), a_call(2, "mail", to="ada")]
    return FakeEffects([calls], verdicts={"refund": "ask", "mail": "ask"})


async def test_an_allowed_call_runs_while_its_neighbours_wait(
    workflow_environment: WorkflowEnvironment, task_queue: str, three_calls: FakeEffects
) -> None:
    async with a_run(workflow_environment, task_queue, three_calls):
        await three_calls.approval_of(1)
        await three_calls.approval_of(2)
        await three_calls.until(lambda: "succeeded find0" in three_calls.diary)
        assert not three_calls.ended
        assert [one.call.tool for one in three_calls.ran] == ["find"]


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
async def test_each_gated_call_is_released_by_its_own_decision(
    workflow_environment: WorkflowEnvironment, task_queue: str, three_calls: FakeEffects, order: tuple[int, int]
) -> None:
    async with a_run(workflow_environment, task_queue, three_calls) as run:
        asked = {index: await three_calls.approval_of(index) for index in order}
        for place, index in enumerate(order, 1):
            await decide(workflow_environment.client, asked[index], "approve")
            await three_calls.until(lambda: len(three_calls.ran) == place + 1)  # noqa: B023 - awaited in the loop
            assert three_calls.ran[-1].call.index == index
            assert three_calls.ran[-1].approval_id == asked[index].id
        result = await run.result()
    assert result.status == "completed"
    assert three_calls.heard[1].results == ("ran0", "ran1", "ran2")


async def test_two_calls_of_one_tool_are_two_calls(workflow_environment: WorkflowEnvironment, task_queue: str) -> None:
    effects = FakeEffects([[a_call(0, "refund", cents=1), a_call(1, "refund", cents=1)]], verdicts={"refund": "ask"})
    async with a_run(workflow_environment, task_queue, effects) as run:
        first, second = await effects.approval_of(0), await effects.approval_of(1)
        assert first.id != second.id
        assert first.args.digest == second.args.digest
        await decide(workflow_environment.client, first, "approve")
        await decide(workflow_environment.client, second, "reject")
        await run.result()
    assert [one.call.index for one in effects.ran] == [0]
    assert effects.heard[1].results == ("ran0", "settled1")


async def test_an_edit_runs_exactly_the_edited_bytes(
    workflow_environment: WorkflowEnvironment, task_queue: str, three_calls: FakeEffects
) -> None:
    async with a_run(workflow_environment, task_queue, three_calls) as run:
        asked = await three_calls.approval_of(1)
        await decide(workflow_environment.client, asked, "edit", args_text='{"cents": 900719925474099312345}')
        await three_calls.until(lambda: len(three_calls.ran) == 2)
        await decide(workflow_environment.client, await three_calls.approval_of(2), "reject")
        await run.result()
    ran = three_calls.ran[1]
    assert ran.args.text == '{"cents":900719925474099312345}'
    assert ran.outcome is not None
    assert ran.outcome.decision is not None
    assert ran.outcome.decision.digest == ran.args.digest != asked.args.digest


async def test_a_call_that_cannot_run_asks_nobody(workflow_environment: WorkflowEnvironment, task_queue: str) -> None:
    broken = a_call(0, "refund").model_copy(update={"args": None, "problem": "told"})
    effects = FakeEffects([[broken]], verdicts={"refund": "ask"})
    async with a_run(workflow_environment, task_queue, effects) as run:
        await run.result()
    assert effects.heard[1].results == ("told",)
    assert not effects.asked
    assert not effects.ran


async def test_a_last_answer_that_is_not_whole_is_in_the_record_of_its_run(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    effects = FakeEffects([[a_call(0, "find")]], cut="length")
    async with a_run(workflow_environment, task_queue, effects) as run:
        result = await run.result()
    (closed,) = effects.closed
    assert (closed.status, closed.error) == ("completed", result.error)
    assert closed.error == "The last answer is not whole: the provider stopped it (length)."


async def test_a_model_waits_for_a_worker_as_long_as_it_takes(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    """Only what a worker does once it has begun has a limit: over night there may be none."""
    effects = FakeEffects([])
    async with a_run(workflow_environment, task_queue, effects) as run:
        await run.result()
    events = [event async for event in run.fetch_history_events()]
    asked = [
        event.activity_task_scheduled_event_attributes
        for event in events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]
    (model,) = [one for one in asked if one.activity_type.name == MODEL]
    # The server writes what has no limit as that of the workflow, ten years.
    assert model.schedule_to_start_timeout.ToTimedelta() > timedelta(days=3_000)
    assert model.schedule_to_close_timeout.ToTimedelta() > timedelta(days=3_000)
    assert model.start_to_close_timeout.ToTimedelta() == MODEL_LIMIT


@pytest.mark.parametrize(("kind", "reason"), [("reject", "rejected"), ("respond", "responded")])
async def test_what_a_person_says_instead_is_the_message(
    workflow_environment: WorkflowEnvironment, task_queue: str, kind: str, reason: str
) -> None:
    effects = FakeEffects([[a_call(0, "refund")]], verdicts={"refund": "ask"})
    async with a_run(workflow_environment, task_queue, effects) as run:
        await decide(workflow_environment.client, await effects.approval_of(0), kind, message="not today")
        await run.result()
    assert [one.reason for one in effects.settled] == [reason]
    outcome = effects.settled[0].outcome
    assert outcome is not None
    assert outcome.decision is not None
    assert outcome.decision.message == "not today"
    assert not effects.ran


async def test_nobody_in_time_is_told_as_that_and_the_run_goes_on(
    time_skipping: WorkflowEnvironment, task_queue: str
) -> None:
    effects = FakeEffects([[a_call(0, "refund")]], verdicts={"refund": "ask"}, terms=Terms(expires_after="3d"))
    async with a_run(time_skipping, task_queue, effects) as run:
        result = await run.result()
    assert result.status == "completed"
    assert [one.reason for one in effects.settled] == ["expired"]


async def test_an_expiry_that_aborts_ends_the_run_and_its_other_approvals(
    temporal_client: Client, task_queue: str
) -> None:
    """On the real server: the time-skipping one now and then loses a child's end that meets its cancel."""
    effects = FakeEffects(
        [[a_call(0, "refund"), a_call(1, "refund")]],
        verdicts={"refund": "ask"},
        terms=Terms(expires_after="1s", on_expiry="abort"),
    )
    async with a_run(WorkflowEnvironment.from_client(temporal_client), task_queue, effects) as run:
        result = await run.result()
    assert result.status == "expired"
    assert set(effects.ended.values()) <= {"expired", "cancelled"}
    assert len(effects.ended) == 2
    assert len(effects.heard) == 1
    assert sorted(effects.closed[0].results) == [0, 1]


async def test_a_run_one_of_whose_approvals_is_superseded_starts_nothing_more(
    workflow_environment: WorkflowEnvironment, task_queue: str, three_calls: FakeEffects
) -> None:
    """A new message takes its place, and what the model would say next is nobody's any more."""
    async with a_run(workflow_environment, task_queue, three_calls) as run:
        asked = [await three_calls.approval_of(index) for index in (1, 2)]
        handle = workflow_environment.client.get_workflow_handle(f"approval-{asked[0].id}")
        withdrawal = {"id": "w", "status": "superseded", "by": "user:dana", "reason": "a new message"}
        await handle.execute_update("cancel", withdrawal)  # pyright: ignore[reportUnknownMemberType]
        result = await run.result()
    assert (result.status, three_calls.closed[0].reason) == ("cancelled", "a new message")
    assert len(three_calls.heard) == 1
    assert [one.call.tool for one in three_calls.ran] == ["find"]


async def test_a_cancelled_run_withdraws_its_approvals_and_says_so(
    workflow_environment: WorkflowEnvironment, task_queue: str, three_calls: FakeEffects
) -> None:
    async with a_run(workflow_environment, task_queue, three_calls) as run:
        await three_calls.approval_of(1)
        await three_calls.approval_of(2)
        await run.cancel()
        with pytest.raises(WorkflowFailureError) as raised:
            await run.result()
        status = (await run.describe()).status
    assert isinstance(raised.value.cause, CancelledError)
    assert status == WorkflowExecutionStatus.CANCELED
    assert list(three_calls.ended.values()) == ["cancelled", "cancelled"]
    assert [one.call.tool for one in three_calls.ran] == ["find"]
    assert three_calls.closed[0].status == "cancelled"
    assert sorted(three_calls.closed[0].results) == [0, 1, 2]


async def test_a_cancel_lets_the_started_tool_finish_and_starts_nothing_more(
    workflow_environment: WorkflowEnvironment, task_queue: str, three_calls: FakeEffects
) -> None:
    three_calls.hold["refund"] = asyncio.Event()
    async with a_run(workflow_environment, task_queue, three_calls) as run:
        await decide(workflow_environment.client, await three_calls.approval_of(1), "approve")
        await three_calls.until(lambda: "start refund1" in three_calls.diary)
        waiting = await three_calls.approval_of(2)
        await run.cancel()
        await three_calls.until(lambda: waiting.id in three_calls.ended)
        three_calls.hold["refund"].set()
        with pytest.raises(WorkflowFailureError):
            await run.result()
    assert "succeeded refund1" in three_calls.diary
    assert three_calls.closed[0].results == {0: "ran0", 1: "ran1", 2: "settled2"}
    assert len(three_calls.heard) == 1


async def test_a_cancel_does_not_wait_for_the_model(workflow_environment: WorkflowEnvironment, task_queue: str) -> None:
    effects = FakeEffects([], hold={"model": asyncio.Event()})
    async with a_run(workflow_environment, task_queue, effects) as run:
        await effects.until(lambda: bool(effects.heard))
        await run.cancel()
        with pytest.raises(WorkflowFailureError):
            await run.result()
        effects.hold["model"].set()
    assert effects.closed[0].status == "cancelled"


@pytest.mark.parametrize(
    ("answer", "status", "runs", "reason"),
    [("ran", "completed", 1, "ran"), ("not_run", "completed", 2, None), ("stop", "cancelled", 1, "uncertain")],
)
async def test_an_uncertain_call_asks_a_person(
    workflow_environment: WorkflowEnvironment, task_queue: str, answer: str, status: str, runs: int, reason: str | None
) -> None:
    effects = FakeEffects([[a_call(0, "refund")]])
    effects.outcomes["refund"].append("uncertain")
    async with a_run(workflow_environment, task_queue, effects) as run:
        asked = await effects.approval_of(0, kind="question")
        assert asked.tool == "refund"
        assert asked.expires_at is None
        answers = {"what_happened": {"options": [answer]}}
        await decide(workflow_environment.client, asked, "answer", answers=answers)
        result = await run.result()
    assert result.status == status
    assert [one.again for one in effects.ran] == list(range(runs))
    assert [one.reason for one in effects.settled] == ([reason] if reason else [])
    # Decided past the gateway: nobody has verified the name.
    assert effects.closed[0].actor == ("operator" if answer == "stop" else None)


async def test_two_uncertain_calls_leave_two_questions_that_nobody_takes_for_each_other(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    effects = FakeEffects([[a_call(0, "refund", cents=1), a_call(1, "refund", cents=2)]])
    effects.outcomes["refund"].extend(["uncertain", "uncertain"])
    async with a_run(workflow_environment, task_queue, effects) as run:
        one, other = await effects.approval_of(0, "question"), await effects.approval_of(1, "question")
        assert one.args.digest != other.args.digest
        for asked, cents in ((one, 1), (other, 2)):
            assert asked.context is not None
            assert asked.context["call"]["args"] == {"cents": cents}  # pyright: ignore - a part of JSON
            answers = {"what_happened": {"options": ["ran"], "text": f"{cents} cents"}}
            await decide(workflow_environment.client, asked, "answer", answers=answers)
        assert (await run.result()).status == "completed"
    assert [one.reason for one in effects.settled] == ["ran", "ran"]
    assert {one.call.release for one in effects.settled} == {one.call.release for one in effects.ran} == {"turn0"}


async def test_what_a_person_says_of_an_uncertain_call_without_choosing_is_not_lost(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    effects = FakeEffects([[a_call(0, "refund")]])
    effects.outcomes["refund"].append("uncertain")
    async with a_run(workflow_environment, task_queue, effects) as run:
        asked = await effects.approval_of(0, kind="question")
        await decide(
            workflow_environment.client, asked, "answer", answers={"what_happened": {"text": "The bank is down."}}
        )
        await run.result()
    (settled,) = effects.settled
    assert settled.reason == "uncertain"
    assert settle_text(settled).endswith("A person who looked says: The bank is down.")


async def test_what_is_asked_at_the_door_is_asked_then(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    """Policy allowed the call in its turn and wants a person by the time it would run."""
    effects = FakeEffects([[a_call(0, "refund", cents=1)]])
    effects.outcomes["refund"].append("ask")
    effects.hold["refund"] = asyncio.Event()
    async with a_run(workflow_environment, task_queue, effects) as run:
        await effects.until(lambda: bool(effects.ran))
        effects.verdicts["refund"] = "ask"
        effects.hold["refund"].set()
        asked = await effects.approval_of(0)
        await decide(workflow_environment.client, asked, "approve")
        await run.result()
    assert [one.approval_id for one in effects.ran] == [None, asked.id]


async def test_an_approved_call_of_a_changed_tool_is_asked_again_with_the_difference(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    call = a_call(0, "refund", cents=1).model_copy(update={"tool_ref": "tool-then", "schema_ref": "schema-then"})
    effects = FakeEffects([[call]], verdicts={"refund": "ask"})
    effects.outcomes["refund"].append("changed")
    async with a_run(workflow_environment, task_queue, effects) as run:
        first = await effects.approval_of(0)
        assert first.context is None
        await decide(workflow_environment.client, first, "edit", args={"cents": 2})
        await effects.until(lambda: first.id in effects.ended)
        second = await effects.approval_of(0)
        assert second.args.text == '{"cents":2}', "what would have run is what is asked about"
        assert second.args_schema_ref == "schema-now"
        assert second.context == {
            "asked_again": {
                "previous_approval": first.id,
                "changes": [{"what": "description", "before": "Old.", "after": "New."}],
            }
        }
        await decide(workflow_environment.client, second, "approve")
        assert (await run.result()).status == "completed"
    then, now = effects.ran
    assert (then.tool_ref, now.tool_ref) == ("tool-then", "tool-now")
    assert (now.approval_id, now.args.text) == (second.id, '{"cents":2}')
    assert now.asked_digest == call.args.digest if call.args else None


async def test_a_call_that_policy_asks_about_by_now_shows_what_policy_says(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    effects = FakeEffects([[a_call(0, "refund")]], verdicts={"refund": "ask"})
    effects.outcomes["refund"].append("ask")
    async with a_run(workflow_environment, task_queue, effects) as run:
        first = await effects.approval_of(0)
        effects.terms = Terms(approvers=("group:finance",), risk="high")
        await decide(workflow_environment.client, first, "approve")
        await effects.until(lambda: first.id in effects.ended)
        second = await effects.approval_of(0)
        assert second.context is not None
        assert second.context["asked_again"] == {
            "previous_approval": first.id,
            "changes": [
                {"what": "approvers", "before": "role:approver", "after": "group:finance"},
                {"what": "risk", "before": "medium", "after": "high"},
            ],
        }
        await decide(workflow_environment.client, second, "reject")
        assert (await run.result()).status == "completed"
    assert [one.reason for one in effects.settled] == ["rejected"]


def held_and_sent_back() -> FakeEffects:
    """One call, which the door holds, and sends back when it is let go."""
    effects = FakeEffects([[a_call(0, "refund")]], hold={"refund": asyncio.Event()})
    effects.outcomes["refund"].append("ask")
    return effects


async def test_what_is_denied_at_the_door_does_not_run(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    effects = held_and_sent_back()
    async with a_run(workflow_environment, task_queue, effects) as run:
        await effects.until(lambda: bool(effects.ran))
        effects.verdicts["refund"] = "deny"
        effects.hold["refund"].set()
        await run.result()
    assert [one.reason for one in effects.settled] == ["denied"]


async def test_what_the_door_sends_back_does_not_run_once_the_run_is_cancelled(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    effects = held_and_sent_back()
    async with a_run(workflow_environment, task_queue, effects) as run:
        await effects.until(lambda: bool(effects.ran))
        await run.cancel()
        effects.hold["refund"].set()
        with pytest.raises(WorkflowFailureError):
            await run.result()
    assert len(effects.ran) == 1
    assert [one.reason for one in effects.settled] == ["cancelled"]


async def test_a_model_that_fails_for_good_fails_the_run(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    effects = FakeEffects([], model_fails=True)
    async with a_run(workflow_environment, task_queue, effects) as run:
        with pytest.raises(WorkflowFailureError) as raised:
            await run.result()
    assert isinstance(raised.value.cause, ApplicationError)
    assert raised.value.cause.type == "run_failed"
    assert effects.closed[0].status == "failed"
    assert "it is out" in (effects.closed[0].error or "")


async def test_a_run_that_never_stops_calling_is_stopped(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    effects = FakeEffects([[a_call(0, "find")]] * 5)
    async with a_run(workflow_environment, task_queue, effects, max_turns=3) as run:
        with pytest.raises(WorkflowFailureError):
            await run.result()
    assert len(effects.heard) == 3
    assert "more than 3 turns" in (effects.closed[0].error or "")


async def test_an_approval_that_an_operator_terminates_leaves_its_call_cancelled(
    temporal_client: Client, task_queue: str
) -> None:
    """On the real server: the time-skipping one does not tell a parent of it."""
    environment = WorkflowEnvironment.from_client(temporal_client)
    effects = FakeEffects([[a_call(0, "refund")]], verdicts={"refund": "ask"})
    async with a_run(environment, task_queue, effects) as run:
        asked = await effects.approval_of(0)
        await temporal_client.get_workflow_handle(f"approval-{asked.id}").terminate("gone")
        result = await run.result()
    assert result.status == "completed"
    assert [one.reason for one in effects.settled] == ["cancelled"]


@pytest.mark.parametrize("answers_judged", [True, False])
async def test_a_turn_is_judged_once_with_the_answer_or_after_it(
    workflow_environment: WorkflowEnvironment, task_queue: str, three_calls: FakeEffects, *, answers_judged: bool
) -> None:
    three_calls.answers_judged = answers_judged
    async with a_run(workflow_environment, task_queue, three_calls) as run:
        for index in (1, 2):
            await decide(workflow_environment.client, await three_calls.approval_of(index), "approve")
        await run.result()
    assert len(three_calls.judged) == (0 if answers_judged else 1)
    assert [(one.call.index, one.gated) for one in three_calls.ran] == [(0, False), (1, True), (2, True)]


async def test_only_what_an_answer_left_unjudged_is_judged_after_it(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    known = a_call(0, "find").model_copy(update={"verdict": Judgement(effect="allow")})
    effects = FakeEffects([[known, a_call(1, "drop")]], verdicts={"drop": "deny", "find": "deny"})
    async with a_run(workflow_environment, task_queue, effects) as run:
        await run.result()
    assert [[call.tool for call in one.calls] for one in effects.judged] == [["drop"]]
    assert [one.call.tool for one in effects.ran] == ["find"]


async def test_a_call_that_was_judged_with_the_answer_is_judged_anew_after_the_door(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    effects = FakeEffects([[a_call(0, "find")]], answers_judged=True)
    effects.outcomes["find"].append("changed")
    async with a_run(workflow_environment, task_queue, effects) as run:
        await effects.until(lambda: bool(effects.ran))
        await run.result()
    assert len(effects.judged) == 1
    assert [one.tool_ref for one in effects.ran] == [None, None]
