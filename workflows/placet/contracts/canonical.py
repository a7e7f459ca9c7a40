"""Read JSON strictly, write it in one canonical form, and digest what a person is shown.

The canonical form is RFC 8785 (JSON Canonicalization Scheme) but for integers, which keep all
their digits: an order number beyond 2^53 must be the same number after a round trip. The canonical
text is what is stored, shown raw, and given to the tool, so that what you see is what runs.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from decimal import Decimal
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from pydantic import JsonValue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_DEPTH: Final = 100
"""Containers inside one another, at most; deeper input is malformed."""
MAX_INTEGER_DIGITS: Final = 1_000
"""Digits of an integer, at most: turning digits into a number takes the square of their count."""

_BEYOND_INTEGERS: Final = 10**MAX_INTEGER_DIGITS
# Without a way back into a string: a mebibyte of text took a tenth of a second, and fifty of them a minute.
_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
_ES6_LARGEST_PLAIN: Final = 21
_ES6_SMALLEST_PLAIN: Final = -6


class MalformedJsonError(ValueError):
    """The text is not JSON that Placet takes; the message says where or why."""


def parse_json(source: str | bytes) -> JsonValue:
    """Returns the value of a JSON text, refusing what two readers could understand differently.

    Args:
        source: One JSON document; bytes are UTF-8 without a byte order mark.

    Raises:
        MalformedJsonError: Not JSON, a key given twice, NaN or an infinity (also `1e999`), a lone
            surrogate, deeper than `MAX_DEPTH`, or an integer beyond `MAX_INTEGER_DIGITS`.
    """
    text = _decoded(source)
    _check_depth(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object_of_unique_keys,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_bounded_integer,
        )
    except MalformedJsonError:
        raise
    except (ValueError, RecursionError) as error:
        message = f"not JSON: {error}"
        raise MalformedJsonError(message) from error
    if "\\u" in text or not text.isascii():
        _check_surrogates(value)
    return cast("JsonValue", value)


def parse_object(source: str | bytes) -> dict[str, JsonValue]:
    """Returns the JSON object that the text holds.

    Raises:
        MalformedJsonError: As for `parse_json`, or the value is not an object.
    """
    value = parse_json(source)
    if not isinstance(value, dict):
        message = "expected a JSON object"
        raise MalformedJsonError(message)
    return value


def canonical_text(value: JsonValue | Mapping[str, Any]) -> str:
    """Returns the canonical JSON text of a value.

    Raises:
        MalformedJsonError: The value holds NaN, an infinity, a lone surrogate, a key that is not a
            string, something JSON has no form for, or it is deeper than `MAX_DEPTH`.
    """
    return _write(value, 0)


def canonical_args(source: str | bytes) -> str:
    """Returns the canonical text of the JSON object in `source`; refusals as for `parse_object`."""
    return canonical_text(parse_object(source))


def digest(tool: str, args_text: str) -> str:
    """Returns `sha256:` and the hex digest that binds a decision to a tool and its arguments.

    Args:
        tool: The tool's name as the model sees it; `ask_human` for a question.
        args_text: The canonical text of the arguments.
    """
    bound = f'{{"args":{args_text},"tool":{_write(tool, 0)}}}'
    return "sha256:" + hashlib.sha256(bound.encode()).hexdigest()


def fingerprint(value: JsonValue | Mapping[str, Any]) -> str:
    """Returns the hex SHA-256 of a value's canonical text: equal for equal JSON, whatever its spelling."""
    return hashlib.sha256(canonical_text(value).encode()).hexdigest()


def _decoded(source: str | bytes) -> str:
    if isinstance(source, str):
        return source
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"not UTF-8: {error.reason} at byte {error.start}"
        raise MalformedJsonError(message) from error


def _check_depth(text: str) -> None:
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        mark = match.group()[0]
        if mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                message = f"deeper than {MAX_DEPTH} levels at character {match.start()}"
                raise MalformedJsonError(message)
        elif mark in "]}":
            depth -= 1


def _object_of_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                message = f"the key {key[:40]!r} is given twice"
                raise MalformedJsonError(message)
            seen.add(key)
    return value


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise MalformedJsonError(message)


def _finite_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        message = f"{digits[:40]} is beyond the range of numbers"
        raise MalformedJsonError(message)
    return number


def _bounded_integer(digits: str) -> int:
    count = len(digits.removeprefix("-"))
    if count > MAX_INTEGER_DIGITS:
        message = f"an integer of {count} digits; at most {MAX_INTEGER_DIGITS} are taken"
        raise MalformedJsonError(message)
    return int(digits)


def _check_surrogates(value: object) -> None:
    """Refuses half of a surrogate pair; no ASCII text without an escape can hold one, so most skip this."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        message = "a lone surrogate is not text"
        raise MalformedJsonError(message) from error


def _write(value: object, depth: int) -> str:
    # By type and not by isinstance, which takes twenty times as long in a workflow's sandbox: there a
    # mebibyte of small objects took longer than a task may.
    writer = _LEAVES.get(type(value))
    return writer(value) if writer is not None else _container(value, depth)


def _container(value: object, depth: int) -> str:
    if depth >= MAX_DEPTH:
        message = f"deeper than {MAX_DEPTH} levels"
        raise MalformedJsonError(message)
    kind = type(value)
    if kind is dict:
        return _object(cast("dict[object, object]", value), depth)
    if kind is list or kind is tuple:
        return "[" + ",".join([_write(item, depth + 1) for item in cast("list[object]", value)]) + "]"
    return _write(_plain(value), depth)


def _object(members: dict[object, object], depth: int) -> str:
    keys = sorted([key if type(key) is str else _key(key) for key in members], key=_utf16)
    return "{" + ",".join([f"{_string(key)}:{_write(members[key], depth + 1)}" for key in keys]) + "}"


def _plain(value: object) -> object:
    """Returns the value of a subclass as the type of JSON that it is."""
    for plain in (str, int, float, dict, list, tuple):
        if isinstance(value, plain):
            return cast("object", plain(value))  # pyright: ignore[reportArgumentType, reportCallIssue]
    message = f"a {type(value).__name__} has no JSON form"
    raise MalformedJsonError(message)


def _key(key: object) -> str:
    if isinstance(key, str):
        return key
    message = f"a key that is a {type(key).__name__}, not a string"
    raise MalformedJsonError(message)


def _utf16(key: str) -> bytes:
    """Orders keys by UTF-16 code units (RFC 8785, 3.2.3)."""
    return key.encode("utf-16-be", "surrogatepass")


def _string(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = "a lone surrogate is not text"
        raise MalformedJsonError(message) from error
    return encode_basestring(text)


def _integer(number: int) -> str:
    if abs(number) >= _BEYOND_INTEGERS:
        message = f"an integer of more than {MAX_INTEGER_DIGITS} digits"
        raise MalformedJsonError(message)
    return str(number)


def _number(number: float) -> str:
    """Writes a double as ECMAScript does (RFC 8785, 3.2.2.3); `repr` gives the same shortest digits."""
    if not math.isfinite(number):
        message = f"{number} is not JSON"
        raise MalformedJsonError(message)
    if number == 0:
        return "0"
    shortest = repr(number)
    if "e" not in shortest:
        return shortest.removesuffix(".0")
    sign, digit_tuple, exponent = Decimal(shortest).as_tuple()
    everything = "".join(map(str, digit_tuple))
    digits = everything.rstrip("0")
    point = len(everything) + cast("int", exponent)
    return ("-" if sign else "") + _es6(digits, point)


def _es6(digits: str, point: int) -> str:
    count = len(digits)
    if count <= point <= _ES6_LARGEST_PLAIN:
        return digits + "0" * (point - count)
    if 0 < point <= _ES6_LARGEST_PLAIN:
        return f"{digits[:point]}.{digits[point:]}"
    if _ES6_SMALLEST_PLAIN < point <= 0:
        return "0." + "0" * -point + digits
    mantissa = digits if count == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{point - 1:+d}"


_LEAVES: Final[dict[type, Callable[[Any], str]]] = {
    str: _string,
    int: _integer,
    float: _number,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
}
