"""A condition is true, false, or cannot be evaluated: never wrong, never slow, and no error is an answer."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from placet.policy import ConditionError, RunFacts, condition
from placet.policy._conditions import FUNCTIONS, MOST_STEPS
from placet.policy._facts import MOST_VALUES, Facts
from placet.policy._source import read

HIDDEN: Final = "a value of an argument"
OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


def facts(args: Any, **known: Any) -> Facts:
    told: dict[str, Any] = {"tool": "refund", "agent": "billing", "requester": "user:dana", "run": None, **known}
    return Facts(args=args, **told)


def holds(text: str, args: Any = None, **known: Any) -> bool:
    return condition(text).holds(facts(args or {}, **known))


def why(text: str, args: Any = None, **known: Any) -> str:
    with pytest.raises(ConditionError) as caught:
        holds(text, args, **known)
    return str(caught.value)


AMOUNTS: Final = [
    *(-(2**70), -(2**63) - 1, -(2**63), -(2**53) - 1, -500, -50, -1, 0, 1, 50, 99, 100, 101, 500),
    *(2**53, 2**53 + 1, 2**62 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**64 + 1, 2**70, 2**70 + 1, 10**30, 10**400),
    *(-1e300, -150.5, -0.0, 99.99, 100.0, 100.01, 150.5, 1e21, 1e300, -(10**400)),
]


@pytest.mark.parametrize("amount", AMOUNTS, ids=lambda amount: str(amount)[:24])
@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize(("limit", "text"), [(100, "100.0"), (100, "100"), (-50, "-50.0"), (-50, "-50")])
def test_every_amount_is_compared_properly_with_a_limit(amount: float, sign: str, limit: int, text: str) -> None:
    assert holds(f"args.amount {sign} {text}", {"amount": amount}) is OPERATORS[sign](amount, limit)


def _around(base: int, off: int, sign: int) -> int:
    return sign * (base + off)


_near = st.sampled_from([2**53, 2**54, 2**62, 2**63, 2**64, 2**70, 2**80, 10**30])
_large = st.builds(_around, _near, st.integers(-600, 600), st.sampled_from([1, -1]))
_number = st.one_of(
    st.integers(-1_000, 1_000),
    _large,
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    _large.map(float),
)


@given(one=_number, other=_number, sign=st.sampled_from(list(OPERATORS)), third=_number)
def test_two_numbers_are_compared_as_they_are_or_not_at_all(one: Any, other: Any, sign: str, third: Any) -> None:
    try:
        found = holds(f"args.one {sign} args.other", {"one": one, "other": other, "third": third})
    except ConditionError:
        assert max(abs(one), abs(other), abs(third)) > 2**53, "ordinary numbers are always compared"
    else:
        assert found is OPERATORS[sign](one, other)


@given(one=_number, limit=st.integers(-(2**63), 2**63 - 1) | _large, sign=st.sampled_from(list(OPERATORS)), n=_number)
def test_a_number_is_compared_with_a_written_one_as_it_is_or_not_at_all(
    one: Any, limit: int, sign: str, n: Any
) -> None:
    text = f"{limit}" if -(2**63) <= limit < 2**63 else f"{float(limit)!r}"
    try:
        found = holds(f"args.one {sign} {text}", {"one": one, "n": n})
    except ConditionError:
        assert max(abs(one), min(abs(limit), abs(n))) > 2**53, "ordinary numbers are always compared"
    else:
        written = limit if "e" not in text and "." not in text else float(limit)
        assert found is OPERATORS[sign](one, written)


def test_long_numbers_of_64_bits_keep_all_their_digits() -> None:
    order = 1_234_567_890_123_456_789
    assert holds(f"args.order == {order}", {"order": order})
    assert not holds(f"args.order == {order}", {"order": order + 1})
    assert holds("args.order % 10 == 9 && args.price > 100.0", {"order": order, "price": 150.5})


@pytest.mark.parametrize("text", ["string(args.n) == 'x'", "type(args.n) == int", "int(args.n) == 5"])
def test_how_a_number_is_written_that_cel_cannot_hold_is_not_looked_at(text: str) -> None:
    assert "how a number is written" in why(text, {"n": 2**70})


def test_it_knows_the_call_and_the_run() -> None:
    run = RunFacts("run-1", "thread-1", 3)
    text = "tool == 'refund' && agent == 'billing' && requester == 'user:dana' && run.turn > 2 && run.id == 'run-1'"
    assert holds(text, run=run)
    assert holds("run.thread_id == 'thread-1' && args.a.b[1]['c d'] == null", {"a": {"b": [0, {"c d": None}]}}, run=run)


@pytest.mark.parametrize(
    ("text", "known", "reason"),
    [
        ("args.amount > 1", {}, "there is no amount"),
        ("args.order.id == 1", {"args": {"order": {}}}, "there is no id"),
        ("args[tool] == 1", {}, "a field is missing"),
        ("args.key in args.map && args.map[args.key] == 1 || args[args.key] == 1", {}, "there is no key"),
        ("args[args.key] == 1", {"args": {"key": HIDDEN}}, "a field is missing"),
        ("agent == 'billing'", {"agent": None}, "agent is not known of this call"),
        ("requester == 'user:dana'", {"requester": None}, "requester is not known of this call"),
        ("run.turn > 1", {}, "run is not known of this call"),
        ("run.turn > 1", {"run": RunFacts("run-1")}, "there is no turn"),
        ("args.amount > 100.0", {"args": {"amount": HIDDEN}}, "it combines values of different kinds"),
        ("args.amount > 100.0", {"args": {"amount": True}}, "it combines values of different kinds"),
        ("args.amount > 100.0", {"args": {"amount": None}}, "it combines values of different kinds"),
        ("args.amount", {"args": {"amount": 5}}, "it gives a number, not true or false"),
        ("args.amount", {"args": {"amount": HIDDEN}}, "it gives a text, not true or false"),
        ("args.amount / 0 > 1", {"args": {"amount": 5}}, "it divides by zero"),
        ("args.amount + 1 > 1", {"args": {"amount": 2**63 - 1}}, "a number is too large for it"),
        ("args.xs[3] > 1", {"args": {"xs": [1]}}, "a list is too short for it"),
        ("args.n.size() > 1", {"args": {"n": 5}}, "size does not take such a value"),
        ("args.n == 1", {"args": {"n": float("nan")}}, "an argument is no number"),
        ("args.n == 1", {"args": {"n": object()}}, "an argument is nothing that JSON has"),
        ("args.n == 1", {"args": {"n": {1: 2}}}, "an object has a key that is no text"),
        ("args.n == 'x'", {"args": {"n": "\ud800"}}, "the arguments cannot be handed to it"),
    ],
)
def test_what_cannot_be_evaluated_says_why_without_a_value(text: str, known: dict[str, Any], reason: str) -> None:
    told = why(text, **known)
    assert told == reason
    assert HIDDEN not in told


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("args.amount >", "is no condition: mismatched input '<EOF>' at character 14"),
        ("args.a\n  && &&", "at line 2, character 6"),
        ("'unclosed", "is no condition: token recognition error"),
        ("", "is no condition"),
        ("(" * 300 + "true" + ")" * 300, "is no condition"),
        ("arg.amount > 1", "there is no arg; a condition is about args, tool, agent, requester, run"),
        ("amount > 1", "there is no amount;"),
        ("args.xs.all(x, y > 1)", "there is no y;"),
        ("siz(args.x) > 1", "there is no function siz"),
        ("args.x.lowerAscii() == 'x'", "there is no function lowerAscii"),
        ("args.all(true)", "there is no function all with these arguments"),
        ("100", "it gives a number, not true or false"),
        ("1 / 0 > 1", "it divides by zero"),
    ],
)
def test_what_is_no_condition_is_refused_before_any_call(text: str, reason: str) -> None:
    with pytest.raises(ConditionError) as caught:
        condition(text)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_condition_is_compiled_once() -> None:
    assert condition("args.amount > 100.0") is condition("args.amount > 100.0")


def test_a_missing_field_may_be_asked_for() -> None:
    assert not holds("has(args.amount) && args.amount > 1")
    assert holds("!has(args.order.note)", {"order": {}})


PARTS: Final = (
    *(("FullYear", 2026), ("Month", 10), ("Date", 22), ("DayOfMonth", 21), ("DayOfWeek", 0), ("DayOfYear", 325)),
    *(("Hours", 12), ("Minutes", 13), ("Seconds", 14), ("Milliseconds", 500)),
)
OFFERED: Final = [
    "size(args.s) == 3 && args.s.size() == 3 && size(args.xs) == 3",
    "args.s.contains('b') && args.s.startsWith('a') && args.s.endsWith('c') && args.s.matches('^[a-c]+$')",
    "args.xs.exists(x, x > 2) && args.xs.all(x, x > 0) && args.xs.exists_one(x, x == 1)",
    "args.xs.map(x, x * 2) == [2, 4, 6] && args.xs.filter(x, x > 1).size() == 2",
    "args.m.all(key, args.m[key] > 0) && 'a' in args.m && 2 in args.xs && tool in ['refund']",
    "type(args.s) == string && int('5') == 5 && double(args.xs[0]) * 1.5 == 1.5 && string(args.xs[0]) == '1'",
    "duration('1h') > duration('1m') && uint(3) == 3u && bytes('a') == b'a' && dyn(1) == 1",
    "timestamp('2026-11-22T12:13:14.5Z') > timestamp('2026-11-22T00:00:00Z')",
    *(f"timestamp('2026-11-22T12:13:14.5Z').get{part}() == {value}" for part, value in PARTS),
]


@pytest.mark.parametrize("text", OFFERED)
def test_what_the_reference_offers_works(text: str) -> None:
    assert holds(text, {"s": "abc", "xs": [1, 2, 3], "m": {"a": 1, "b": 2}})


def test_every_function_that_is_let_through_works() -> None:
    shown = " ".join(OFFERED)
    assert {name for name in FUNCTIONS if f"{name}(" not in shown} == set()


LOOPS: Final = {
    "args.xs.all(x, x.n >= 0)": 20_000,
    "args.xs.all(x, x.n <= args.limit)": 900,
    "args.xs.map(x, x.n).size() > 0": 900,
}


@pytest.mark.parametrize(("text", "items"), LOOPS.items())
def test_lists_of_a_usual_length_are_looked_through(text: str, items: int) -> None:
    assert holds(text, {"xs": [{"n": 1}] * items, "limit": 3})


@pytest.mark.parametrize(
    "text",
    [
        "args.xs.all(x, args.xs.all(y, args.xs.all(z, x + y + z > 0)))",
        "args.xs.map(x, args.text + args.text).size() > 0",
        "args.xs.all(x, args.xs.size() > 0)",
        "args.xs.map(x, x).size() > 0",
        "(args.xs + args.xs + args.xs).all(x, args.xs.exists(y, y == x))",
        "args.xs.all(x, args.text.matches('(a|b)*c'))",
    ],
)
def test_what_would_take_too_long_is_not_begun(text: str) -> None:
    args = {"xs": list(range(40_000)), "text": "a" * 500_000}
    assert why(text, args) == "the arguments are so large that it could take too long"


def test_a_list_that_a_condition_writes_out_counts_too() -> None:
    digits = "[" + ", ".join(["1"] * 400) + "]"
    text = f"{digits}.all(a, {digits[:-1]}].all(b, [1, 2].all(c, {digits[:400]}1].all(d, a + b + c + d > 0))))"
    assert read(text).steps(1, 1) > MOST_STEPS
    assert "too long" in why(text)


@pytest.mark.parametrize("inside", ["'all(x, '", '"x.all(y, "', "r'\\'", "// x.all(y, args)\n true"])
def test_what_stands_in_a_text_or_a_remark_is_no_loop(inside: str) -> None:
    assert read(inside).steps(10, 10) == 0


def test_arguments_that_are_nested_without_end_do_not_end_the_process() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert why("args.x == 1", {"x": deep}) == "the arguments are nested too deep"
    around: dict[str, Any] = {}
    around["x"] = around
    assert why("args.x == 1", around) == "the arguments are nested too deep"


def test_arguments_without_end_are_not_handed_in() -> None:
    assert why("args.x == 1", {"x": [0] * (MOST_VALUES + 1)}) == "the arguments are too large"


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "xs"]), inner, max_size=3),
    max_leaves=10,
)
_pieces = st.sampled_from(
    (
        *("args", ".a", ".b", ".xs", "[0]", "['a']", ".all(x, ", "x", ")", "(", "'", '"', "\\", "has(", "size("),
        *("1", "2.5", "1e308", "true", "null", "tool", "run", " && ", " || ", " == ", *"!-+*/%<>=?:{}[]"),
    )
)


@given(text=st.lists(_pieces, max_size=14).map("".join) | st.text(max_size=30), args=st.dictionaries(st.text(), _json))
def test_whatever_it_says_and_whatever_it_is_asked_of_it_is_true_or_false_or_a_reason(text: str, args: Any) -> None:
    with contextlib.suppress(ConditionError):
        assert isinstance(holds(text, args), bool)
