"""A long run begins a new history between two turns, and nobody but an operator can tell."""

from __future__ import annotations

import pytest
from temporalio.client import Client, WorkflowFailureError
from temporalio.testing import WorkflowEnvironment

from placet_testing.fake_effects import FakeEffects, a_call
from placet_testing.running_agents import Run, a_run, decide


async def histories_of(client: Client, run: Run) -> int:
    """Returns how many histories a run that has ended had."""
    count, run_id = 1, run.first_execution_run_id
    while True:
        history = await client.get_workflow_handle(run.id, run_id=run_id).fetch_history()
        last = history.events[-1]
        if not last.HasField("workflow_execution_continued_as_new_event_attributes"):
            return count
        run_id = last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
        count += 1


async def test_a_new_history_each_turn_loses_and_repeats_nothing(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    effects = FakeEffects(
        [[a_call(0, "find")], [a_call(0, "refund"), a_call(1, "find")], [a_call(0, "find")]], verdicts={"refund": "ask"}
    )
    async with a_run(workflow_environment, task_queue, effects, turns_a_history=1) as run:
        asked = await effects.approval_of(0)
        await decide(workflow_environment.client, asked, "approve")
        result = await run.result()
        assert await histories_of(workflow_environment.client, run) == 4
    assert (result.status, result.message_id) == ("completed", "said3")
    assert [one.turn for one in effects.heard] == [0, 1, 2, 3]
    assert [one.parent_turn for one in effects.heard] == ["input", "turn0", "turn1", "turn2"]
    assert [one.results for one in effects.heard] == [(), ("ran0",), ("ran0", "ran1"), ("ran0",)]
    assert [(one.call.turn, one.call.tool) for one in effects.ran if one.call.tool == "refund"] == [(1, "refund")]
    assert len(effects.closed) == 1


async def test_turns_are_counted_over_all_histories(workflow_environment: WorkflowEnvironment, task_queue: str) -> None:
    effects = FakeEffects([[a_call(0, "find")]] * 9)
    async with a_run(workflow_environment, task_queue, effects, turns_a_history=2, max_turns=5) as run:
        with pytest.raises(WorkflowFailureError):
            await run.result()
        assert await histories_of(workflow_environment.client, run) == 3
    assert len(effects.heard) == 5
    assert effects.closed[0].results == {0: "ran0"}


async def test_a_cancel_reaches_the_history_that_is_open(
    workflow_environment: WorkflowEnvironment, task_queue: str
) -> None:
    effects = FakeEffects([[a_call(0, "find")], [a_call(0, "refund")]], verdicts={"refund": "ask"})
    async with a_run(workflow_environment, task_queue, effects, turns_a_history=1) as run:
        asked = await effects.approval_of(0)
        await run.cancel(reason="no longer needed")
        with pytest.raises(WorkflowFailureError):
            await run.result()
    assert effects.ended == {asked.id: "cancelled"}
    assert effects.closed[0].status == "cancelled"
