"""What may be asked for, and how the small rules of an approval hang together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from placet.contracts.approvals import (
    APPROVAL_STATUSES,
    ENDED_BY,
    ENDS,
    ApprovalInput,
    ApprovalRequest,
    ApprovalStatus,
    allowed_decisions,
    decision_record,
)
from placet.contracts.calls import Args, inline_args
from placet.contracts.canonical import MalformedJsonError, digest
from placet.contracts.decisions import CALL_DECISIONS, DECISION_TYPES, QUESTION_DECISIONS, Decision, Person
from placet.contracts.errors import CODES, Code, Refusal, RefusedError
from placet.contracts.events import EVENT_DATA, EVENT_TYPES, RUN_ENDS
from placet.contracts.runs import RUN_STATUSES, RunStatus

CALL: Final = {"kind": "tool_call", "tool": "refund", "title": "t"}
QUESTION: Final = {"kind": "question", "title": "t", "questions": [{"question": "q", "options": ["a", "b"]}]}

WRONG: Final[dict[str, dict[str, Any]]] = {
    "no kind": {"title": "t"},
    "another kind": {**CALL, "kind": "call"},
    "a call without a tool": {"kind": "tool_call", "title": "t"},
    "an empty tool": {**CALL, "tool": ""},
    "a tool with too long a name": {**CALL, "tool": "x" * 201},
    "a call with questions": {**CALL, "questions": QUESTION["questions"]},
    "a question without questions": {"kind": "question", "title": "t"},
    "five questions": {**QUESTION, "questions": [{"question": str(n), "allow_text": True} for n in range(5)]},
    "questions with one id": {**QUESTION, "questions": [{"id": "x", "question": "q", "allow_text": True}] * 2},
    "a malformed question": {**QUESTION, "questions": [{"question": " ", "allow_text": True}]},
    "no title": {"kind": "tool_call", "tool": "refund"},
    "an empty title": {**CALL, "title": ""},
    "too long a title": {**CALL, "title": "x" * 501},
    "arguments that are a list": {**CALL, "args": [1]},
    "arguments that are text": {**CALL, "args": "{}"},
    "nobody who may decide": {**CALL, "approvers": []},
    "nothing that may be decided": {**CALL, "decisions": []},
    "an unknown decision": {**CALL, "decisions": ["approve", "answer"]},
    "a decision that is no list": {**CALL, "decisions": "approve"},
    "a deadline that is none": {**CALL, "expires_after": "soon"},
    "a deadline beyond all time": {**CALL, "expires_after": "999999999w"},
    "an unknown risk": {**CALL, "risk": "extreme"},
    "metadata that is text": {**CALL, "metadata": "x"},
}


@pytest.mark.parametrize("sent", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("model", [ApprovalInput, ApprovalRequest])
def test_what_cannot_be_asked_is_refused(model: type[ApprovalInput | ApprovalRequest], sent: dict[str, Any]) -> None:
    """An empty list of approvers is an error, never "everyone"."""
    with pytest.raises(ValidationError):
        model.model_validate(sent)


@pytest.mark.parametrize(
    ("sent", "allowed"),
    [
        (CALL, CALL_DECISIONS),
        ({**CALL, "decisions": ["reject", "approve"]}, ("reject", "approve")),
        ({**CALL, "allow_skip": True}, CALL_DECISIONS),
        (QUESTION, ("answer",)),
        ({**QUESTION, "allow_skip": True}, ("answer", "skip")),
        ({**QUESTION, "decisions": ["approve"]}, ("answer",)),
    ],
)
def test_the_kind_says_which_decisions_there_are(sent: dict[str, Any], allowed: tuple[str, ...]) -> None:
    """A question is never approved, a call never answered."""
    assert allowed_decisions(ApprovalInput.model_validate(sent)) == allowed


def test_each_type_of_decision_ends_an_approval_in_one_way() -> None:
    assert tuple(ENDED_BY) == DECISION_TYPES == (*CALL_DECISIONS, *QUESTION_DECISIONS)
    assert set(ENDED_BY.values()) == set(ENDS) - {"expired", "cancelled", "superseded"}
    assert set(APPROVAL_STATUSES) == {status for part in get_args(ApprovalStatus) for status in _literals(part)}
    assert set(RUN_STATUSES) == {status for part in get_args(RunStatus) for status in _literals(part)}


def _literals(part: object) -> tuple[str, ...]:
    return get_args(part) or (str(part),)


def test_a_record_carries_the_decision_and_the_digest_of_what_runs() -> None:
    by = Person(id="user:dana")
    decision = Decision(
        id="d", fingerprint="f", type="edit", digest="of what was shown", args_text="{}", by=by, seal="5"
    )
    record = decision_record(decision, "of what runs")
    assert (record.id, record.type, record.by, record.args_text) == ("d", "edit", by, "{}")
    assert record.digest == "of what runs"
    assert "seal" not in record.model_dump()


def test_arguments_are_text_or_a_reference_and_never_both_or_neither() -> None:
    assert Args(text="{}", digest="d")
    assert Args(ref="r", digest="d")
    for wrong in ({"digest": "d"}, {"text": "{}", "ref": "r", "digest": "d"}):
        with pytest.raises(ValidationError):
            Args.model_validate(wrong)


def test_the_text_of_arguments_wins_over_the_dict() -> None:
    """A client that cannot hold 2^53 + 1 sends both, and the text is right."""
    args = inline_args("t", {"n": 9007199254740992}, '{ "n": 9007199254740993 }')
    assert args == Args(text='{"n":9007199254740993}', digest=digest("t", '{"n":9007199254740993}'))
    assert inline_args("t", {"n": 1.0}, None).text == '{"n":1}'
    assert inline_args("t", None, None).text == "{}"


@pytest.mark.parametrize("text", ["", "[]", "null", '{"a":1,"a":2}', '{"a":1e999}'])
def test_arguments_that_are_no_object_are_refused(text: str) -> None:
    with pytest.raises(MalformedJsonError):
        inline_args("t", None, text)


def test_every_event_has_its_data_and_every_run_ends_with_an_event() -> None:
    assert tuple(EVENT_DATA) == EVENT_TYPES
    assert set(EVENT_TYPES) >= RUN_ENDS
    assert {name.removeprefix("run.") for name in RUN_ENDS} == set(RUN_STATUSES) - {"running", "waiting"}


def test_every_code_has_a_status_and_a_title() -> None:
    assert set(CODES) == set(get_args(Code))
    assert {meaning.status for meaning in CODES.values()} == {400, 401, 403, 404, 409, 413, 422, 429, 503}
    assert all(meaning.title for meaning in CODES.values())


def test_a_refusal_that_is_raised_says_why() -> None:
    refusal = Refusal(code="expired", message="Nobody had decided.")
    with pytest.raises(RefusedError, match="Nobody had decided") as raised:
        raise RefusedError(refusal)
    assert raised.value.refusal is refusal


def test_times_are_utc_in_json() -> None:
    at = TypeAdapter(datetime).dump_json(datetime(2026, 3, 1, 9, 30, tzinfo=UTC))
    assert at == b'"2026-03-01T09:30:00Z"'
