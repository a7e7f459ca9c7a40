"""From what somebody asks to the approval as everybody knows it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from placet.contracts.approvals import ApprovalInput, Asked
from placet.contracts.canonical import MalformedJsonError, canonical_text, digest
from placet.contracts.records import LARGEST_ENTRY
from placet.runs.asking import asked
from placet.runs.gate import gate_of

START: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
ID: Final = "0123456789abcdef0123456789abcdef"
CALL: Final[dict[str, Any]] = {"kind": "tool_call", "tool": "refund", "args": {"amount": 10.0}, "title": "Refund 10"}
QUESTION: Final[dict[str, Any]] = {
    "kind": "question",
    "title": "Which order?",
    "questions": [
        {"question": "Which?", "options": ["A", {"id": "b", "label": "B"}]},
        {"question": "Why?", "allow_text": True},
    ],
}


def ask(sent: dict[str, Any], **changed: object) -> Asked:
    return asked(
        ID,
        ApprovalInput.model_validate({**sent, **changed}),
        workflow_id=f"approval-{ID}",
        workflow_run_id="run",
        requested_at=START,
    )


def test_every_default_is_filled_in() -> None:
    approval = ask(CALL)
    assert (approval.id, approval.workflow_id, approval.workflow_run_id) == (ID, f"approval-{ID}", "run")
    assert approval.allowed_decisions == ("approve", "edit", "reject", "respond")
    assert approval.approvers == ("role:approver",)
    assert (approval.risk, approval.on_expiry, approval.self_approval) == ("medium", "reject", False)
    assert (approval.requested_at, approval.expires_at) == (START, START + timedelta(days=7))
    assert approval.metadata == {}


def test_what_was_asked_is_kept() -> None:
    given: dict[str, Any] = {
        **CALL,
        "reason": "r",
        "risk": "high",
        "decisions": ["reject"],
        "approvers": ["user:dana", "requester"],
        "context": {"customer": None, "list": [None]},
        "metadata": {"ticket": None},
        "agent": "billing",
        "args_schema": {"default": None},
        "source": {"workflow_type": "Payout"},
        "call_id": "call_0",
        "turn": 0,
        "index": 0,
        "says": "",
        "requester": "user:lee",
        "self_approval": True,
        "on_expiry": "abort",
        "seal": "5",
        "run_id": "run-1",
        "thread_id": "t",
        "rule": "large refunds",
    }
    approval = ask(given)
    kept = {"decisions", "args", "source"}
    assert {name: getattr(approval, name) for name in given.keys() - kept} == {
        name: value if name != "approvers" else tuple(value) for name, value in given.items() if name not in kept
    }
    assert approval.allowed_decisions == ("reject",)
    assert approval.source is not None
    assert approval.source.workflow_type == "Payout"


@pytest.mark.parametrize(
    ("text", "length"),
    [("90s", timedelta(seconds=90)), ("2w", timedelta(weeks=2)), ("3650d", timedelta(days=3650)), ("never", None)],
)
def test_the_deadline_counts_from_the_recorded_start(text: str, length: timedelta | None) -> None:
    assert ask(CALL, expires_after=text).expires_at == (START + length if length else None)


def test_a_call_is_bound_by_its_canonical_arguments() -> None:
    approval = ask(CALL)
    assert approval.args.text == '{"amount":10}'
    assert approval.args.digest == digest("refund", '{"amount":10}')
    assert ask(CALL, args=None).args.text == "{}"
    exact = ask(CALL, args_text='{ "order": 9007199254740993 }')
    assert exact.args.text == '{"order":9007199254740993}'


def test_a_question_is_bound_as_the_tool_ask_human() -> None:
    """What the digest covers has every id, so that an answer can name what was shown."""
    approval = ask(QUESTION, args={"ignored": 1}, digest="ignored")
    bound: dict[str, Any] = {
        "questions": [
            {
                "id": "q1",
                "question": "Which?",
                "options": [{"id": "1", "label": "A"}, {"id": "b", "label": "B"}],
                "multi_select": False,
                "allow_text": False,
            },
            {"id": "q2", "question": "Why?", "options": [], "multi_select": False, "allow_text": True},
        ]
    }
    assert approval.tool == "ask_human"
    assert approval.args.text == canonical_text(bound)
    assert approval.args.digest == digest("ask_human", canonical_text(bound))
    assert [question.id for question in approval.questions] == ["q1", "q2"]
    assert approval.allowed_decisions == ("answer",)
    named = ask(QUESTION, tool="refund", allow_skip=True)
    assert (named.tool, named.args.digest) == ("refund", approval.args.digest)
    assert named.allowed_decisions == ("answer", "skip")


def test_arguments_in_the_ledger_are_bound_by_the_digest_that_comes_with_them() -> None:
    approval = ask(CALL, args=None, args_ref="ref-1", digest="sha256:of-it")
    assert (approval.args.text, approval.args.ref, approval.args.digest) == (None, "ref-1", "sha256:of-it")


def test_the_digest_of_the_arguments_may_come_along() -> None:
    """Our runs send the one that policy judged."""
    assert ask(CALL, digest=digest("refund", '{"amount":10}')) == ask(CALL)


WRONG: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "a reference without a digest": ({"args_ref": "ref-1"}, "comes with the digest"),
    "a digest of other arguments": ({"digest": digest("refund", '{"amount":11}')}, "not that of the arguments"),
    "a digest of another tool": ({"digest": digest("pay", '{"amount":10}')}, "not that of the arguments"),
    "text that is no object": ({"args_text": "[1]"}, "expected a JSON object"),
    "text with a key twice": ({"args_text": '{"a":1,"a":2}'}, "given twice"),
    "an approver who is a bare name": ({"approvers": ["role:approver", "dana"]}, "'dana' is no approver"),
    "an approver of an unknown kind": ({"approvers": ["team:finance"]}, "no approver"),
    "an approver without a name": ({"approvers": ["user:"]}, "no approver"),
    "an empty approver": ({"approvers": [""]}, "no approver"),
    "more than can be recorded": ({"context": {"k": "x" * LARGEST_ENTRY}}, "can be recorded"),
    "more than can be recorded once escaped": ({"args": {"k": '"' * (LARGEST_ENTRY // 2)}}, "can be recorded"),
    "more than can be recorded once canonical": ({"args": {"k": [1e20] * 100_000}}, "can be recorded"),
}


@pytest.mark.parametrize(("changed", "problem"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_decided_or_recorded_is_a_value_error(changed: dict[str, Any], problem: str) -> None:
    """The workflow turns it into `invalid_request`; any other exception would fail its task for ever."""
    with pytest.raises(ValueError, match=problem):
        ask(CALL, **changed)
    assert issubclass(MalformedJsonError, ValueError)


def test_the_gate_guards_what_was_asked() -> None:
    approval = ask(QUESTION, allow_skip=True)
    gate = gate_of(approval)
    assert (gate.kind, gate.tool, gate.digest) == ("question", "ask_human", approval.args.digest)
    assert (gate.allowed, gate.questions, gate.expires_at) == (
        ("answer", "skip"),
        approval.questions,
        approval.expires_at,
    )
    assert (gate.ended, gate.seen) == (None, {})
