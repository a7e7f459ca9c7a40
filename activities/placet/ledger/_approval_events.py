"""What the log says of an approval, entry by entry."""

from __future__ import annotations

from placet.contracts._base import Message
from placet.contracts.approvals import Asked
from placet.contracts.decisions import Person
from placet.contracts.events import (
    OPERATOR,
    SYSTEM_TIMEOUT,
    ApprovalDecided,
    ApprovalEnded,
    ApprovalRefused,
    ApprovalRequested,
    EventType,
)
from placet.contracts.records import EndedEntry, Entry, RefusedEntry
from placet.ledger._events import NewEvent


def once(approval_id: str, number: int) -> str:
    """Returns the name under which an entry is in the log."""
    return f"approval:{approval_id}:{number}"


def event_of(asked: Asked, number: int, entry: Entry, canceller: str | None = None) -> NewEvent:
    """Returns the event of an entry.

    Args:
        asked: The approval.
        number: The entry's.
        entry: What happened.
        canceller: Who cancelled the run, should this be a withdrawal that names nobody.
    """
    kind, data, actor = _told(asked, entry, canceller)
    return NewEvent(
        type=kind,
        at=entry.at if isinstance(entry, RefusedEntry | EndedEntry) else asked.requested_at,
        data=data,
        once=once(asked.id, number),
        run_id=asked.run_id,
        approval_id=asked.id,
        call_id=asked.call_id,
        actor=actor,
    )


def _told(asked: Asked, entry: Entry, canceller: str | None) -> tuple[EventType, Message, str | None]:
    if isinstance(entry, RefusedEntry):
        return "approval.refused", _refused(entry), _actor(entry.decision.by)
    if not isinstance(entry, EndedEntry):
        asker = f"agent:{asked.agent}" if asked.agent else asked.requester
        return "approval.requested", _requested(asked), asker
    if entry.decision is not None:
        decided = ApprovalDecided(status=entry.status, decision=entry.decision)
        return "approval.decided", decided, _actor(entry.decision.by)
    ended = ApprovalEnded(status=entry.status, reason=entry.reason)
    if entry.status == "expired":
        return "approval.expired", ended, SYSTEM_TIMEOUT
    actor = _actor(entry.by) if entry.by else canceller or OPERATOR
    return ("approval.superseded" if entry.status == "superseded" else "approval.cancelled"), ended, actor


def _actor(person: Person) -> str:
    """Returns who acted. Whom nobody has verified may call themselves anything: an operator's doing."""
    return OPERATOR if person.via == "temporal" else person.id


def _refused(entry: RefusedEntry) -> ApprovalRefused:
    decision = entry.decision
    return ApprovalRefused(decision_id=decision.id, code=entry.code, type=decision.type or None, message=entry.message)


def _requested(asked: Asked) -> ApprovalRequested:
    return ApprovalRequested(
        kind=asked.kind,
        tool=asked.tool,
        title=asked.title,
        digest=asked.args.digest,
        risk=asked.risk,
        expires_at=asked.expires_at,
    )
