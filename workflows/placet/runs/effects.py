"""The activities as workflows see them: names, types, time limits; the bodies are elsewhere.

Ledger and judge activities are retried for ever: nothing runs without its record, so a ledger that
is down makes a run wait, never go on.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy

from placet.contracts._base import Message
from placet.contracts.calls import JudgeInput, JudgeResult
from placet.contracts.graphs import StepInput, StepResult
from placet.contracts.reconciling import Reconciled, ReconcilePageInput
from placet.contracts.records import (
    RecordInput,
    RecordResult,
    WhenRecordedInput,
    WhenRecordedResult,
)
from placet.contracts.runs import (
    CloseInput,
    CloseResult,
    ModelInput,
    ModelResult,
    SettleInput,
    SettleResult,
    ToolInput,
    ToolResult,
)

RECORD: Final = "placet.record"
WHEN_RECORDED: Final = "placet.when_recorded"
JUDGE: Final = "placet.judge"
MODEL: Final = "placet.model"
TOOL: Final = "placet.tool"
SUPERSTEP: Final = "placet.superstep"
SETTLE: Final = "placet.settle"
CLOSE: Final = "placet.close"
RECONCILE: Final = "placet.reconcile"

LEDGER_LIMIT: Final = timedelta(seconds=10)
JUDGE_LIMIT: Final = timedelta(seconds=30)
MODEL_LIMIT: Final = timedelta(minutes=10)
MODEL_HEARTBEAT_LIMIT: Final = timedelta(seconds=30)
RECONCILE_LIMIT: Final = timedelta(seconds=45)
TOOL_HEARTBEAT_LIMIT: Final = timedelta(seconds=5)

_MODEL_TRIES: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1), maximum_attempts=100
)
"""The activity gives up after an hour of errors; the number ends attempts that take their worker with them."""
_PATIENT: Final = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    maximum_interval=timedelta(seconds=30),
    non_retryable_error_types=["RunEndedError"],
)
"""An operator may reset a run that has ended: nothing starts in it any more, and it shall not try for ever."""
_SUMMARY_BYTES: Final = 200

_Result = TypeVar("_Result", bound=Message)


async def record(given: RecordInput, summary: str) -> RecordResult:
    """Writes events of an approval to the ledger, in order, each once."""
    return await _patiently(RECORD, given, RecordResult, LEDGER_LIMIT, summary)


async def when_recorded() -> WhenRecordedResult:
    """Asks Temporal when it recorded this workflow's Signals and its cancel request."""
    info = workflow.info()
    given = WhenRecordedInput(workflow_id=info.workflow_id, run_id=info.run_id)
    return await _patiently(WHEN_RECORDED, given, WhenRecordedResult, LEDGER_LIMIT, "order of what arrived")


async def judge(given: JudgeInput, summary: str) -> JudgeResult:
    """Asks policy about all calls of a turn."""
    return await _patiently(JUDGE, given, JudgeResult, JUDGE_LIMIT, summary)


async def settle(given: SettleInput, summary: str) -> SettleResult:
    """Gives a call that did not run the message that answers it."""
    return await _patiently(SETTLE, given, SettleResult, LEDGER_LIMIT, summary)


async def close(given: CloseInput, summary: str) -> CloseResult:
    """Writes the end of a run."""
    return await _patiently(CLOSE, given, CloseResult, LEDGER_LIMIT, summary)


async def reconcile(given: ReconcilePageInput, summary: str) -> Reconciled:
    """Compares one page of open rows with Temporal; what fails is tried again by the next pass."""
    return await workflow.execute_activity(
        RECONCILE,
        given,
        result_type=Reconciled,
        start_to_close_timeout=RECONCILE_LIMIT,
        retry_policy=RetryPolicy(maximum_attempts=1),
        summary=short(summary),
    )


def start_model(given: ModelInput, summary: str) -> workflow.ActivityHandle[ModelResult]:
    """Starts the call of the model; the activity says which of its errors are worth a retry, and for how long.

    Nothing limits how long it waits for a worker: who is down over night goes on in the morning.
    """
    return workflow.start_activity(
        MODEL,
        given,
        result_type=ModelResult,
        start_to_close_timeout=MODEL_LIMIT,
        heartbeat_timeout=MODEL_HEARTBEAT_LIMIT,
        retry_policy=_MODEL_TRIES,
        summary=short(summary),
        cancellation_type=workflow.ActivityCancellationType.TRY_CANCEL,
    )


async def run_tool(given: ToolInput, limit: timedelta, summary: str) -> ToolResult:
    """Runs a tool at most once per ledger row.

    Args:
        given: The call and what covers it.
        limit: How long one attempt may take.
        summary: For Temporal's UI; never holds arguments.
    """
    return await workflow.execute_activity(
        TOOL,
        given,
        result_type=ToolResult,
        start_to_close_timeout=limit,
        heartbeat_timeout=TOOL_HEARTBEAT_LIMIT,
        retry_policy=_PATIENT,
        summary=short(summary),
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    )


def start_superstep(given: StepInput, limit: timedelta, summary: str) -> workflow.ActivityHandle[StepResult]:
    """Starts one superstep of a graph; a cancel lets what it runs finish, and nothing of the graph starts after it.

    Args:
        given: Where the graph stands, and what people answered.
        limit: How long one attempt may take.
        summary: For Temporal's UI: the names of nodes, never what they work on.
    """
    return workflow.start_activity(
        SUPERSTEP,
        given,
        result_type=StepResult,
        start_to_close_timeout=limit,
        heartbeat_timeout=TOOL_HEARTBEAT_LIMIT,
        retry_policy=_PATIENT,
        summary=short(summary),
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    )


def short(text: str) -> str:
    """Returns the text cut to what a summary may hold (Temporal takes 400 bytes; 200 are kept)."""
    encoded = text.encode()
    if len(encoded) <= _SUMMARY_BYTES:
        return text
    return encoded[: _SUMMARY_BYTES - 3].decode(errors="ignore") + "…"


async def _patiently(name: str, given: Message, result: type[_Result], limit: timedelta, summary: str) -> _Result:
    return await workflow.execute_activity(
        name,
        given,
        result_type=result,
        start_to_close_timeout=limit,
        retry_policy=_PATIENT,
        summary=short(summary),
    )
