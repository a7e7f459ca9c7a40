"""What reached an approval and waits for its place in the order of Temporal's record."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from placet.contracts.canonical import MalformedJsonError, canonical_args, canonical_text, parse_object
from placet.contracts.decisions import (
    DecideInput,
    Decision,
    Person,
    WithdrawInput,
    body_fingerprint,
)
from placet.contracts.errors import Refusal
from placet.runs.gate import Answer, Withdrawal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from placet.contracts.records import RecordedMoment

DECIDE: Final = "decide"
CANCEL: Final = "cancel"

WORKFLOW_CANCEL: Final = "workflow-cancel"
"""The id under which the cancel of the workflow itself is remembered."""

NOBODY: Final = Person(id="unknown", via="temporal")
"""Who decided where the payload names nobody."""


@dataclass(frozen=True)
class Unreadable:
    """A payload that is no decision."""

    id: str
    refusal: Refusal

    def as_decision(self) -> Decision:
        """Returns a decision that stands in the record for the payload."""
        return Decision(id=self.id, fingerprint="", type="", digest="", by=NOBODY)


Arrival = Decision | Withdrawal | Unreadable


@dataclass
class Queued:
    """One thing that arrived.

    Attributes:
        nth: For a Signal: it is the nth of its name in this workflow's history, from 0.
        at: For an Update: when it was handled.
        answer: What the gate said, once it has been asked.
    """

    arrival: Arrival
    name: str
    nth: int | None = None
    at: datetime | None = None
    answer: Answer | None = None


@dataclass
class Inbox:
    """The queue of what has not been put in order yet, in the order in which it was handed over."""

    items: list[Queued] = field(default_factory=list[Queued])
    signals: Counter[str] = field(default_factory=Counter[str])

    def add_signal(self, name: str, data: bytes) -> None:
        """Queues a Signal; it is counted whatever it holds, so that counts match the history's."""
        nth = self.signals[name]
        self.signals[name] += 1
        self.items.append(Queued(read(name, data, f"signal-{name}-{nth}"), name, nth=nth))

    def add_update(self, name: str, arrival: Arrival, at: datetime) -> Queued:
        """Queues an Update that met Signals which are not in order yet."""
        queued = Queued(arrival, name, at=at)
        self.items.append(queued)
        return queued

    def holds(self, decision_id: str) -> bool:
        """Whether something under that id waits in the queue."""
        return any(item.arrival.id == decision_id for item in self.items)


def in_order(items: Iterable[Queued], moments: Iterable[RecordedMoment]) -> Iterator[tuple[Queued, datetime]]:
    """Yields what is queued, and the cancel of the workflow, in the order of Temporal's record.

    An Update stands right behind the Signals that were handed over before it: Temporal hands over
    what it has recorded already before it lets a worker accept an Update.
    """
    recorded = list(moments)
    signals: dict[tuple[str, int], RecordedMoment] = {}
    counts: Counter[str] = Counter()
    placed: list[tuple[tuple[int, int, int], Queued, datetime]] = []
    for moment in recorded:
        if moment.name is None:
            cancel = Queued(Withdrawal(WORKFLOW_CANCEL, "cancelled", reason=moment.reason), CANCEL)
            placed.append(((moment.order, 0, 0), cancel, moment.at))
        else:
            signals[moment.name, counts[moment.name]] = moment
            counts[moment.name] += 1
    order = 0
    for place, item in enumerate(items):
        if item.nth is not None:
            moment = signals[item.name, item.nth]
            order = moment.order
            placed.append(((order, 0, place), item, moment.at))
        elif item.at is not None:
            placed.append(((order, 1, place), item, item.at))
    placed.sort(key=lambda entry: entry[0])
    yield from ((item, at) for _, item, at in placed)


def read(name: str, data: bytes, fallback_id: str) -> Arrival:
    """Returns what a payload of `decide` or `cancel` says.

    Args:
        name: Of the Update or Signal.
        data: The payload's bytes, JSON.
        fallback_id: The id where the payload gives none.
    """
    try:
        given = parse_object(data)
        if name == CANCEL:
            return _withdrawal(WithdrawInput.model_validate(given), fallback_id)
        return _decision(DecideInput.model_validate(given), fallback_id)
    except (MalformedJsonError, ValidationError) as error:
        refusal = Refusal(code="invalid_decision", message=_first_line(error))
        return Unreadable(fallback_id, refusal)


def _decision(given: DecideInput, fallback_id: str) -> Decision:
    args_text = given.args_text
    if args_text is not None:
        args_text = canonical_args(args_text)
    elif given.args is not None:
        args_text = canonical_text(given.args)
    return Decision(
        id=given.decision_id or fallback_id,
        fingerprint=body_fingerprint(given),
        type=given.type,
        digest=given.digest,
        args_text=args_text,
        message=given.message,
        answers=given.answers,
        by=_claimed(given.by, given.seal),
        received_at=given.received_at,
        seal=given.seal,
    )


def _withdrawal(given: WithdrawInput, fallback_id: str) -> Withdrawal:
    by = given.by or NOBODY
    return Withdrawal(given.id or fallback_id, given.status, by=by, reason=given.reason)


def _claimed(by: Person | None, seal: str | None) -> Person:
    """Returns who decides as far as it can be known here; the record activity verifies the seal."""
    person = by or NOBODY
    return person if seal else person.model_copy(update={"via": "temporal"})


def _first_line(error: Exception) -> str:
    return str(error).strip().replace("\n", "; ")[:500]
