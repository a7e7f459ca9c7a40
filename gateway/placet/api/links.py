"""Links into Temporal's UI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from placet.contracts.approvals import Approval, WorkflowLink
    from placet.contracts.runs import Run


@dataclass(frozen=True)
class Links:
    """Where Temporal's UI shows workflows.

    Attributes:
        base: The UI's address; None where there is none, and then nothing is linked.
    """

    base: str | None
    namespace: str

    def on_approval(self, approval: Approval) -> Approval:
        """Returns the approval with the link to its workflow."""
        return approval.model_copy(update={"temporal": self._linked(approval.temporal)})

    def on_run(self, run: Run) -> Run:
        """Returns the run, and what it waits for, with the links to their workflows."""
        pending = tuple(self.on_approval(approval) for approval in run.pending)
        return run.model_copy(update={"temporal": self._linked(run.temporal), "pending": pending})

    def _linked(self, link: WorkflowLink) -> WorkflowLink:
        if self.base is None:
            return link
        steps = ["namespaces", self.namespace, "workflows", link.workflow_id]
        path = "/".join(quote(step, safe="") for step in [*steps, *filter(None, [link.run_id])])
        return link.model_copy(update={"url": f"{self.base}/{path}"})
