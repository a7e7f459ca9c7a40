"""From what somebody asks to the approval as everybody knows it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from placet.contracts.approvals import Asked, allowed_decisions
from placet.contracts.calls import DEFAULT_APPROVERS, Args, inline_args
from placet.contracts.durations import parse_duration
from placet.contracts.questions import ASK_HUMAN, numbered, question_args
from placet.contracts.records import LARGEST_ENTRY

if TYPE_CHECKING:
    from datetime import datetime

    from placet.contracts.approvals import ApprovalInput

_APPROVER: Final = re.compile(r"requester|(?:user|group|role):.+")


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
        ValueError: The questions have equal ids, an approver is none, the digest is not that of the
            arguments, or all of it is too large to be recorded.
    """
    _check_approvers(given.approvers or ())
    questions = numbered(given.questions)
    lifetime = parse_duration(given.lifetime)
    shared = given.model_dump(
        exclude={"args", "args_text", "args_ref", "digest", "decisions", "expires_after", "seal"},
        exclude_none=True,
    )
    complete = Asked.model_validate(
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
    size = len(complete.model_dump_json())
    if size > LARGEST_ENTRY:
        message = f"the approval takes {size} bytes; at most {LARGEST_ENTRY} can be recorded"
        raise ValueError(message)
    return complete


def _check_approvers(approvers: tuple[str, ...]) -> None:
    """Refuses a name by which nobody could ever decide."""
    for approver in approvers:
        if not _APPROVER.fullmatch(approver):
            message = f"{approver[:40]!r} is no approver: write user:…, group:…, role:… or requester"
            raise ValueError(message)


def _args(given: ApprovalInput) -> Args:
    if given.kind == "question":
        return inline_args(ASK_HUMAN, question_args(given.questions), None)
    if given.args_ref is not None:
        if given.digest is None:
            message = "args_ref comes with the digest of what it names"
            raise ValueError(message)
        return Args(ref=given.args_ref, digest=given.digest)
    args = inline_args(given.tool or "", given.args, given.args_text)
    if given.digest not in {None, args.digest}:
        message = f"the digest is not that of the arguments, which is {args.digest}"
        raise ValueError(message)
    return args
