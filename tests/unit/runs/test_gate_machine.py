"""The gate under every interleaving that Hypothesis can think of, held against a model that is written differently.

The gate folds over what happens. The model keeps the whole story and, asked how the approval stands, looks for the
first thing in it that counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from placet.contracts.approvals import End
from placet.contracts.canonical import digest
from placet.contracts.decisions import Decision, Person
from placet.contracts.errors import Refusal
from placet.contracts.questions import Answer, Question, numbered
from placet.runs import gate as gates
from placet.runs.gate import Ended, Gate, Withdrawal, decide, judge, pass_deadline, withdraw

pytestmark = pytest.mark.timeout(300)

START: Final = datetime(2026, 3, 1, tzinfo=UTC)
SHOWN: Final = '{"amount":10}'
CALL_DIGEST: Final = digest("refund", SHOWN)
QUESTIONS: Final = numbered((Question.model_validate({"question": "Which?", "options": ["a", "b"]}),))
CALL_TYPES: Final = ("approve", "edit", "reject", "respond")
QUESTION_TYPES: Final = ("answer", "skip")
OUTCOMES: Final[dict[str, str]] = dict(
    zip(
        (*CALL_TYPES, *QUESTION_TYPES),
        ("approved", "approved", "rejected", "responded", "answered", "skipped"),
        strict=True,
    )
)

ids = st.sampled_from([f"id-{n}" for n in range(6)])
"""Few, so that they are repeated and reused, by decisions and withdrawals alike."""
people = st.sampled_from(["user:dana", "user:lee", "user:kim"])
types = st.sampled_from([*CALL_TYPES, "edit", *QUESTION_TYPES, "answer", "bogus"])
"""Those with content more often: there is more to them."""
seconds = st.sampled_from([0, 0, 0, 1, 1, 5, 59, 60, 61])
"""What passes between two events; deadlines are whole seconds, so that events fall on them."""


@dataclass(frozen=True)
class Body:
    """A decision's body; two that are equal have equal fingerprints, whoever sent them."""

    type: str
    shown: Literal["fresh", "stale"]
    edited: str | None
    message: str | None
    chosen: tuple[str, ...] | None

    def complete(self) -> bool:
        needed = {
            "edit": self.edited is not None,
            "respond": bool(self.message and self.message.strip()),
            "answer": self.chosen is not None,
        }
        no_more = (self.edited is None or self.type == "edit") and (self.chosen is None or self.type == "answer")
        return self.type in OUTCOMES and needed.get(self.type, True) and no_more

    def fits(self) -> bool:
        return self.type != "answer" or self.chosen in {("1",), ("2",)}


@dataclass(frozen=True)
class Happened:
    """One thing of the story, and what the gate said to it."""

    at: datetime
    id: str | None
    body: Body | None
    by: str
    status: End | None
    answer: gates.Answer


bodies = st.builds(
    Body,
    type=types,
    shown=st.sampled_from(["fresh", "fresh", "fresh", "stale"]),
    edited=st.sampled_from(['{"amount":5}', '{"amount":5}', SHOWN, None]),
    message=st.sampled_from([None, "text", " "]),
    chosen=st.none() | st.sampled_from([("1",), ("2",), ("1", "2"), ("9",), ()]),
)


def tidy(body: Body) -> Body:
    """Returns the body with what its type needs and nothing else, so that most decisions could count."""
    return Body(
        body.type,
        body.shown,
        (body.edited or SHOWN) if body.type == "edit" else None,
        "text" if body.type == "respond" else body.message,
        (body.chosen or ("1",)) if body.type == "answer" else None,
    )


class GateMachine(RuleBasedStateMachine):
    """Random decisions, withdrawals and ticks of the clock, in the order of their record."""

    gate: Gate
    now: datetime
    story: list[Happened]

    @initialize(
        kind=st.sampled_from(["tool_call", "question"]),
        lifetime=st.sampled_from([None, 1, 60, 120]),
        allowed=st.just(set(CALL_TYPES)) | st.sets(st.sampled_from(CALL_TYPES), min_size=1),
        skip=st.booleans(),
    )
    def ask(self, kind: str, lifetime: int | None, allowed: set[str], skip: bool) -> None:  # noqa: FBT001
        offered = tuple(one for one in CALL_TYPES if one in allowed)
        self.gate = Gate(
            kind=kind,
            tool="refund",
            digest=CALL_DIGEST,
            allowed=offered if kind == "tool_call" else ("answer", "skip")[: 1 + skip],
            questions=QUESTIONS if kind == "question" else (),
            expires_at=START + timedelta(seconds=lifetime) if lifetime else None,
        )
        self.now = START
        self.story = []
        self.ticked: datetime | None = None
        self.first_end: Ended | None = None

    # --- what happens -------------------------------------------------------------------------------------------

    @rule(id=ids, by=people, body=bodies.map(tidy) | bodies, wait=seconds)
    def somebody_decides(self, id: str, by: str, body: Body, wait: int) -> None:  # noqa: A002
        self.now += timedelta(seconds=wait)
        self._decide(id, by, body)

    @precondition(lambda self: any(one.body for one in self.story))
    @rule(data=st.data(), by=people, wait=seconds)
    def a_decision_is_repeated(self, data: st.DataObject, by: str, wait: int) -> None:
        self.now += timedelta(seconds=wait)
        earlier = data.draw(st.sampled_from([one for one in self.story if one.body and one.id]))
        if earlier.id is not None and earlier.body is not None:
            self._decide(earlier.id, by, earlier.body)

    @precondition(lambda self: self.gate.expires_at is not None)
    @rule(id=ids, by=people, body=bodies.map(tidy), early=st.integers(min_value=-1, max_value=1))
    def somebody_decides_around_the_deadline(self, id: str, by: str, body: Body, early: int) -> None:  # noqa: A002
        """One microsecond before, at, or after: never earlier than what has been recorded already."""
        assert self.gate.expires_at is not None
        self.now = max(self.now, self.gate.expires_at + timedelta(microseconds=early))
        self._decide(id, by, body)

    @rule(id=ids | st.none(), by=people, status=st.sampled_from(["cancelled", "superseded"]), wait=seconds)
    def somebody_withdraws(self, id: str | None, by: str, status: End, wait: int) -> None:  # noqa: A002
        self.now += timedelta(seconds=wait)
        before = self.gate
        withdrawal = Withdrawal(id, status, by=Person(id=by), reason="why")
        self.gate, answer = withdraw(before, withdrawal, self.now)
        happened = Happened(self.now, id, None, by, status, answer)
        self._note(before, happened)
        assert self._code(happened) == self._expected_of_a_withdrawal(happened, self.story[:-1])

    @rule(wait=seconds)
    def the_clock_ticks(self, wait: int) -> None:
        self.now += timedelta(seconds=wait)
        before = self.gate
        self.gate = pass_deadline(before, self.now)
        self.ticked = self.now
        assert self.gate.seen == before.seen
        if before.ended is not None:
            assert self.gate is before

    def _decide(self, id: str, by: str, body: Body) -> None:  # noqa: A002
        before = self.gate
        decision = self._decision(id, by, body)
        early_answer = judge(before, decision, self.now)
        assert self.gate == before, "to judge changes nothing"
        self.gate, answer = decide(before, decision, self.now)
        assert answer == early_answer, "the gateway's early question gets the gate's own answer"
        happened = Happened(self.now, id, body, by, None, answer)
        self._note(before, happened)
        assert self._code(happened) == self._expected(happened, self.story[:-1])

    def _note(self, before: Gate, happened: Happened) -> None:
        self.story.append(happened)
        answer = happened.answer
        if isinstance(answer, Refusal):
            assert self.gate.ended == before.ended, "a refusal ends nothing"
            assert replace(self.gate, seen=before.seen) == before, "a refusal changes nothing but what is seen"
        else:
            assert self.gate.ended is answer.ended, "who is told that it counted has ended it"
        forgotten = {key for key in before.seen if self.gate.seen.get(key) != before.seen[key]}
        assert not forgotten, "what was answered once stays answered so"
        if happened.id is not None:
            assert happened.id in self.gate.seen

    # --- what must hold -----------------------------------------------------------------------------------------

    @invariant()
    def it_ends_as_the_story_says(self) -> None:
        """A decision recorded in time is lost to nothing later; a late one never wins; the clock is nobody."""
        if not hasattr(self, "story"):
            return
        ended = self.gate.ended
        first = next((one for place, one in enumerate(self.story) if self._counts(one, self.story[:place])), None)
        if first is None:
            expired = (
                self.gate.expires_at is not None and self.ticked is not None and self.ticked >= self.gate.expires_at
            )
            assert ended == (Ended("expired", self.gate.expires_at) if expired and self.gate.expires_at else None)
            return
        assert ended is not None
        assert ended.at == first.at
        assert self.gate.expires_at is None or ended.at < self.gate.expires_at
        if first.body is None:
            told = (ended.status, ended.at, ended.by, ended.reason, ended.decision)
            assert told == (first.status or "cancelled", first.at, Person(id=first.by), "why", None)
        else:
            self._is_decided_by(ended, first, first.body)

    @invariant()
    def it_ends_at_most_once_and_the_end_never_changes(self) -> None:
        if not hasattr(self, "story"):
            return
        if self.first_end is None:
            self.first_end = self.gate.ended
        assert self.gate.ended is self.first_end

    @invariant()
    def a_repeated_id_gets_the_same_answer(self) -> None:
        if not hasattr(self, "story"):
            return
        answers: dict[tuple[str, Body | None], gates.Answer] = {}
        owners: dict[str, Body | None] = {}
        for one in self.story:
            if one.id is None or (one.body is not None and not one.body.complete()):
                continue
            if owners.setdefault(one.id, one.body) == one.body:
                assert answers.setdefault((one.id, one.body), one.answer) == one.answer

    def _is_decided_by(self, ended: Ended, first: Happened, body: Body) -> None:
        assert ended.status == OUTCOMES[body.type]
        assert (ended.by, ended.reason) == (None, None)
        assert ended.decision is not None
        assert (ended.decision.id, ended.decision.by) == (first.id, Person(id=first.by))
        edited = body.edited if body.edited != SHOWN else None
        assert ended.decision.args_text == edited
        assert ended.decision.digest == (digest("refund", edited) if edited else CALL_DIGEST)
        assert ended.decision.type == ("approve" if body.type == "edit" and not edited else body.type)

    # --- the model ----------------------------------------------------------------------------------------------

    def _counts(self, one: Happened, earlier: list[Happened]) -> bool:
        """Whether something is such that, come first, it ends the approval."""
        used_up = one.id is not None and any(other.id == one.id for other in earlier)
        in_time = self.gate.expires_at is None or one.at < self.gate.expires_at
        if one.body is None:
            return in_time and not used_up
        could = one.body.complete() and one.body.fits() and one.body.type in self.gate.allowed
        return could and one.body.shown == "fresh" and in_time and not used_up

    def _expected(self, one: Happened, earlier: list[Happened]) -> str:
        """Returns the code of the answer that the contract's order of checks gives; `ok` where it counts."""
        body = one.body
        assert body is not None
        if not body.complete():
            return "invalid_decision"
        owner = next((other for other in earlier if other.id == one.id), None)
        if owner is not None:
            return self._code(owner) if owner.body == body else "idempotency_key_reused"
        if body.type not in self.gate.allowed:
            return "decision_not_allowed"
        return self._expected_of_what_fits(one, body, earlier) if body.fits() else "invalid_decision"

    def _expected_of_what_fits(self, one: Happened, body: Body, earlier: list[Happened]) -> str:
        refused = self._over(one, earlier)
        return refused or ("stale_digest" if body.shown == "stale" else "ok")

    def _expected_of_a_withdrawal(self, one: Happened, earlier: list[Happened]) -> str:
        owner = next((other for other in earlier if one.id is not None and other.id == one.id), None)
        if owner is not None:
            return "idempotency_key_reused" if owner.body else self._code(owner)
        return self._over(one, earlier) or "ok"

    def _over(self, one: Happened, earlier: list[Happened]) -> str | None:
        winner = next((o for n, o in enumerate(earlier) if self._counts(o, earlier[:n])), None)
        if winner is not None:
            return "already_decided" if winner.body else str(winner.status)
        late = self.gate.expires_at is not None and one.at >= self.gate.expires_at
        return "expired" if late else None

    def _code(self, one: Happened) -> str:
        return one.answer.code if isinstance(one.answer, Refusal) else "ok"

    def _decision(self, id: str, by: str, body: Body) -> Decision:  # noqa: A002
        return Decision(
            id=id,
            fingerprint=repr(body),
            type=body.type,
            digest=CALL_DIGEST if body.shown == "fresh" else "sha256:stale",
            args_text=body.edited,
            message=body.message,
            answers={"q1": Answer(options=body.chosen)} if body.chosen is not None else None,
            by=Person(id=by),
        )


def test_accepted_and_refused_are_the_only_answers() -> None:
    assert gates.Answer == gates.Accepted | Refusal


TestGate = GateMachine.TestCase
TestGate.settings = settings(max_examples=500, stateful_step_count=30, deadline=None)
