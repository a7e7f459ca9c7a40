"""From what somebody asks to the approval as everybody knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placet.contracts.approvals import Asked, allowed_decisions
from placet.contracts.calls import DEFAULT_APPROVERS, Args, inline_args
from placet.contracts.durations import parse_duration
from placet.contracts.questions import ASK_HUMAN, numbered

if TYPE_CHECKING:
    from datetime import datetime

    from placet.contracts.approvals import ApprovalInput


def asked(
    approval_id: str,
    given: ApprovalInput,
    *,
    workflow_id: str,
    workflow_run_id: str,
    requested_at: datetime,
) -> Asked:
    """Returns the approval that an input asks for, with every default filled in.

    Args:
        approval_id: 32 hex characters.
        given: What was asked.
        workflow_id: Of the `Approval` workflow.
        workflow_run_id: Its run.
        requested_at: When Temporal recorded the workflow's start: the deadline counts from there.

    Raises:
        MalformedJsonError: The arguments are not an object of JSON.
        ValueError: The questions have equal ids.
    """
    questions = numbered(given.questions)
    lifetime = parse_duration(given.lifetime)
    shared = given.model_dump(
        exclude={"args", "args_text", "args_ref", "digest", "decisions", "expires_after", "seal"},
        exclude_none=True,
    )
    return Asked.model_validate(
        {
            **shared,
            "id": approval_id,
            "tool": given.tool or ASK_HUMAN,
            "args": _args(given),
            "questions": questions,
            "allowed_decisions": allowed_decisions(given),
            "approvers": given.approvers or DEFAULT_APPROVERS,
            "risk": given.risk or "medium",
            "requested_at": requested_at,
            "expires_at": requested_at + lifetime if lifetime else None,
            "seal": given.seal,
            "workflow_id": workflow_id,
            "workflow_run_id": workflow_run_id,
        }
    )


def _args(given: ApprovalInput) -> Args:
    if given.kind == "question":
        dumped = [question.model_dump(mode="json", exclude_none=True) for question in numbered(given.questions)]
        return inline_args(ASK_HUMAN, {"questions": dumped}, None)
    if given.args_ref is not None and given.digest is not None:
        return Args(ref=given.args_ref, digest=given.digest)
    return inline_args(given.tool or "", given.args, given.args_text)
