"""What the workflow `Approval` tells the ledger, and what it asks Temporal about itself."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from placet.contracts._base import Message
from placet.contracts.approvals import Asked, End
from placet.contracts.decisions import Decision, DecisionRecord, Person

LARGEST_ENTRY: Final = 1_500_000
"""Bytes, as JSON, of what is asked and of a decision, at most: Temporal takes payloads of 2 MiB."""


class RequestedEntry(Message):
    """`approval.requested`."""

    type: Literal["requested"] = "requested"


class RefusedEntry(Message):
    """`approval.refused`: a Signal that did not count; `decision` is without content."""

    type: Literal["refused"] = "refused"
    decision: Decision
    code: str
    message: str | None = None
    at: datetime


class EndedEntry(Message):
    """The end: a decision's (`winner` set), the clock's, or a withdrawal's.

    Attributes:
        winner: The decision as it was sent (its fingerprint tells repeats from other uses), without
            content.
        decision: The same with its content, as the outcome carries it.
        by: Who withdrew; absent where the clock ended it.
        withdrawal_id: Names the withdrawal, and `seal` proves who withdrew.
        at: When, by Temporal's record.
    """

    type: Literal["ended"] = "ended"
    status: End
    winner: Decision | None = None
    decision: DecisionRecord | None = None
    by: Person | None = None
    withdrawal_id: str | None = None
    seal: str | None = None
    reason: str | None = None
    at: datetime


Entry = RequestedEntry | RefusedEntry | EndedEntry


class RecordInput(Message):
    """The input of the activity `placet.record`; entries are written in order, each once.

    Attributes:
        asked: Comes with the first entry, and with that again where the ledger has lost the row:
            carrying it each time would make history grow by the arguments.
        first: The number of the first entry; an entry already written under its number is skipped.
    """

    approval_id: str
    asked: Asked | None = None
    first: int
    entries: tuple[Entry, ...]


class RecordResult(Message):
    """What the ledger knows better.

    Attributes:
        by: Who decided, as verified; present where the entries ended the approval by a decision.
        missing: The ledger has no row of this approval; nothing was written.
    """

    by: Person | None = None
    missing: bool = False


class RecordedMoment(Message):
    """One Signal or cancel request in a workflow's own history.

    Attributes:
        name: The Signal's name; None for a cancel request.
        order: The id of its event.
        at: The server's time of the event.
    """

    name: str | None
    order: int
    at: datetime
    reason: str | None = None


class WhenRecordedInput(Message):
    """The input of the activity `placet.when_recorded`."""

    workflow_id: str
    run_id: str


class WhenRecordedResult(Message):
    """Signals and cancel requests in the order of their events."""

    moments: tuple[RecordedMoment, ...]
