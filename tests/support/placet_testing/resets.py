"""Resets of a workflow, as an operator does them in Temporal's UI."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client


async def reset(client: Client, workflow_id: str, before: Callable[[HistoryEvent], bool]) -> None:
    """Resets a workflow to the workflow task before the first event that fits, or to its last one."""
    task = 0
    async for event in client.get_workflow_handle(workflow_id).fetch_history_events():
        if task and before(event):
            break
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
            task = event.event_id
    await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow_id),
            reason="an operator's reason",
            workflow_task_finish_event_id=task,
            request_id=uuid.uuid4().hex,
        )
    )


def asks_a_person(event: HistoryEvent) -> bool:
    """Returns whether a workflow starts an approval with this."""
    return event.event_type == EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED
