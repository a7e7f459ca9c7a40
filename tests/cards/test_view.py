"""An approval as it is shown: rows from exactly what the digest covers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placet.cards import words
from placet.cards.rows import changes, rows
from placet.cards.view import view
from placet.contracts.approvals import Approval, DecisionView
from placet.contracts.canonical import canonical_text, digest
from placet.contracts.decisions import Person

AT = datetime(2026, 7, 1, 14, 2, 11, tzinfo=UTC)
DANA = Person(id="user:dana", name="Dana Ito", via="web")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def approval(args: dict[str, Any], **more: object) -> Approval:
    given: dict[str, object] = {
        "id": "a" * 32,
        "kind": "tool_call",
        "status": "pending",
        "tool": "refund",
        "args": args,
        "digest": digest("refund", canonical_text(args)),
        "title": "Refund",
        "allowed_decisions": ("approve", "reject"),
        "approvers": ("role:approver",),
        "requested_at": AT,
        "temporal": {"workflow_id": "approval-1"},
    }
    return Approval.model_validate({**given, **more})


def decided(type_: str, by: Person = DANA) -> DecisionView:
    return DecisionView(id="d", type=type_, by=by, digest="sha256:0")


def test_each_argument_is_a_typed_row() -> None:
    seen = view(approval({"n": 2**70, "f": 1.0, "t": "x", "b": True, "z": None, "l": [1, "a"], "o": {"k": 1e21}}))
    assert {row.name: (row.kind, row.shown) for row in seen.rows} == {
        "n": ("number", (str(2**70),)),
        "f": ("number", ("1",)),
        "t": ("text", ('"x"',)),
        "b": ("boolean", ("true",)),
        "z": ("null", ("null",)),
        "l": ("list", ('[1, "a"]',)),
        "o": ("object", ('{"k": 1e+21}',)),
    }
    assert seen.intact
    assert seen.raw.startswith('{"b":true,"f":1,"l":[1,"a"],"n":1180591620717411303424,"o":{"k":1e+21}')


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_every_row_is_safe_to_print_and_every_argument_has_one(args: dict[str, Any]) -> None:
    try:
        asked = approval(args)
    except ValueError:  # a lone surrogate has no digest
        return
    seen = view(asked)
    assert len(seen.rows) == len(args)
    assert seen.intact
    for row in seen.rows:
        for line in (row.name, *row.value, *row.warnings):
            assert line.isprintable()
            assert "\n" not in line


@given(st.text(), st.text())
def test_two_names_are_never_shown_alike(one: str, other: str) -> None:
    assert (rows({one: 1})[0].name == rows({other: 1})[0].name) == (one == other)


def test_a_name_that_is_none_is_quoted() -> None:
    assert rows({"amount  5\nto": 1})[0].name == '"amount  5\\nto"'
    assert rows({"": 1})[0].name == '""'


def test_a_long_value_says_how_much_is_not_shown() -> None:
    row = rows({"body": "x" * 2_500})[0]
    assert (row.hidden, len(row.shown[0])) == (500, 2_002)
    assert len(row.value[0]) == 2_502
    assert rows({"body": "x" * 2_500}, limit=None)[0].hidden == 0
    assert rows({"list": ["x" * 100] * 30})[0].hidden > 900


def test_several_lines_stay_lines_and_a_deep_value_is_spread() -> None:
    assert rows({"body": "a\nb\u202ec"})[0].shown == ("a", "b\\u202ec")
    spread = rows({"o": {"list": ["x" * 50, {"k": "y" * 50}], "n": 1}})[0].shown
    assert spread[0] == "{"
    assert spread[-1] == "}"
    assert f'    "{"x" * 50}",' in spread


def test_a_row_warns_of_what_does_not_show() -> None:
    assert rows({"to": ["a\u200b", {"k\u202e": 1}]})[0].warnings == ("contains 2 hidden characters",)
    assert rows({"url": "p\u0430ypal"})[0].warnings == ("mixes alphabets: p\u0430ypal (\u0430 is Cyrillic)",)


def test_what_the_digest_does_not_cover_is_not_intact() -> None:
    assert not view(approval({"a": 1}, digest=digest("refund", '{"a":2}'))).intact
    assert not view(approval({"a": 1}, tool="send")).intact


def test_changes_tell_numbers_by_value_and_what_is_not_set() -> None:
    before = {"a": 10, "b": [1], "c": "x", "d": None}
    after = {"a": 10.0, "b": [2], "d": None, "e": False}
    assert changes(before, after) == (("b", "[1]", "[2]"), ("c", '"x"', "not set"), ("e", "not set", "false"))


@pytest.mark.parametrize(
    ("status", "decision", "sentence"),
    [
        ("pending", None, "Pending."),
        ("approved", decided("approve"), "Approved by Dana Ito (web), 2026-07-01 14:02:11 UTC."),
        ("approved", decided("edit"), "Approved with edits by Dana Ito (web), 2026-07-01 14:02:11 UTC."),
        ("rejected", decided("reject", Person(id="user:x\u202e")), "Rejected by user:x\\u202e (temporal, unverified)"),
        ("expired", None, "Expired, 2026-07-01 14:02:11 UTC: nobody decided in time."),
        ("cancelled", None, "Cancelled, 2026-07-01 14:02:11 UTC."),
    ],
)
def test_every_outcome_is_a_sentence(status: str, decision: DecisionView | None, sentence: str) -> None:
    ended = approval({}, status=status, decision=decision, ended_at=None if status == "pending" else AT)
    assert words.outcome(ended).startswith(sentence)


def test_the_loser_reads_who_won() -> None:
    won = approval({}, status="approved", decision=decided("approve"), ended_at=AT)
    assert words.lost(won) == (
        "Already approved by Dana Ito (web), 2026-07-01 14:02:11 UTC. Your decision was not recorded."
    )
    expired = approval({}, status="expired", ended_at=AT)
    assert words.lost(expired).startswith("Expired, 2026-07-01 14:02:11 UTC: nobody decided in time. Your")


def test_the_deadline_says_what_happens_then() -> None:
    waiting = approval({}, expires_at=AT + timedelta(minutes=41))
    assert words.deadline(waiting, AT) == (
        "expires in 41 min (2026-07-01 14:43:11 UTC), then: rejected, and the agent is told"
    )
    assert words.deadline(approval({}), AT) == "no expiry"
    assert words.deadline(waiting, AT + timedelta(hours=1)).startswith("expired at ")


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (timedelta(days=2, hours=3, minutes=5), "2 d 3 h"),
        (timedelta(days=1), "1 d"),
        (timedelta(hours=1, seconds=5), "1 h"),
        (timedelta(seconds=12.9), "12 s"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_a_span_is_in_its_largest_units(length: timedelta, shown: str) -> None:
    assert words.span(length) == shown


AGAIN: dict[str, Any] = {
    "previous_approval": "b" * 32,
    "changes": [{"what": "risk", "before": "low", "after": "high"}, {"what": "argument \x1b[2J", "after": "x\u202e"}],
}


def test_a_call_that_is_asked_again_shows_what_changed_and_not_as_the_agents_words() -> None:
    seen = view(approval({}, run_id="run-1", context={"asked_again": AGAIN}))
    assert seen.previous == "b" * 32
    assert seen.asked_again == (
        ("risk", '"low"', '"high"'),
        ("argument \\x1b[2J", "nothing", '"x\\u202e"'),
    )
    assert seen.context == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"context": {"asked_again": AGAIN}},
        {"context": {"asked_again": AGAIN}, "run_id": "run-1", "kind": "question"},
        {"context": {"asked_again": {"changes": "none"}}, "run_id": "run-1"},
    ],
    ids=["asked from outside a run", "a question of a model", "of another form"],
)
def test_what_somebody_else_calls_asked_again_stays_their_word(fields: dict[str, Any]) -> None:
    seen = view(approval({}, **fields))
    assert (seen.asked_again, seen.previous) == ((), None)
    assert [row.name for row in seen.context] == ["asked_again"]
