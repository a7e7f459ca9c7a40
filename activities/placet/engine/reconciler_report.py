"""What `placet doctor` says of the reconciler: whether its last pass came to its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
)
from temporalio.exceptions import ActivityError
from temporalio.service import RPCError

from placet.engine.findings import Finding, State
from placet.engine.schedules import reconciler_id

SUBJECT: Final = "reconciler"
_RPC: Final = timedelta(seconds=5)
_FAILED: Final = frozenset({WorkflowExecutionStatus.FAILED, WorkflowExecutionStatus.TIMED_OUT})


async def examine_reconciler(client: Client, task_queue: str) -> Finding:
    """Looks at the schedule and at the pass that it started last."""
    name = reconciler_id(task_queue)
    try:
        described = await client.get_schedule_handle(name).describe(rpc_timeout=_RPC)
        if described.schedule.state.paused:
            found = f"the schedule {name} is paused: {described.schedule.state.note}"
            return Finding(subject=SUBJECT, state=State.IDLE, found=found, remedy="Unpause it in the Temporal UI.")
        problem = await _problem_of_the_last_pass(client, described)
    except RPCError as error:
        found = f"no schedule {name}: {error.message}"
        return Finding(subject=SUBJECT, state=State.IDLE, found=found, remedy="The worker creates it when it starts.")
    if problem is not None:
        return Finding(subject=SUBJECT, state=State.MISSING, found=f"its last pass failed: {problem}")
    return Finding(subject=SUBJECT, state=State.OK, found=f"scheduled as {name}")


async def _problem_of_the_last_pass(client: Client, described: ScheduleDescription) -> str | None:
    """Returns why the last pass failed; None where it did not, or is not over."""
    actions = described.info.recent_actions
    last = actions[-1].action if actions else None
    if not isinstance(last, ScheduleActionExecutionStartWorkflow):
        return None
    handle = client.get_workflow_handle(last.workflow_id, run_id=last.first_execution_run_id)
    if (await handle.describe(rpc_timeout=_RPC)).status not in _FAILED:
        return None
    try:
        await handle.result(rpc_timeout=_RPC)
    except WorkflowFailureError as error:
        cause = error.cause.cause if isinstance(error.cause, ActivityError) else error.cause
        return str(cause)
    return None
