"""Each line of the decision table, and each refusal with its body."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from placet.contracts.canonical import digest
from placet.contracts.decisions import Decision, Person
from placet.contracts.errors import Refusal
from placet.contracts.questions import Answer, Question, numbered
from placet.runs.gate import (
    Accepted,
    Ended,
    Gate,
    Withdrawal,
    already_ended,
    check_shape,
    decide,
    judge,
    pass_deadline,
    withdraw,
)

START: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DEADLINE: Final = START + timedelta(hours=1)
IN_TIME: Final = DEADLINE - timedelta(microseconds=1)
SHOWN: Final = '{"amount":10}'
DIGEST: Final = digest("refund", SHOWN)
DANA: Final = Person(id="user:dana", name="Dana Ito", via="web")
LEE: Final = Person(id="user:lee", via="cli")
QUESTIONS: Final = numbered(
    (
        Question.model_validate({"question": "Which?", "options": ["a", "b"], "multi_select": True}),
        Question.model_validate({"question": "Why?", "allow_text": True}),
    )
)
ANSWERS: Final = {"q2": Answer(text="so"), "q1": Answer(options=("2", "1"))}
CALL: Final = Gate(
    kind="tool_call",
    tool="refund",
    digest=DIGEST,
    allowed=("approve", "edit", "reject", "respond"),
    expires_at=DEADLINE,
)
QUESTION: Final = replace(CALL, kind="question", allowed=("answer", "skip"), questions=QUESTIONS)


def decision(kind: str, **fields: Any) -> Decision:
    given = {"id": "d1", "fingerprint": f"of {kind}", "digest": DIGEST, "by": DANA, **fields}
    return Decision.model_validate({"type": kind, **given})


def accepted(gate: Gate, given: Decision, at: datetime = IN_TIME) -> Ended:
    after, answer = decide(gate, given, at)
    assert isinstance(answer, Accepted)
    assert after.ended == answer.ended
    return answer.ended


def refused(gate: Gate, given: Decision, at: datetime = IN_TIME) -> Refusal:
    answer = judge(gate, given, at)
    assert isinstance(answer, Refusal)
    after, recorded = decide(gate, given, at)
    assert recorded == answer
    assert replace(after, seen=gate.seen) == gate, "a refusal changes nothing but what is seen"
    return answer


@pytest.mark.parametrize(
    ("gate", "given", "status"),
    [
        (CALL, decision("approve"), "approved"),
        (CALL, decision("approve", message="go on"), "approved"),
        (CALL, decision("edit", args_text='{"amount":5}'), "approved"),
        (CALL, decision("reject"), "rejected"),
        (CALL, decision("reject", message="not this one"), "rejected"),
        (CALL, decision("reject", message=" "), "rejected"),
        (CALL, decision("respond", message="It was refunded yesterday."), "responded"),
        (QUESTION, decision("answer", answers=ANSWERS), "answered"),
        (QUESTION, decision("skip"), "skipped"),
        (QUESTION, decision("skip", message="later"), "skipped"),
    ],
)
def test_each_decision_ends_the_approval_in_its_way(gate: Gate, given: Decision, status: str) -> None:
    ended = accepted(gate, given)
    assert (ended.status, ended.at, ended.by, ended.reason) == (status, IN_TIME, None, None)
    assert ended.decision is not None
    assert (ended.decision.id, ended.decision.by, ended.decision.message) == ("d1", DANA, given.message)
    assert ended.winner is not None
    assert ended.winner.fingerprint == given.fingerprint


@pytest.mark.parametrize("kind", ["approve", "reject"])
def test_what_was_shown_is_what_runs(kind: str) -> None:
    record = accepted(CALL, decision(kind)).decision
    assert record is not None
    assert (record.type, record.digest, record.args_text) == (kind, DIGEST, None)


def test_after_an_edit_the_edited_call_runs() -> None:
    record = accepted(CALL, decision("edit", args_text='{"amount":5}')).decision
    assert record is not None
    assert (record.type, record.args_text) == ("edit", '{"amount":5}')
    assert record.digest == digest("refund", '{"amount":5}') != DIGEST


def test_an_edit_that_changes_nothing_is_an_approve() -> None:
    ended = accepted(CALL, decision("edit", args_text=SHOWN))
    assert ended.decision is not None
    assert (ended.status, ended.decision.type, ended.decision.args_text) == ("approved", "approve", None)
    assert ended.decision.digest == DIGEST
    assert ended.winner is not None
    assert ended.winner.fingerprint == "of edit", "the body counts as sent"


def test_an_edit_needs_to_be_allowed_even_where_it_changes_nothing() -> None:
    """The type counts as sent."""
    assert (
        refused(replace(CALL, allowed=("approve",)), decision("edit", args_text=SHOWN)).code == "decision_not_allowed"
    )


def test_answers_are_recorded_in_the_order_of_the_questions() -> None:
    record = accepted(QUESTION, decision("answer", answers=ANSWERS)).decision
    assert record is not None
    assert list((record.answers or {}).items()) == [("q1", Answer(options=("1", "2"))), ("q2", Answer(text="so"))]


@pytest.mark.parametrize(
    ("given", "pointer", "problem"),
    [
        (decision("bogus"), "/type", "is one of approve, edit, reject, respond, answer, skip"),
        (decision(""), "/type", "is one of approve, edit, reject, respond, answer, skip"),
        (decision("Approve"), "/type", "is one of approve, edit, reject, respond, answer, skip"),
        (decision("edit"), "/args", "an edit needs the whole new arguments"),
        (decision("approve", args_text=SHOWN), "/args", "only an edit has arguments"),
        (decision("reject", args_text=SHOWN), "/args", "only an edit has arguments"),
        (decision("respond", args_text=SHOWN, message="m"), "/args", "only an edit has arguments"),
        (decision("answer", args_text=SHOWN, answers=ANSWERS), "/args", "only an edit has arguments"),
        (decision("respond"), "/message", "a response needs a message that is not blank"),
        (decision("respond", message=""), "/message", "a response needs a message that is not blank"),
        (decision("respond", message=" \n\t"), "/message", "a response needs a message that is not blank"),
        (decision("answer"), "/answers", "an answer needs answers"),
        (decision("approve", answers=ANSWERS), "/answers", "only an answer has answers"),
        (decision("approve", answers={}), "/answers", "only an answer has answers"),
        (decision("skip", answers=ANSWERS), "/answers", "only an answer has answers"),
    ],
)
@pytest.mark.parametrize("gate", [CALL, QUESTION, replace(CALL, ended=Ended("expired", DEADLINE))])
def test_a_decision_that_is_not_complete_is_refused_whatever_the_gate(
    gate: Gate, given: Decision, pointer: str, problem: str
) -> None:
    """Shape comes first: what is wrong with it does not depend on the approval."""
    refusal = refused(gate, given)
    assert refusal == check_shape(given)
    assert refusal == Refusal(
        code="invalid_decision",
        message=f"The decision {given.type!r} is not complete: {pointer} {problem}.",
        details={"errors": [{"pointer": pointer, "message": problem}]},
    )


@pytest.mark.parametrize(
    ("gate", "given"),
    [
        (CALL, decision("answer", answers=ANSWERS)),
        (CALL, decision("skip")),
        (QUESTION, decision("approve")),
        (QUESTION, decision("edit", args_text=SHOWN)),
        (QUESTION, decision("reject")),
        (QUESTION, decision("respond", message="m")),
        (replace(QUESTION, allowed=("answer",)), decision("skip")),
        (replace(CALL, allowed=("reject",)), decision("approve")),
    ],
)
def test_a_type_that_is_not_allowed_is_refused_and_the_allowed_ones_named(gate: Gate, given: Decision) -> None:
    refusal = refused(gate, given)
    assert refusal.code == "decision_not_allowed"
    assert refusal.details == {"allowed_decisions": list(gate.allowed)}
    assert repr(given.type) in refusal.message
    assert all(one in refusal.message for one in gate.allowed)


@pytest.mark.parametrize("answers", [{}, {"q1": Answer(options=("1",))}, {**ANSWERS, "q3": Answer(text="x")}])
def test_answers_that_do_not_fit_are_refused(answers: dict[str, Answer]) -> None:
    refusal = refused(QUESTION, decision("answer", answers=answers))
    assert refusal.code == "invalid_decision"
    assert refusal.details["errors"][0]["pointer"] in {"/answers/q1", "/answers/q2", "/answers/q3"}


@pytest.mark.parametrize("given", [decision("approve"), decision("edit", args_text=SHOWN), decision("reject")])
def test_a_decision_on_something_else_is_refused_with_both_digests(given: Decision) -> None:
    stale = given.model_copy(update={"digest": "sha256:other"})
    assert refused(CALL, stale) == Refusal(
        code="stale_digest",
        message="The decision was made on something else than what would run; look again.",
        details={"digest": DIGEST, "given": "sha256:other"},
    )


@pytest.mark.parametrize("at", [DEADLINE, DEADLINE + timedelta(microseconds=1), DEADLINE + timedelta(days=400)])
@pytest.mark.parametrize("given", [decision("approve"), decision("reject"), decision("approve", digest="other")])
def test_at_the_deadline_it_is_too_late(given: Decision, at: datetime) -> None:
    """Even where nobody has noticed that it has passed."""
    assert refused(CALL, given, at) == Refusal(
        code="expired",
        message="Nobody had decided by 2026-03-01T13:00:00+00:00.",
        details={"status": "expired", "ended_at": "2026-03-01T13:00:00+00:00", "decision": None},
    )


@pytest.mark.parametrize("at", [START - timedelta(days=1), START, IN_TIME])
def test_before_the_deadline_a_decision_counts(at: datetime) -> None:
    """Up to the last microsecond."""
    assert accepted(CALL, decision("approve"), at).at == at


def test_what_never_expires_can_be_decided_years_later() -> None:
    never = replace(CALL, expires_at=None)
    assert pass_deadline(never, DEADLINE + timedelta(days=4000)) == never
    assert accepted(never, decision("approve"), DEADLINE + timedelta(days=4000)).status == "approved"


def test_the_clock_ends_it_at_the_deadline_and_not_before() -> None:
    assert pass_deadline(CALL, IN_TIME) == CALL
    for at in (DEADLINE, DEADLINE + timedelta(days=3)):
        ended = pass_deadline(CALL, at).ended
        assert ended == Ended("expired", DEADLINE), "it expired at its deadline, whenever a worker was there to see"


def test_an_end_by_the_clock_is_nobodys() -> None:
    ended = pass_deadline(CALL, DEADLINE).ended
    assert ended is not None
    assert (ended.by, ended.decision, ended.winner, ended.reason) == (None, None, None, None)


def test_who_comes_second_is_told_who_won_when_and_how() -> None:
    after, _ = decide(CALL, decision("edit", args_text='{"amount":5}', message="less"), IN_TIME)
    refusal = refused(after, decision("approve", id="d2", by=LEE), IN_TIME)
    assert refusal.code == "already_decided"
    assert refusal.message == "Dana Ito has decided: approved."
    assert after.ended is not None
    assert after.ended.decision is not None
    assert refusal.details == {
        "status": "approved",
        "ended_at": IN_TIME.isoformat(),
        "decision": after.ended.decision.model_dump(mode="json"),
        "winner": refusal.details["winner"],
    }
    winner = refusal.details["winner"]
    assert (winner["id"], winner["args_text"], winner["message"]) == (after.ended.decision.id, None, None)
    assert refusal.details["decision"]["by"] == {"id": "user:dana", "name": "Dana Ito", "via": "web"}


def test_a_winner_without_a_name_is_told_by_id() -> None:
    after, _ = decide(CALL, decision("reject", by=LEE), IN_TIME)
    assert refused(after, decision("approve", id="d2")).message == "user:lee has decided: rejected."


@pytest.mark.parametrize(
    ("status", "code"), [("cancelled", "cancelled"), ("superseded", "superseded"), ("expired", "expired")]
)
def test_an_end_without_a_decision_has_a_code_of_its_own(status: Any, code: str) -> None:
    gate = replace(CALL, ended=Ended(status, IN_TIME, withdrawal=Withdrawal("w", status, by=LEE, reason="gone")))
    refusal = refused(gate, decision("approve"))
    assert gate.ended is not None
    assert refusal == already_ended(gate.ended)
    assert (refusal.code, refusal.message) == (code, f"The approval is {status}.")
    assert refusal.details == {"status": status, "ended_at": IN_TIME.isoformat(), "decision": None}


def test_after_the_end_a_stale_digest_is_no_news() -> None:
    """Ended is checked before the digest: who looks again would find the same."""
    after, _ = decide(CALL, decision("approve"), IN_TIME)
    assert refused(after, decision("approve", id="d2", digest="other")).code == "already_decided"
    assert refused(after, decision("skip", id="d3", digest="other")).code == "decision_not_allowed"


def test_a_repeat_gets_the_same_answer_for_ever() -> None:
    won, answer = decide(CALL, decision("approve"), IN_TIME)
    for at in (IN_TIME, DEADLINE, DEADLINE + timedelta(days=9)):
        assert decide(won, decision("approve", by=LEE), at) == (won, answer)
    lost, refusal = decide(won, decision("reject", id="d2"), IN_TIME)
    assert decide(lost, decision("reject", id="d2"), DEADLINE) == (lost, refusal)
    stale, first = decide(CALL, decision("approve", digest="other"), IN_TIME)
    later, _ = decide(stale, decision("reject", id="d2"), IN_TIME)
    assert decide(later, decision("approve", digest="other"), IN_TIME) == (later, first), "as it was when it came"


def test_an_id_that_comes_with_another_body_is_refused_and_named() -> None:
    won, _ = decide(CALL, decision("approve"), IN_TIME)
    assert refused(won, decision("reject")) == Refusal(
        code="idempotency_key_reused",
        message="The decision d1 was recorded with another body.",
        details={"decision_id": "d1"},
    )
    assert refused(won, decision("skip")).code == "idempotency_key_reused", "before the type is looked at"
    open_still, _ = decide(CALL, decision("approve", digest="other"), IN_TIME)
    assert refused(open_still, decision("reject")).code == "idempotency_key_reused", "a refusal uses the id up as well"


def withdrawal(id: str | None = "w1", status: Any = "cancelled", reason: str | None = "not needed") -> Withdrawal:  # noqa: A002
    return Withdrawal(id, status, by=LEE, reason=reason)


@pytest.mark.parametrize("status", ["cancelled", "superseded"])
def test_a_withdrawal_ends_it_and_says_who_and_why(status: str) -> None:
    after, answer = withdraw(CALL, withdrawal(status=status), IN_TIME)
    assert isinstance(answer, Accepted)
    assert after.ended == answer.ended
    assert answer.ended == Ended(answer.ended.status, IN_TIME, withdrawal=withdrawal(status=status))
    assert (answer.ended.status, answer.ended.by, answer.ended.reason) == (status, LEE, "not needed")


def test_a_withdrawal_at_the_deadline_finds_it_expired() -> None:
    after, answer = withdraw(CALL, withdrawal(), DEADLINE)
    assert isinstance(answer, Refusal)
    assert answer.code == "expired"
    assert after.ended is None
    assert pass_deadline(after, DEADLINE).ended == Ended("expired", DEADLINE)


def test_a_withdrawal_after_a_decision_changes_nothing() -> None:
    won, _ = decide(CALL, decision("approve"), IN_TIME)
    after, answer = withdraw(won, withdrawal(), IN_TIME)
    assert isinstance(answer, Refusal)
    assert answer.code == "already_decided"
    assert after.ended == won.ended


def test_a_withdrawal_repeated_gets_the_same_answer() -> None:
    once, answer = withdraw(CALL, withdrawal(), IN_TIME)
    assert withdraw(once, withdrawal(), DEADLINE) == (once, answer)
    lost, refusal = withdraw(once, withdrawal("w2"), IN_TIME)
    assert withdraw(lost, withdrawal("w2"), DEADLINE) == (lost, refusal)


@pytest.mark.parametrize("digest_of", [DIGEST, "other"])
def test_a_decisions_answer_is_none_to_a_withdrawal_of_the_same_id(digest_of: str) -> None:
    """Else a withdrawal would be told that it approved, or a stale decision would stop it for ever."""
    gate, _ = decide(CALL, decision("approve", digest=digest_of), IN_TIME)
    after, answer = withdraw(gate, withdrawal("d1"), IN_TIME)
    assert isinstance(answer, Refusal)
    assert answer.code == "idempotency_key_reused"
    assert after == gate


def test_a_withdrawals_answer_is_none_to_a_decision_of_the_same_id() -> None:
    gate, _ = withdraw(CALL, withdrawal("d1"), IN_TIME)
    assert refused(gate, decision("approve")).code == "idempotency_key_reused"


def test_the_cancel_of_the_workflow_is_no_ones_repeat() -> None:
    """It has no id that a client could use before it."""
    busy = CALL
    for used in ("workflow-cancel", "", "None", "null"):
        busy, _ = decide(busy, decision("approve", id=used, digest="other"), IN_TIME)
    after, answer = withdraw(busy, withdrawal(None), IN_TIME)
    assert isinstance(answer, Accepted)
    assert after.ended is not None
    assert after.ended.status == "cancelled"
    assert after.seen == busy.seen


def test_to_judge_changes_nothing() -> None:
    assert judge(CALL, decision("approve"), IN_TIME) == judge(CALL, decision("approve"), IN_TIME)
    assert CALL.seen == {}
    assert CALL.ended is None
