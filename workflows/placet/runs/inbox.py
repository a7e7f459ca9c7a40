"""What reached an approval and waits for its place in the order of Temporal's record."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from placet.contracts.canonical import MalformedJsonError, parse_object
from placet.contracts.decisions import (
    DecideInput,
    Decision,
    Person,
    WithdrawInput,
    fingerprint_with,
    sent_args,
)
from placet.contracts.errors import Refusal
from placet.contracts.records import LARGEST_ENTRY
from placet.runs.gate import Answer, Withdrawal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from placet.contracts.records import RecordedMoment

DECIDE: Final = "decide"
CANCEL: Final = "cancel"

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


@dataclass(frozen=True)
class StoredSignal:
    """A Signal whose payload nobody has read: many large ones may come at once, and reading takes time.

    Attributes:
        nth: It is the nth of its name in this workflow's history, from 0.
    """

    name: str
    nth: int
    data: bytes

    def read(self) -> Arrival:
        """Returns what the payload says."""
        return read(self.name, self.data, f"signal-{self.name}-{self.nth}")


@dataclass
class WaitingUpdate:
    """An Update that met what is not in order yet.

    Attributes:
        at: When it was handled.
        after: The number of the last event that Temporal had recorded then.
        answer: What the gate said, once it has been asked.
    """

    arrival: Arrival
    at: datetime
    after: int
    answer: Answer | None = None


Item = StoredSignal | WaitingUpdate
Step = Item | Withdrawal


@dataclass
class Inbox:
    """The queue of what has not been put in order yet, in the order in which it was handed over."""

    items: list[Item] = field(default_factory=list[Item])
    signals: Counter[str] = field(default_factory=Counter[str])

    def add_signal(self, name: str, data: bytes) -> None:
        """Queues a Signal; it is counted whatever it holds, so that counts match the history's."""
        self.items.append(StoredSignal(name, self.signals[name], data))
        self.signals[name] += 1

    def add_update(self, arrival: Arrival, at: datetime, after: int) -> WaitingUpdate:
        """Queues an Update that met Signals or a cancel which are not in order yet."""
        waiting = WaitingUpdate(arrival, at, after)
        self.items.append(waiting)
        return waiting


def in_order(items: Iterable[Item], moments: Iterable[RecordedMoment], known: int) -> list[tuple[Step, datetime]]:
    """Returns what is queued, and the cancel of the workflow, in the order of Temporal's record.

    What came while the history was read is left for the next reading: a Signal that this one has not
    seen, and an Update that it may have been too early for. A cancel recorded after such an Update is
    left as well, so that nothing is overtaken.

    Args:
        items: The queue as it is now.
        moments: What the history held when it was read.
        known: How many items were queued before it was read.
    """
    placed: list[tuple[tuple[int, int, int], Step, datetime]] = []
    signals: dict[tuple[str, int], RecordedMoment] = {}
    counts: Counter[str] = Counter()
    for moment in moments:
        if moment.name is None:
            cancel = Withdrawal(None, "cancelled", reason=moment.reason)
            placed.append(((moment.order, 0, 0), cancel, moment.at))
        else:
            signals[moment.name, counts[moment.name]] = moment
            counts[moment.name] += 1
    horizon: int | None = None
    for place, item in enumerate(items):
        if isinstance(item, StoredSignal):
            recorded = signals.get((item.name, item.nth))
            if recorded is None:
                break
            placed.append(((recorded.order, 0, place), item, recorded.at))
        elif place < known:
            placed.append(((item.after, 1, place), item, item.at))
        else:
            horizon = item.after
            break
    placed.sort(key=lambda entry: entry[0])
    return [(step, at) for (order, _, _), step, at in placed if horizon is None or order <= horizon]


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


def _decision(given: DecideInput, fallback_id: str) -> Decision | Unreadable:
    args_text = sent_args(given)
    decision = Decision(
        id=given.decision_id or fallback_id,
        fingerprint=fingerprint_with(given, args_text),
        type=given.type,
        digest=given.digest,
        args_text=args_text,
        message=given.message,
        answers=given.answers,
        by=_claimed(given.by, given.seal),
        received_at=given.received_at,
        proof=given.proof,
        seal=given.seal,
    )
    size = len(decision.model_dump_json())
    if size <= LARGEST_ENTRY:
        return decision
    message = f"The decision takes {size} bytes; at most {LARGEST_ENTRY} can be recorded."
    return Unreadable(decision.id, Refusal(code="too_large", message=message))


def _withdrawal(given: WithdrawInput, fallback_id: str) -> Withdrawal:
    by = _claimed(given.by, given.seal)
    return Withdrawal(given.id or fallback_id, given.status, by=by, reason=given.reason, seal=given.seal)


def _claimed(by: Person | None, seal: str | None) -> Person:
    """Returns who acts as far as it can be known here; the record activity verifies the seal."""
    person = by or NOBODY
    return person if seal else person.model_copy(update={"via": "temporal"})


def _first_line(error: Exception) -> str:
    return str(error).strip().replace("\n", "; ")[:500]
