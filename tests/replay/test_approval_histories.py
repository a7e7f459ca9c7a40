"""Approvals that wait in production go on under today's code: each shape of `Approval` replays, to the same end."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any, Final

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    Replayer,
    UnsandboxedWorkflowRunner,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from placet.contracts.approvals import Outcome
from placet.engine.connection import data_converter
from placet.runs.approval import ApprovalWorkflow
from placet_testing.approval_stage import runner, task_failures

HISTORIES: Final = sorted((Path(__file__).parent / "histories").glob("approval-*.json"))
SHAPES: Final = {
    *("approved", "edited", "rejected", "responded", "answered", "skipped", "never-expiring"),
    *("expired", "cancelled", "withdrawn", "superseded", "superseded-after-a-reset"),
    *("two-at-once-by-signal", "two-at-once-by-update", "updates-that-met-a-queue"),
    *("worker-gone", "worker-gone-and-too-late", "cancelled-in-the-first-task"),
    *("cancelled-while-the-end-was-recorded", "ledger-that-had-lost-the-row", "wrong-input"),
}

results: dict[str, Outcome] = {}
"""What the replayed workflows returned, by workflow id."""


class Listener(WorkflowInboundInterceptor):
    """Notes what a workflow returns."""

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002 - the SDK's name
        result: Any = await super().execute_workflow(input)
        results["last"] = result
        return result


class Listening(Interceptor):
    """Puts the listener before each workflow."""

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002 - the SDK's name
    ) -> type[WorkflowInboundInterceptor]:
        del input
        return Listener


def history_in(path: Path, old: str = "", new: str = "") -> WorkflowHistory:
    """Returns the history in a file, with one text in it replaced; the workflow's id is its own."""
    text = path.read_text("utf-8")
    started = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], text.replace(old, new) if old else text)


def named(shape: str) -> Path:
    return next(path for path in HISTORIES if path.stem == f"approval-{shape}")


async def replayed(history: WorkflowHistory) -> Exception | None:
    """Returns why a history does not replay in the sandbox of today's worker, or None."""
    replayer = Replayer(workflows=[ApprovalWorkflow], workflow_runner=runner(), data_converter=data_converter())
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    return result.replay_failure


def test_there_is_a_history_of_each_shape() -> None:
    """A shape may be added; none may go."""
    assert {path.stem.removeprefix("approval-") for path in HISTORIES} >= SHAPES


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_recorded_approval_replays(path: Path) -> None:
    assert await replayed(history_in(path)) is None


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_replayed_approval_ends_as_it_did(path: Path) -> None:
    """Replay alone compares the steps, not the result: a decision could turn into another."""
    history = history_in(path)
    assert task_failures(history) == []
    end = history.events[-1]
    results.clear()
    listening = Replayer(
        workflows=[ApprovalWorkflow],
        workflow_runner=UnsandboxedWorkflowRunner(),
        data_converter=data_converter(),
        interceptors=[Listening()],
    )
    await listening.replay_workflow(history)
    if end.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
        assert results == {}
        return
    payloads = end.workflow_execution_completed_event_attributes.result.payloads
    (recorded,) = await data_converter().decode(payloads, [Outcome])
    assert results == {"last": recorded}


@pytest.mark.parametrize(
    ("shape", "old", "new"),
    [
        ("approved", "placet.record", "placet.other"),
        ("expired", "EVENT_TYPE_TIMER_FIRED", "EVENT_TYPE_TIMER_CANCELED"),
        ("two-at-once-by-signal", "placet.when_recorded", "placet.other"),
        ("cancelled", "EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED", "EVENT_TYPE_MARKER_RECORDED"),
    ],
)
async def test_a_history_that_does_not_fit_is_noticed(shape: str, old: str, new: str) -> None:
    """The check can fail."""
    assert await replayed(history_in(named(shape), old, new)) is not None


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_a_history_tells_nothing_of_the_machine_that_recorded_it(path: Path) -> None:
    text = path.read_text("utf-8")
    assert "stackTrace" not in text
    assert '"identity": "recorder"' in text
    identities = {
        event.get("workflowTaskStartedEventAttributes", {}).get("identity") for event in json.loads(text)["events"]
    }
    assert identities <= {None, "recorder"}


def test_the_recorder_knows_each_shape() -> None:
    specification = importlib.util.spec_from_file_location("record", Path(__file__).parent / "record.py")
    assert specification is not None
    assert specification.loader is not None
    record = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(record)
    recorded: list[Path] = [record.path_of(shape) for shape in record.SHAPES]
    assert {path.stem.removeprefix("approval-") for path in recorded} == SHAPES
