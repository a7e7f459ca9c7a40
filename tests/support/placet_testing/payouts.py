"""What became of a payout, the workflow of the how-to page, as Temporal knows it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError

if TYPE_CHECKING:
    from temporalio.client import Client


@dataclass(frozen=True)
class Ended:
    """How a payout ended.

    Attributes:
        payments: How often its activity was scheduled, whether or not a worker ran it.
    """

    status: WorkflowExecutionStatus | None
    payments: int


CANCELLED_UNPAID: Final = Ended(WorkflowExecutionStatus.CANCELED, 0)


async def end_of(client: Client, workflow_id: str) -> Ended:
    """Waits for a payout's end and tells how it was."""
    handle = client.get_workflow_handle(workflow_id)
    with contextlib.suppress(WorkflowFailureError):
        await handle.result()
    events = (await handle.fetch_history()).events
    paid = [one for one in events if one.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED]
    return Ended((await handle.describe()).status, len(paid))
