"""The gate: the pure state machine that lets an approval end once.

`(gate, event, moment) -> (gate, answer)`. The workflow feeds it what Temporal recorded, in the order
of the record; the gateway asks it the same question early; tests drive it with anything. Time comes
only from the moments of events: what was recorded before the deadline counts, whatever was down
meanwhile, and what was recorded at or after it never does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from placet.contracts.approvals import ENDED_BY, decision_record
from placet.contracts.canonical import digest
from placet.contracts.decisions import (
    CALL_DECISIONS,
    DECISION_TYPES,
    Decision,
    Person,
    withdrawal_fingerprint,
    without_content,
)
from placet.contracts.errors import Refusal
from placet.contracts.questions import check_answers
from placet.contracts.texts import is_blank

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from placet.contracts.approvals import Asked, End
    from placet.contracts.decisions import DecisionRecord
    from placet.contracts.errors import Code
    from placet.contracts.questions import Question

_WITHDRAWN: Final = ""
"""Stands in place of a withdrawal's fingerprint; no decision has it."""


@dataclass(frozen=True)
class Withdrawal:
    """Somebody takes the approval back: `cancelled`, or `superseded` where nobody waits for it.

    Attributes:
        id: Names it, so that a repeat gets the same answer; None for the cancel of the workflow, which
            Temporal records once.
    """

    id: str | None
    status: End
    by: Person | None = None
    reason: str | None = None
    seal: str | None = None

    def as_decision(self) -> Decision:
        """Returns it in the form in which the record keeps what did not count."""
        return Decision(
            id=self.id or "",
            fingerprint=withdrawal_fingerprint(self.status, self.reason),
            type="cancel",
            digest="",
            by=self.by or Person(id="operator", via="temporal"),
            seal=self.seal,
        )


@dataclass(frozen=True)
class Ended:
    """How the approval ended; it never changes.

    Attributes:
        at: When, by Temporal's record.
        winner: The decision as it was sent, where a person decided.
        decision: The same as the outcome carries it.
        withdrawal: What took it back, where somebody did.
    """

    status: End
    at: datetime
    winner: Decision | None = None
    decision: DecisionRecord | None = None
    withdrawal: Withdrawal | None = None

    @property
    def by(self) -> Person | None:
        """Who withdrew it, as they say."""
        return self.withdrawal.by if self.withdrawal else None

    @property
    def reason(self) -> str | None:
        """Why it was withdrawn."""
        return self.withdrawal.reason if self.withdrawal else None


@dataclass(frozen=True)
class Accepted:
    """The event ended the approval, or repeats the one that did."""

    ended: Ended


Answer = Accepted | Refusal


@dataclass(frozen=True)
class Seen:
    """A decision id that was recorded, the body it came with, and what was answered."""

    fingerprint: str
    answer: Answer


@dataclass(frozen=True)
class Gate:
    """What the gate knows of one approval."""

    kind: str
    tool: str
    digest: str
    allowed: tuple[str, ...]
    questions: tuple[Question, ...] = ()
    expires_at: datetime | None = None
    ended: Ended | None = None
    seen: Mapping[str, Seen] = field(default_factory=dict[str, Seen])

    def late(self, at: datetime) -> bool:
        """Whether something recorded at that time came at or after the deadline."""
        return self.expires_at is not None and at >= self.expires_at


def gate_of(asked: Asked, ended: Ended | None = None) -> Gate:
    """Returns the gate of an approval as it was asked."""
    return Gate(
        kind=asked.kind,
        tool=asked.tool,
        digest=asked.args.digest,
        allowed=asked.allowed_decisions,
        questions=asked.questions,
        expires_at=asked.expires_at,
        ended=ended,
    )


def judge(gate: Gate, decision: Decision, at: datetime) -> Answer:  # noqa: PLR0911 - one return a check
    """Returns what the gate answers to a decision recorded at that time, changing nothing.

    The checks come in the order of the contract: shape, repeat, type allowed, answers, ended, digest.
    """
    malformed = check_shape(decision)
    if malformed:
        return malformed
    earlier = gate.seen.get(decision.id)
    if earlier is not None:
        return earlier.answer if earlier.fingerprint == decision.fingerprint else _reused(decision.id)
    if decision.type not in gate.allowed:
        return _not_allowed(gate, decision)
    if decision.type == "answer":
        fitting = check_answers(gate.questions, decision.answers or {})
        if isinstance(fitting, Refusal):
            return fitting
        decision = decision.model_copy(update={"answers": fitting})
    if gate.ended is not None:
        return already_ended(gate.ended)
    if gate.late(at):
        return _expired(gate)
    if decision.digest != gate.digest:
        return _stale(gate, decision)
    return _deciding(gate, decision, at)


def decide(gate: Gate, decision: Decision, at: datetime) -> tuple[Gate, Answer]:
    """Records a decision: the gate after it, and the answer that every repeat of it will get."""
    answer = judge(gate, decision, at)
    if decision.id in gate.seen:
        return gate, answer
    seen = {**gate.seen, decision.id: Seen(decision.fingerprint, answer)}
    ended = answer.ended if isinstance(answer, Accepted) else gate.ended
    return replace(gate, seen=seen, ended=ended), answer


def withdraw(gate: Gate, withdrawal: Withdrawal, at: datetime) -> tuple[Gate, Answer]:
    """Records a withdrawal; one that comes at or after the deadline finds the approval expired."""
    earlier = gate.seen.get(withdrawal.id) if withdrawal.id is not None else None
    if earlier is not None and withdrawal.id is not None:
        # A decision's id names that decision only: its answer is none to a withdrawal.
        return gate, earlier.answer if earlier.fingerprint == _WITHDRAWN else _reused(withdrawal.id)
    if gate.ended is not None:
        answer: Answer = already_ended(gate.ended)
    elif gate.late(at):
        answer = _expired(gate)
    else:
        answer = Accepted(Ended(withdrawal.status, at, withdrawal=withdrawal))
    ended = answer.ended if isinstance(answer, Accepted) else gate.ended
    if withdrawal.id is None:
        return replace(gate, ended=ended), answer
    seen = {**gate.seen, withdrawal.id: Seen(_WITHDRAWN, answer)}
    return replace(gate, seen=seen, ended=ended), answer


def pass_deadline(gate: Gate, at: datetime) -> Gate:
    """Records that the clock got to `at`: expired if nobody had decided and it is time."""
    if gate.ended is not None or gate.expires_at is None or not gate.late(at):
        return gate
    return replace(gate, ended=Ended("expired", gate.expires_at))


def check_shape(decision: Decision) -> Refusal | None:  # noqa: PLR0911 - one return a check
    """Returns `invalid_decision` for an unknown type or a field that its type needs and lacks."""
    if decision.type not in DECISION_TYPES:
        return _invalid("/type", f"is one of {', '.join(DECISION_TYPES)}", decision)
    if decision.type == "edit" and decision.args_text is None:
        return _invalid("/args", "an edit needs the whole new arguments", decision)
    if decision.type != "edit" and decision.args_text is not None:
        return _invalid("/args", "only an edit has arguments", decision)
    if decision.type == "respond" and is_blank(decision.message or ""):
        return _invalid("/message", "a response needs a message that is not blank", decision)
    if decision.type == "answer" and decision.answers is None:
        return _invalid("/answers", "an answer needs answers", decision)
    if decision.type != "answer" and decision.answers is not None:
        return _invalid("/answers", "only an answer has answers", decision)
    return None


def already_ended(ended: Ended) -> Refusal:
    """Returns the refusal that tells a loser who won, when and how."""
    named = {
        "status": ended.status,
        "ended_at": ended.at.isoformat(),
        "decision": ended.decision and ended.decision.model_dump(mode="json"),
    }
    if ended.winner is not None:
        # Its seal lets the gateway tell who really decided.
        named["winner"] = without_content(ended.winner).model_dump(mode="json")
    if ended.decision is not None:
        by = ended.decision.by
        return Refusal(
            code="already_decided",
            message=f"{by.name or by.id} has decided: {ended.status}.",
            details=named,
        )
    codes: dict[End, Code] = {"cancelled": "cancelled", "superseded": "superseded"}
    return Refusal(
        code=codes.get(ended.status, "expired"),
        message=f"The approval is {ended.status}.",
        details=named,
    )


def _deciding(gate: Gate, decision: Decision, at: datetime) -> Accepted:
    decision, runs = _what_runs(gate, decision)
    record = decision_record(decision, runs)
    return Accepted(Ended(ENDED_BY[decision.type], at, winner=decision, decision=record))


def _what_runs(gate: Gate, decision: Decision) -> tuple[Decision, str]:
    """Returns the decision and the digest of the call that it lets run; an edit to the same is an approve."""
    if decision.type != "edit" or decision.args_text is None:
        return decision, gate.digest
    runs = digest(gate.tool, decision.args_text)
    if runs == gate.digest:
        return decision.model_copy(update={"type": "approve", "args_text": None}), runs
    return decision, runs


def _invalid(pointer: str, problem: str, decision: Decision) -> Refusal:
    return Refusal(
        code="invalid_decision",
        message=f"The decision {decision.type[:40]!r} is not complete: {pointer} {problem}.",
        details={"errors": [{"pointer": pointer, "message": problem}]},
    )


def _not_allowed(gate: Gate, decision: Decision) -> Refusal:
    what = "call" if decision.type in CALL_DECISIONS else "question"
    return Refusal(
        code="decision_not_allowed",
        message=f"{decision.type!r} (for a {what}) is not allowed here; {', '.join(gate.allowed)} is.",
        details={"allowed_decisions": list(gate.allowed)},
    )


def _expired(gate: Gate) -> Refusal:
    deadline = gate.expires_at.isoformat() if gate.expires_at else None
    return Refusal(
        code="expired",
        message=f"Nobody had decided by {deadline}.",
        details={"status": "expired", "ended_at": deadline, "decision": None},
    )


def _stale(gate: Gate, decision: Decision) -> Refusal:
    return Refusal(
        code="stale_digest",
        message="The decision was made on something else than what would run; look again.",
        details={"digest": gate.digest, "given": decision.digest},
    )


def _reused(decision_id: str) -> Refusal:
    return Refusal(
        code="idempotency_key_reused",
        message=f"The decision {decision_id} was recorded with another body.",
        details={"decision_id": decision_id},
    )
