"""An approval as it is now, put together from what is known best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from placet.contracts.approvals import Approval, ApprovalState, DecisionView, End, WorkflowLink
from placet.contracts.canonical import parse_object
from placet.contracts.errors import Code, Refusal

if TYPE_CHECKING:
    from datetime import datetime

    from placet.contracts.approvals import Asked
    from placet.contracts.decisions import DecisionRecord


def overlaid(approval: Approval, status: End, decision: DecisionView | None, ended_at: datetime | None) -> Approval:
    """Returns the ledger's row with an end that Temporal knows already; the ledger lags by milliseconds."""
    return approval.model_copy(
        update={
            "status": status,
            "decision": decision,
            "ended_at": ended_at,
            "recorded": False,
        }
    )


def view_of(decision: DecisionRecord) -> DecisionView:
    """Returns a decision as REST shows it."""
    return DecisionView(
        id=decision.id,
        type=decision.type,
        by=decision.by,
        received_at=decision.received_at,
        message=decision.message,
        args=_args(decision.args_text),
        answers=decision.answers,
        digest=decision.digest,
    )


def approval_of(state: ApprovalState, decision: DecisionView | None) -> Approval:
    """Returns the approval as its workflow describes it, for when the ledger cannot be read.

    Arguments that only the ledger keeps are not shown; the digest still binds them.
    """
    asked = state.asked
    described = asked.model_dump(exclude={"args", "workflow_id", "workflow_run_id", "seal", "index"})
    return Approval.model_validate(
        {
            **described,
            "status": state.status,
            "args": _args(asked.args.text) or {},
            "digest": asked.args.digest,
            "decision": decision,
            "ended_at": state.ended_at,
            "temporal": _link(asked),
        }
    )


def conflict(approval: Approval) -> Refusal:
    """Returns the refusal that an approval which has ended gives: who won, when and how."""
    decision = approval.decision
    if decision is not None:
        who = decision.by.name or decision.by.id
        code: Code = "already_decided"
        message = f"{who} has decided: {approval.status}."
    else:
        code = _ENDED.get(approval.status, "expired")
        message = f"The approval is {approval.status}; nobody decides on it any more."
    return Refusal(code=code, message=message, details={"approval": approval})


_ENDED: dict[str, Code] = {
    "cancelled": "cancelled",
    "superseded": "superseded",
}


def _args(text: str | None) -> dict[str, Any] | None:
    return cast("dict[str, Any]", parse_object(text)) if text is not None else None


def _link(asked: Asked) -> WorkflowLink:
    return WorkflowLink(workflow_id=asked.workflow_id, run_id=asked.workflow_run_id)
