"""Approvals, decisions, runs and calls for tests of what is kept about them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from placet.contracts.approvals import Asked, End, decision_record
from placet.contracts.calls import Args
from placet.contracts.canonical import canonical_text, digest
from placet.contracts.decisions import Decision, Person
from placet.contracts.records import EndedEntry, RefusedEntry
from placet.contracts.runs import CallRef
from placet.ledger import MessageDict, RunRow

NOON: Final = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
"""When everything begins."""
ENDS: Final[dict[str, End]] = {"approve": "approved", "edit": "approved", "reject": "rejected", "respond": "responded"}


def after(**passed: float) -> datetime:
    """Returns a moment after `NOON`."""
    return NOON + timedelta(**passed)


def new_id() -> str:
    """Returns the id of an approval, message or turn that nobody has yet."""
    return uuid.uuid4().hex


def some_args(tool: str, args: dict[str, Any]) -> Args:
    """Returns arguments as an approval carries them."""
    text = canonical_text(args)
    return Args(text=text, digest=digest(tool, text))


def an_approval(**changes: object) -> Asked:
    """Returns an approval of a refund that expires a day after `NOON`; `args` may be a dict."""
    approval_id = str(changes.get("id") or new_id())
    tool = str(changes.get("tool", "refund"))
    args = changes.pop("args", {"order_id": 1, "amount": 250})
    given: dict[str, Any] = {
        "id": approval_id,
        "kind": "tool_call",
        "tool": tool,
        "args": some_args(tool, cast("dict[str, Any]", args)) if isinstance(args, dict) else args,
        "title": "Refund 250 on order 1",
        "allowed_decisions": ("approve", "edit", "reject", "respond"),
        "approvers": ("role:approver",),
        "requested_at": NOON,
        "expires_at": after(days=1),
        "workflow_id": f"approval-{approval_id}",
        "workflow_run_id": new_id(),
    }
    return Asked.model_validate(given | changes)


def a_decision(asked: Asked, decision_type: str = "approve", **changes: object) -> Decision:
    """Returns a decision of Dana's."""
    given: dict[str, Any] = {
        "id": new_id(),
        "fingerprint": f"of a {decision_type}",
        "type": decision_type,
        "digest": asked.args.digest,
        "by": Person(id="user:dana", name="Dana Ito", via="api"),
        "received_at": after(minutes=1),
    }
    return Decision.model_validate(given | changes)


def ended_by(decision: Decision, asked: Asked, at: datetime | None = None) -> EndedEntry:
    """Returns the entry of the decision that won."""
    return EndedEntry(
        status=ENDS[decision.type],
        winner=decision,
        decision=decision_record(decision, asked.args.digest),
        at=at or after(minutes=2),
    )


def refused(decision: Decision, code: str = "already_decided", at: datetime | None = None) -> RefusedEntry:
    """Returns the entry of a decision that did not count."""
    return RefusedEntry(decision=decision, code=code, message="Too late.", at=at or after(minutes=3))


def expired(asked: Asked) -> EndedEntry:
    """Returns the entry of the clock."""
    return EndedEntry(status="expired", at=asked.expires_at or NOON)


def a_run(**changes: object) -> RunRow:
    """Returns a run of Dana's, started at `NOON`."""
    run_id = changes.get("id") or f"run-{uuid.uuid4()}"
    given: dict[str, Any] = {
        "id": run_id,
        "agent": "billing",
        "thread_id": f"thread of {run_id}",
        "requester": "user:dana",
        "started_at": NOON,
    }
    return RunRow(**cast("dict[str, Any]", given | changes))


def a_call(run: RunRow, turn: int = 0, index: int = 0, tool: str = "refund") -> CallRef:
    """Returns a call of the run; labels repeat, as small servers send them."""
    return CallRef(
        run_id=run.id,
        agent=run.agent,
        thread_id=run.thread_id,
        turn=turn,
        index=index,
        call_id="call_0",
        tool=tool,
    )


def a_message(text: str, message_type: str = "human") -> MessageDict:
    """Returns a message as LangChain's `message_to_dict` gives it, as far as the ledger looks at it."""
    return {"type": message_type, "data": {"content": text, "type": message_type}}
