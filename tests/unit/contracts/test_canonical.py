"""The strict reader and the one canonical form: what you see is what runs, byte for byte."""

from __future__ import annotations

import json
import math
import struct
import time
from collections import OrderedDict
from collections.abc import Callable
from enum import IntEnum

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from placet.contracts.canonical import (
    MAX_DEPTH,
    MAX_INTEGER_DIGITS,
    MalformedJsonError,
    canonical_args,
    canonical_text,
    digest,
    fingerprint,
    parse_json,
    parse_object,
)

MIB = 1024 * 1024

texts = st.text(st.characters(exclude_categories=["Cs"]))
"""Every character that is one: controls, astral ones, unassigned ones; no half of a surrogate pair."""

bit_patterns = st.integers(min_value=0, max_value=2**64 - 1).map(
    lambda bits: float(struct.unpack("<d", struct.pack("<Q", bits))[0])
)
"""Doubles of every magnitude alike; Hypothesis's own floats favour the simple ones."""
doubles = st.one_of(st.floats(allow_nan=False, allow_infinity=False), bit_patterns.filter(math.isfinite))

safe_integers = st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1)
"""What RFC 8785 can hold; larger integers are ours."""

leaves = st.one_of(st.none(), st.booleans(), safe_integers, doubles, texts)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(texts, inner, max_size=5)),
    max_leaves=25,
)
big_values = st.recursive(
    st.one_of(leaves, st.integers()),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(texts, inner, max_size=5)),
    max_leaves=25,
)


@given(doubles)
@example(5e-324)
@example(1.7976931348623157e308)
@example(9007199254740993.0)
@example(1e21)
@example(999999999999999900000.0)
@example(1e-6)
@example(1e-7)
@example(123456789012345680000.0)
@example(-0.0)
def test_a_float_is_written_as_rfc_8785_says(number: float) -> None:
    assert canonical_text(number) == rfc8785.dumps(number).decode()


@given(texts)
@example("".join(map(chr, range(0x80))))
@example("\u2028\u2029\u007f\u0080\uffff\U0010ffff")
def test_a_string_is_written_as_rfc_8785_says(text: str) -> None:
    assert canonical_text(text) == rfc8785.dumps(text).decode()


@given(st.dictionaries(texts, safe_integers, max_size=20))
@example({"\ufb33": 1, "\U0001f600": 2, "\u20ac": 3, "\r": 4, "1": 5, "\u0080": 6, "\u00f6": 7})
def test_keys_are_ordered_by_utf_16_code_units(members: dict[str, int]) -> None:
    """An astral character comes before U+E000 and what follows: its first half is D800 to DBFF."""
    assert canonical_text(members) == rfc8785.dumps(members).decode()


@given(values)
def test_every_value_is_written_as_rfc_8785_says(value: object) -> None:
    assert canonical_text(value) == rfc8785.dumps(value).decode()  # pyright: ignore[reportArgumentType]


@given(big_values)
def test_what_was_written_is_read_and_written_the_same(value: object) -> None:
    text = canonical_text(value)  # pyright: ignore[reportArgumentType]
    read = parse_json(text)
    assert canonical_text(read) == text
    assert parse_json(canonical_text(read)) == read
    assert parse_json(text.encode()) == read


@given(big_values, st.booleans(), st.sampled_from([None, 0, 3]))
def test_every_spelling_of_a_value_has_the_same_text(value: object, ascii_only: bool, indent: int | None) -> None:  # noqa: FBT001
    spelled = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert canonical_text(parse_json(spelled)) == canonical_text(value)  # pyright: ignore[reportArgumentType]


@given(st.integers(min_value=-(10**MAX_INTEGER_DIGITS) + 1, max_value=10**MAX_INTEGER_DIGITS - 1))
@example(2**53 + 1)
@example(-(2**63) - 1)
@example(10**21)
@example(10**MAX_INTEGER_DIGITS - 1)
@example(-(10**MAX_INTEGER_DIGITS) + 1)
def test_an_integer_keeps_every_digit(number: int) -> None:
    assert canonical_text(parse_json(str(number))) == str(number)


@pytest.mark.parametrize(
    ("one", "other"),
    [("10", "10.0"), ("10", "1e1"), ("0", "-0"), ("0", "-0.0"), ("100000000000000000000", "1e20"), ('"/"', r'"\/"')],
)
def test_two_spellings_of_one_value_have_one_digest(one: str, other: str) -> None:
    texts_of = [canonical_args(f'{{"amount": {spelling}}}') for spelling in (one, other)]
    assert texts_of[0] == texts_of[1]
    assert digest("refund", texts_of[0]) == digest("refund", texts_of[1])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("9007199254740992", "9007199254740993"),
        ("1", "true"),
        ("1", '"1"'),
        ("null", '"null"'),
        ("[]", "{}"),
        ('"é"', '"e\u0301"'),
    ],
)
def test_two_values_have_two_digests(one: str, other: str) -> None:
    assert digest("t", canonical_args(f'{{"a":{one}}}')) != digest("t", canonical_args(f'{{"a":{other}}}'))


REFUSED: dict[str, str | bytes] = {
    "nothing": "",
    "white space": " \n",
    "NaN": '{"a": NaN}',
    "infinity": "[Infinity]",
    "minus infinity": "[-Infinity]",
    "a float beyond range": "[1e999]",
    "a negative float beyond range": "[-1e999]",
    "a long float beyond range": "[" + "9" * 400 + ".0]",
    "a key twice": '{"a": 1, "a": 1}',
    "a key twice in two spellings": '{"a": 1, "\\u0061": 2}',
    "a key twice deep inside": '[{"b": {"a": 1, "c": 2, "a": 3}}]',
    "the first half of a pair": '["\\ud83d"]',
    "the second half of a pair": '["\\ude00"]',
    "the halves of a pair in the wrong order": '["\\ude00\\ud83d"]',
    "half of a pair as a key": '{"\\ud83d": 1}',
    "half of a pair in decoded text": '["\ud83d"]',
    "an integer of too many digits": "1" * (MAX_INTEGER_DIGITS + 1),
    "a negative integer of too many digits": "-" + "1" * (MAX_INTEGER_DIGITS + 1),
    "an integer that takes a second to read": "1" * 1_000_000,
    "101 arrays": "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
    "101 objects": '{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1),
    "a million brackets": "[" * 1_000_000,
    "brackets behind a string that ends in a backslash": '["\\\\", ' + "[" * MAX_DEPTH,
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "Latin-1": b'{"a": "\xe9"}',
    "a half of a pair as bytes": b'["\xed\xa0\xbd"]',
    "an overlong encoding": b'["\xc0\xaf"]',
    "a bare control character": '["\x00"]',
    "a newline in a string": '["\n"]',
    "single quotes": "['a']",
    "a comma at the end": "[1,]",
    "a comment": "[1] // one",
    "two documents": "{} {}",
    "a leading zero": "[01]",
    "a plus sign": "[+1]",
    "hexadecimal": "[0x10]",
    "other digits": "[\u0661]",
    "an unfinished escape": '["\\u12"]',
    "an unfinished string": '["abc',
    "an unfinished string that ends in a backslash": '["abc\\',
    "True": "[True]",
}


@pytest.mark.parametrize("source", REFUSED.values(), ids=REFUSED.keys())
def test_what_two_readers_could_understand_differently_is_refused(source: str | bytes) -> None:
    with pytest.raises(MalformedJsonError) as refused:
        parse_json(source)
    assert len(str(refused.value)) < 200, "a message for people does not repeat what was sent"


def test_a_hundred_levels_are_read_and_written() -> None:
    deepest = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert canonical_text(parse_json(deepest)) == deepest


def test_brackets_in_strings_are_not_depth() -> None:
    assert parse_json(json.dumps(["[" * 500 + '"' + "{" * 500]))


@pytest.mark.parametrize("source", ["[]", "1", '"{}"', "null", "true"])
def test_arguments_are_an_object(source: str) -> None:
    with pytest.raises(MalformedJsonError, match="object"):
        parse_object(source)
    with pytest.raises(MalformedJsonError, match="object"):
        canonical_args(source)


class Text(str):
    __slots__ = ()


class Money(float):
    __slots__ = ()


class Weekday(IntEnum):
    MONDAY = 1


def test_a_value_of_a_subclass_is_written_as_the_value_it_is() -> None:
    """What a tool's own code hands over is not always of the plain type."""
    value = {Text("a"): OrderedDict([("z", Text("x")), ("b", Money(1.50))]), "c": Weekday.MONDAY, "d": (1, 2)}
    assert canonical_text(value) == '{"a":{"b":1.5,"z":"x"},"c":1,"d":[1,2]}'


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


NO_JSON: dict[str, Callable[[], object]] = {
    "NaN": lambda: float("nan"),
    "infinity": lambda: [float("inf")],
    "half of a surrogate pair": lambda: {"a": "\ud83d"},
    "half of a surrogate pair as a key": lambda: {"\ud83d": 1},
    "a key that is a number": lambda: {1: 1},
    "a key that is nothing": lambda: {None: 1},
    "bytes": lambda: {"a": b"x"},
    "a set": lambda: {"a": {1}},
    "101 levels": lambda: nested(MAX_DEPTH + 1),
    "an integer that cannot be read back": lambda: 10**MAX_INTEGER_DIGITS,
    "an integer beyond Python's own limit": lambda: -(10**5000),
}


@pytest.mark.parametrize("make", NO_JSON.values(), ids=NO_JSON.keys())
def test_what_json_cannot_hold_is_not_written(make: Callable[[], object]) -> None:
    with pytest.raises(MalformedJsonError):
        canonical_text(make())  # pyright: ignore[reportArgumentType]


@given(st.one_of(st.binary(max_size=60), st.text(alphabet='[]{}",:\\u0d8e1.-+ entrulfas\ud83d', max_size=60)))
def test_any_input_is_read_or_refused_and_never_anything_else(source: str | bytes) -> None:
    try:
        value = parse_json(source)
    except MalformedJsonError:
        return
    assert value == json.loads(source)
    assert parse_json(canonical_text(value)) == value


def test_a_fingerprint_is_of_the_value_and_not_of_its_spelling() -> None:
    assert fingerprint({"a": 10, "b": [1.0]}) == fingerprint({"b": [1], "a": 10.0})
    assert fingerprint({"a": 10}) != fingerprint({"a": 11})


def test_a_digest_covers_the_tool_as_well() -> None:
    assert digest("refund", "{}") != digest("refund ", "{}")
    assert digest('a","args":{', "{}") != digest("a", '{","args":{}}'), "a name cannot reach into the arguments"


SLOW: dict[str, str] = {
    "empty arrays": "[" + "[]," * 340_000 + "1]",
    "short strings": "[" + '"",' * 340_000 + "1]",
    "small objects": "[" + '{"a":1},' * 130_000 + "1]",
    "fractions": "[" + "1.5," * 260_000 + "1]",
    "exponents": "[" + "1e20," * 200_000 + "1]",
    "astral keys": "{" + ",".join(f'"\U0001f600{n}":{n}' for n in range(60_000)) + "}",
    "one string": '["' + "é" * 500_000 + '"]',
    "escapes": '["' + "\\u0001" * 170_000 + '"]',
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW.keys())
def test_a_mebibyte_is_read_and_written_well_within_a_workflow_task(text: str) -> None:
    """A task that takes two seconds is given up and tried again for ever: one bad body would wedge an approval."""
    assert 900_000 < len(text.encode()) <= 1.3 * MIB
    began = time.process_time()
    canonical_text(parse_json(text))
    assert time.process_time() - began < 1.5


def test_a_long_text_is_read_in_no_time() -> None:
    """Fifty megabytes took a minute, in which a worker sent no heartbeat."""
    text = canonical_text({"text": "x" * 10_000_000})
    began = time.process_time()
    parse_object(text)
    assert time.process_time() - began < 0.5
