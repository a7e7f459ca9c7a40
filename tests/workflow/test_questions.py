"""Questions of a model: asked as an approval, answered once, told to the model."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.testing import WorkflowEnvironment

from placet.contracts.calls import Terms
from placet.contracts.canonical import digest
from placet.contracts.questions import ASK_HUMAN
from placet_testing.fake_effects import FakeEffects, a_call, a_question
from placet_testing.running_agents import a_run, decide

WHICH = {"question": "Which one?", "options": ["Left", "Right"]}


def questions(**frame: object) -> FakeEffects:
    """Returns a turn that asks one question beside a call that needs nobody."""
    turn = [a_question(0, WHICH, **frame), a_call(1, "find")]
    terms = Terms(approvers=("requester",), expires_after="2h")
    return FakeEffects([turn], verdicts={ASK_HUMAN: "ask"}, terms=terms)


async def test_a_question_is_asked_under_its_terms_while_other_calls_run(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    effects = questions(context={"why": "two fit"}, allow_skip=True)
    async with a_run(workflow_environment, task_queue, effects) as run:
        asked = await effects.approval_of(0, "question")
        await effects.until(lambda: "succeeded find1" in effects.diary)
        assert (asked.tool, asked.approvers, asked.allow_skip) == (ASK_HUMAN, ("requester",), True)
        assert asked.context == {"why": "two fit"}
        assert asked.expires_at is not None
        assert (asked.expires_at - asked.requested_at).total_seconds() == 7200
        (question,) = asked.questions
        assert (question.id, [option.id for option in question.options]) == ("q1", ["1", "2"])
        assert asked.args.digest == digest(ASK_HUMAN, asked.args.text or "")
        answers = {"q1": {"options": ["2"]}}
        await decide(workflow_environment.client, asked, "answer", answers=answers)
        assert (await run.result()).status == "completed"
    (settled,) = effects.settled
    assert settled.reason == "answered"
    assert settled.questions == asked.args
    assert settled.outcome is not None
    assert settled.outcome.decision is not None
    assert settled.outcome.decision.answers is not None
    assert settled.outcome.decision.answers["q1"].options == ("2",)
    assert [one.call.tool for one in effects.ran] == ["find"]
    assert effects.heard[1].results == ("settled0", "ran1")


async def test_a_question_that_is_skipped_or_expires_is_told_as_such(
    time_skipping: WorkflowEnvironment, task_queue: str
) -> None:
    effects = FakeEffects(
        [[a_question(0, WHICH, allow_skip=True)], [a_question(0, WHICH)]], verdicts={ASK_HUMAN: "ask"}
    )
    async with a_run(time_skipping, task_queue, effects) as run:
        asked = await effects.approval_of(0, "question")
        await decide(time_skipping.client, asked, "skip")
        assert (await run.result()).status == "completed"
    assert [one.reason for one in effects.settled] == ["skipped", "expired"]
    assert all(one.questions is not None for one in effects.settled)


async def test_a_question_that_policy_forbids_asks_nobody(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    effects = FakeEffects([[a_question(0, WHICH)]], verdicts={ASK_HUMAN: "deny"})
    async with a_run(workflow_environment, task_queue, effects) as run:
        assert (await run.result()).status == "completed"
    assert [one.reason for one in effects.settled] == ["denied"]
    assert not effects.asked


async def test_a_cancelled_run_withdraws_its_question(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    effects = questions()
    async with a_run(workflow_environment, task_queue, effects) as run:
        asked = await effects.approval_of(0, "question")
        await run.cancel(reason="no longer needed")
        with pytest.raises(WorkflowFailureError):
            await run.result()
    assert effects.ended == {asked.id: "cancelled"}
    assert [one.reason for one in effects.settled] == ["cancelled"]
