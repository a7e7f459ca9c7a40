"""What waits in the queue gets its place from Temporal's record, in whatever batches it is handed over."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from placet.contracts.canonical import canonical_text
from placet.contracts.decisions import Decision, Person
from placet.contracts.records import LARGEST_ENTRY, RecordedMoment
from placet.runs.gate import Withdrawal
from placet.runs.inbox import (
    CANCEL,
    DECIDE,
    NOBODY,
    Inbox,
    StoredSignal,
    Unreadable,
    WaitingUpdate,
    in_order,
    read,
)

START: Final = datetime(2026, 3, 1, tzinfo=UTC)
PAYLOAD: Final[dict[str, Any]] = {"type": "approve", "digest": "sha256:0", "decision_id": "d1", "by": "user:dana"}


def decide(**changed: object) -> bytes:
    return json.dumps({**PAYLOAD, **changed}).encode()


def decision(**changed: object) -> Decision:
    arrival = read(DECIDE, decide(**changed), "fallback")
    assert isinstance(arrival, Decision)
    return arrival


# --- reading ----------------------------------------------------------------------------------------------------


def test_a_decision_is_read() -> None:
    arrival = decision(message="m", received_at="2026-03-01T00:00:00Z")
    assert (arrival.id, arrival.type, arrival.digest, arrival.message) == ("d1", "approve", "sha256:0", "m")
    assert arrival.received_at == START


def test_without_an_id_it_has_the_one_of_its_way() -> None:
    """That of the Update, or its number among the Signals: two that give none are two."""
    assert decision(decision_id=None).id == decision(decision_id="").id == "fallback"
    assert [StoredSignal(DECIDE, nth, decide(decision_id=None)).read().id for nth in (0, 1)] == [
        *("signal-decide-0", "signal-decide-1"),
    ]


def test_arguments_become_canonical_and_text_wins() -> None:
    """Integers beyond 2^53 survive a client that cannot hold them."""
    edit = {"type": "edit", "args": {"b": 9007199254740992, "a": 1.0}}
    assert decision(**edit).args_text == '{"a":1,"b":9007199254740992}'
    assert decision(**edit, args_text='{ "b": 9007199254740993 }').args_text == '{"b":9007199254740993}'
    assert decision(type="edit", args={}).args_text == "{}"
    assert decision().args_text is None


@pytest.mark.parametrize("by", ["user:dana", {"id": "user:dana"}, {"id": "user:dana", "via": "api"}])
def test_who_is_claimed_without_a_seal_came_by_temporal(by: object) -> None:
    """Whoever may write to the namespace may write any name and any way."""
    assert decision(by=by).by == Person(id="user:dana", via="temporal")


def test_who_is_claimed_with_a_seal_is_left_to_the_record_activity() -> None:
    by = {"id": "user:dana", "name": "Dana", "via": "web"}
    sealed = decision(by=by, seal="5" * 64)
    assert (sealed.by, sealed.seal) == (Person.model_validate(by), "5" * 64)


def test_who_names_nobody_is_unknown() -> None:
    assert decision(by=None).by == NOBODY


def test_what_a_later_version_sends_is_read() -> None:
    assert decision(from_a_later_version=1) == decision()


UNREADABLE: Final[dict[str, bytes]] = {
    "nothing": b"",
    "no JSON": b"approve",
    "a list": b"[]",
    "a text": b'"approve"',
    "a number": b"5",
    "null": b"null",
    "no UTF-8": b'{"type": "\xff"}',
    "no type": json.dumps({"digest": "d"}).encode(),
    "no digest": json.dumps({"type": "approve"}).encode(),
    "a type that is a number": decide(type=5),
    "an endless type": decide(type="x" * 101),
    "a key twice": b'{"type": "approve", "digest": "d", "digest": "e"}',
    "NaN": b'{"type": "edit", "digest": "d", "args": {"a": NaN}}',
    "1e999": b'{"type": "edit", "digest": "d", "args": {"a": 1e999}}',
    "half of a surrogate pair": b'{"type": "approve", "digest": "d", "message": "\\ud83d"}',
    "101 levels": b'{"type": "edit", "digest": "d", "args": ' + b'{"a":' * 100 + b"1" + b"}" * 101,
    "arguments that are a list": decide(type="edit", args=[1]),
    "arguments whose text is no object": decide(type="edit", args_text="[1]"),
    "arguments whose text is broken": decide(type="edit", args_text='{"a":1,"a":2}'),
    "arguments whose text holds half of a pair": decide(type="edit", args_text='{"a":"\\ud83d"}'),
    "an endless id": decide(decision_id="x" * 201),
    "an id that is a number": decide(decision_id=7),
    "somebody without an id": decide(by={"name": "Dana"}),
    "somebody with an endless id": decide(by="x" * 501),
    "a time without a zone": decide(received_at="2026-03-01T00:00:00"),
    "a time beyond all calendars": decide(received_at=1e300),
    "answers that are a list": decide(type="answer", answers=[]),
}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_no_decision_is_a_refusal_and_never_an_error(data: bytes) -> None:
    """An exception here would fail the workflow's task for ever."""
    arrival = read(DECIDE, data, "fallback")
    assert isinstance(arrival, Unreadable)
    assert arrival.refusal.code == "invalid_decision"
    assert 0 < len(arrival.refusal.message) <= 500
    assert "\n" not in arrival.refusal.message
    assert arrival.as_decision().id == arrival.id == "fallback"
    assert arrival.as_decision().by == NOBODY


@given(st.binary(max_size=80) | st.text(alphabet='{}[]":,typedigsarn1\\u', max_size=80).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for name in (DECIDE, CANCEL):
        assert read(name, data, "fallback").id is not None


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "edit", "args": {"k": "x" * LARGEST_ENTRY}},
        {"type": "edit", "args": {"k": '"' * (LARGEST_ENTRY // 2)}},
        {"type": "edit", "args_text": '{"k":[' + "1e20," * 100_000 + "1]}"},
        {"type": "respond", "message": "x" * LARGEST_ENTRY},
        {"type": "answer", "answers": {"q1": {"text": "x" * LARGEST_ENTRY}}},
    ],
    ids=["long", "longer once escaped", "longer once canonical", "message", "answers"],
)
def test_what_could_not_be_recorded_is_refused_before_it_counts(fields: dict[str, object]) -> None:
    """The record carries canonical text inside JSON: an accepted edit that does not fit there would never end."""
    arrival = read(DECIDE, decide(**fields), "fallback")
    assert isinstance(arrival, Unreadable)
    assert arrival.refusal.code == "too_large"
    assert arrival.id == "d1"
    assert len(arrival.as_decision().model_dump_json()) < 1_000


def test_a_mebibyte_of_plain_text_can_be_recorded() -> None:
    assert decision(type="respond", message="x" * 1024 * 1024)


def test_a_withdrawal_is_read() -> None:
    assert read(CANCEL, b'{"id": "w1", "by": "user:lee", "reason": "why"}', "fallback") == Withdrawal(
        "w1", "cancelled", by=Person(id="user:lee"), reason="why"
    )
    assert read(CANCEL, b"{}", "fallback") == Withdrawal("fallback", "cancelled", by=NOBODY)
    superseded = read(CANCEL, b'{"status": "superseded"}', "fallback")
    assert isinstance(superseded, Withdrawal)
    assert superseded.status == "superseded"


@pytest.mark.parametrize("data", [b"", b"[]", b'{"status": "approved"}', b'{"reason": 5}', b'{"id": 5}'])
def test_what_is_no_withdrawal_is_a_refusal(data: bytes) -> None:
    assert isinstance(read(CANCEL, data, "fallback"), Unreadable)


# --- order ------------------------------------------------------------------------------------------------------


def at(order: int) -> datetime:
    return START + timedelta(seconds=order)


def moment(order: int, name: str | None = DECIDE, reason: str | None = None) -> RecordedMoment:
    return RecordedMoment(name=name, order=order, at=at(order), reason=reason)


def ids_of(steps: Sequence[tuple[StoredSignal | WaitingUpdate | Withdrawal, datetime]]) -> list[str | None]:
    """Returns the ids in order; None is the cancel of the workflow."""
    found: list[str | None] = []
    for step, _ in steps:
        arrival = step.read() if isinstance(step, StoredSignal) else step
        found.append(arrival.arrival.id if isinstance(arrival, WaitingUpdate) else arrival.id)
    return found


def inbox(*names: str) -> Inbox:
    """Returns a queue of Signals whose ids are their names; what starts with `c` withdraws."""
    queue = Inbox()
    for name in names:
        if name.startswith("c"):
            queue.add_signal(CANCEL, json.dumps({"id": name}).encode())
        else:
            queue.add_signal(DECIDE, decide(decision_id=name))
    return queue


def test_signals_of_both_names_come_in_the_order_of_their_events() -> None:
    queue = inbox("a", "c1", "b", "c2")
    moments = [moment(3), moment(5, CANCEL), moment(7), moment(9, CANCEL)]
    steps = in_order(queue.items, moments, 4)
    assert ids_of(steps) == ["a", "c1", "b", "c2"]
    assert [when for _, when in steps] == [at(3), at(5), at(7), at(9)]


def test_what_was_handed_over_out_of_order_is_put_in_order() -> None:
    """The nth Signal of a name is the nth of that name in the history, whatever came between."""
    queue = inbox("c1", "a", "b")
    moments = [moment(3), moment(5, CANCEL), moment(7)]
    assert ids_of(in_order(queue.items, moments, 3)) == ["a", "c1", "b"]


def test_signals_handled_before_are_counted() -> None:
    queue = inbox("a", "b", "c1")
    queue.items.clear()
    queue.add_signal(DECIDE, decide(decision_id="d"))
    queue.add_signal(CANCEL, b'{"id": "c2"}')
    moments = [moment(3), moment(4), moment(5, CANCEL), moment(6), moment(7, CANCEL)]
    steps = in_order(queue.items, moments, 2)
    assert ids_of(steps) == ["d", "c2"]
    assert [when for _, when in steps] == [at(6), at(7)]


def test_a_malformed_signal_is_counted_like_any_other() -> None:
    queue = Inbox()
    queue.add_signal(DECIDE, b"")
    queue.add_signal(DECIDE, b"rubbish")
    queue.add_signal(DECIDE, decide(decision_id="a"))
    steps = in_order(queue.items, [moment(3), moment(4), moment(5)], 3)
    assert ids_of(steps) == ["signal-decide-0", "signal-decide-1", "a"]
    assert steps[2][1] == at(5)


@pytest.mark.parametrize(("order", "expected"), [(2, [None, "a", "b"]), (4, ["a", None, "b"]), (6, ["a", "b", None])])
def test_the_cancel_of_the_workflow_has_its_place(order: int, expected: list[str | None]) -> None:
    moments = sorted([moment(3), moment(5), moment(order, None, reason="stop")], key=lambda one: one.order)
    steps = in_order(inbox("a", "b").items, moments, 2)
    assert ids_of(steps) == expected
    cancel = next(step for step, _ in steps if isinstance(step, Withdrawal))
    assert cancel == Withdrawal(None, "cancelled", reason="stop")


def waiting(name: str, after: int) -> WaitingUpdate:
    return WaitingUpdate(decision(decision_id=name), at(100 + after), after)


def test_an_update_stands_behind_what_was_recorded_when_it_came() -> None:
    """Also behind a cancel that is handed over later within the same task."""
    queue = inbox("a")
    queue.items.append(waiting("u", 6))
    queue.add_signal(DECIDE, decide(decision_id="b"))
    moments = [moment(3), moment(5, None), moment(8)]
    steps = in_order(queue.items, moments, 3)
    assert ids_of(steps) == ["a", None, "u", "b"]
    assert steps[2][1] == at(106), "and counts from when it was handled"


def test_two_updates_of_one_task_keep_their_order() -> None:
    items = [waiting("u1", 6), waiting("u2", 6)]
    assert ids_of(in_order(items, [moment(5, None)], 2)) == [None, "u1", "u2"]


def test_a_signal_recorded_after_the_reading_waits_for_the_next() -> None:
    """A cancel that was read is older and goes first; nothing behind the Signal overtakes it."""
    queue = inbox("a", "b")
    queue.items.append(waiting("u", 20))
    moments = [moment(3), moment(5, None)]
    assert ids_of(in_order(queue.items, moments, 3)) == ["a", None]


def test_an_update_that_came_during_the_reading_waits_for_the_next() -> None:
    """A cancel older than it might not have been read; one that is younger must not overtake it."""
    queue = inbox("a")
    queue.items.append(waiting("u", 6))
    assert ids_of(in_order(queue.items, [moment(3), moment(5, None)], 1)) == ["a", None]
    assert ids_of(in_order(queue.items, [moment(3), moment(9, None)], 1)) == ["a"]
    assert ids_of(in_order(queue.items, [moment(3)], 1)) == ["a"]


def test_a_decision_in_time_does_not_lose_to_a_cancel_recorded_after_it() -> None:
    """Both came while the history was read for an earlier Signal; the decision was not in the queue then."""
    queue = inbox("stale", "in-time")
    moments = [moment(3), moment(8), moment(9, None)]
    assert ids_of(in_order(queue.items, moments, known=1)) == ["stale", "in-time", None]


# What Temporal does, in a few lines: it records one thing after the other, hands over to a worker at some moments what
# it has recorded since, and the worker's activity reads the history as it is at some moment in between.

happenings = st.lists(
    st.sampled_from(["signal", "signal", "withdraw", "cancel", "update", "hand over", "schedule", "read"]),
    min_size=1,
    max_size=40,
)


class Temporal:
    """A history, and a worker that puts in order what it is handed."""

    def __init__(self) -> None:
        self.history: list[tuple[int, str, str | None]] = []
        self.handed_over = 0
        self.queue = Inbox()
        self.known: int | None = None
        self.moments: list[RecordedMoment] | None = None
        self.passed: list[str | None] = []
        self.counts: Counter[str] = Counter()

    def record(self, kind: str) -> None:
        if kind == "cancel" and self.counts["cancel"]:
            return  # Temporal records one
        name = None if kind == "cancel" else f"{kind}-{self.counts[kind]}"
        self.counts[kind] += 1
        self.history.append((len(self.history) + 1, kind, name))

    def hand_over(self) -> None:
        for order, kind, name in self.history[self.handed_over :]:
            if kind == "signal":
                self.queue.add_signal(DECIDE, decide(decision_id=name))
            elif kind == "withdraw":
                self.queue.add_signal(CANCEL, json.dumps({"id": name}).encode())
            elif kind == "update":
                # Its event follows all that was recorded when it was handled.
                self.queue.items.append(waiting(str(name), order - 1))
        self.handed_over = len(self.history)

    def schedule(self) -> None:
        self.hand_over()
        if self.known is None:
            self.known = len(self.queue.items)

    def read(self) -> None:
        if self.known is not None and self.moments is None:
            names = {"signal": DECIDE, "withdraw": CANCEL, "cancel": None}
            self.moments = [moment(order, names[kind]) for order, kind, _ in self.history if kind in names]

    def complete(self) -> None:
        """Hands over what was recorded before the activity's end, then lets the workflow go on."""
        self.hand_over()
        if self.known is None or self.moments is None:
            return
        for step, _ in in_order(self.queue.items, self.moments, self.known):
            if not isinstance(step, Withdrawal):
                self.queue.items.remove(step)
            elif None in self.passed:
                continue  # the gate takes it once
            self.passed += ids_of([(step, START)])
        self.known = self.moments = None


@given(happenings)
@settings(max_examples=400)
def test_whatever_the_batches_everything_passes_in_the_order_of_the_record(story: list[str]) -> None:
    """One exception is Temporal's: an Update is handled with its task, so nothing is handed over after it but later."""
    temporal = Temporal()
    for kind in story:
        if kind == "update":
            # It is recorded with the task that handles it, behind everything that this task was handed.
            temporal.hand_over()
            temporal.record(kind)
            temporal.hand_over()
        elif kind == "hand over":
            temporal.hand_over()
        elif kind == "schedule":
            temporal.complete()
            temporal.schedule()
        elif kind == "read":
            temporal.read()
        else:
            temporal.record(kind)
    while temporal.queue.items or len(temporal.passed) < len(temporal.history):
        before = len(temporal.passed)
        temporal.read()
        temporal.complete()
        temporal.schedule()
        temporal.read()
        temporal.complete()
        assert len(temporal.passed) > before, "each reading lets something pass"
    assert temporal.passed == [name for _, _, name in temporal.history]


def test_what_is_canonical_stays_so_through_the_inbox() -> None:
    text = canonical_text({"z": 1, "a": [1.5]})
    assert decision(type="edit", args_text=text).args_text == text
