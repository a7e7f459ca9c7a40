"""How a run opens an approval: a child workflow of its own, which the run then waits for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError

from placet.contracts.approvals import ApprovalInput, Outcome
from placet.runs import story

if TYPE_CHECKING:
    from placet.contracts.runs import RunStart
    from placet.runs.stopping import Stopping

APPROVAL_TASK_TIMEOUT: Final = timedelta(seconds=5)
_STOPS_WHEN_SUPERSEDED: Final = "a run stops when an approval of it is superseded"


@dataclass(frozen=True)
class Opened:
    """An approval that a run waits for."""

    id: str
    given: ApprovalInput
    handle: workflow.ChildWorkflowHandle[object, Outcome]
    stopping: Stopping

    async def outcome(self) -> Outcome:
        """Waits for its end; one that an operator ended by force counts as cancelled."""
        try:
            outcome = await self.handle
        except ChildWorkflowError:
            outcome = Outcome(status="cancelled", digest=self.given.digest or "", reason="gone")
        # Not in a finally: an eviction from the cache closes this coroutine outside any workflow task.
        self.stopping.has_ended(self.id)
        if outcome.status == "superseded" and workflow.patched(_STOPS_WHEN_SUPERSEDED):
            # A new message takes the run's place: nothing more of it starts until its cancel has come.
            self.stopping.stop("cancelled", outcome.reason)
        return outcome


async def open_approval(given: ApprovalInput, run: RunStart, turn: int, stopping: Stopping) -> Opened:
    """Starts an approval as a child of the run; where the run stops already it is withdrawn at once."""
    approval_id = workflow.uuid4().hex
    handle = await workflow.start_child_workflow(
        "Approval",
        given,
        id=f"approval-{approval_id}",
        result_type=Outcome,
        task_timeout=APPROVAL_TASK_TIMEOUT,
        parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
        static_summary=story.approval_summary(given),
        static_details=f"Asked by run `{run.run_id}`, agent {run.agent}, turn {turn + 1}.",
    )
    stopping.waits_for(approval_id, given, handle)
    return Opened(approval_id, given, handle, stopping)
