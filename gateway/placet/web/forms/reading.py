"""From what was sent to the arguments, or to what is wrong with them, place by place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from placet.contracts.canonical import MalformedJsonError, parse_json
from placet.contracts.secrets import restored
from placet.web.forms.fields import UNSET, Field, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from placet.web.forms.fields import State

_INTEGER: Final = re.compile(r"[-+]?\d{1,4000}")
_NOT_TAKEN: Final = {
    "unset": "Something is typed here, and “not set” is still chosen: choose “a value”, or empty it.",
    "null": "Something is typed here, and “null” is still chosen: choose “a value”, or empty it.",
}
_TURNED: Final = "Another choice has other fields: these are they."
_WANTED: Final = {
    "integer": "Type a whole number.",
    "number": "Type a number, with a point for the decimals.",
    "boolean": "Choose true or false.",
    "choice": "Choose one of the options.",
}


@dataclass(frozen=True)
class Read:
    """What a form holds.

    Attributes:
        value: The arguments, where nothing is wrong.
        errors: What is wrong, by the pointer of the field.
        places: The pointer of each field by its pointer in the value: items that were added or moved have another.
    """

    value: dict[str, Any]
    errors: dict[str, str]
    places: dict[str, str]


def read(form: Field) -> Read:
    """Returns what a form that was sent holds."""
    errors: dict[str, str] = {}
    places: dict[str, str] = {}
    value = _value(form, "", errors, places)
    if not isinstance(value, dict):
        errors.setdefault("", "Type an object of JSON.")
        return Read({}, errors, places)
    return Read(cast("dict[str, Any]", value), errors, places)


def _value(field: Field, here: str, errors: dict[str, str], places: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
    places[here] = field.pointer
    if field.state != "value":
        if field.state == _state_of(field.original) and any(map(_is_typed, field.leaves())):
            errors[field.pointer] = _NOT_TAKEN[field.state]
        return UNSET if field.state == "unset" else None
    if field.turned:
        errors[field.pointer] = _TURNED
    if field.kind == "group":
        held = [
            (_name(child), _value(child, f"{here}/{child.pointer.rpartition('/')[2]}", errors, places))
            for child in field.children
        ]
        return {name: value for name, value in held if value is not UNSET}
    if field.kind == "list":
        return [_value(child, f"{here}/{place}", errors, places) for place, child in enumerate(field.children)]
    try:
        return _leaf(field)
    except ValueError as error:
        errors[field.pointer] = str(error)
        return None


def _leaf(field: Field) -> Any:  # noqa: ANN401 - JSON
    """Returns a field's value: as it was where nobody touched it, else as it was typed.

    Raises:
        ValueError: What is wrong with it.
    """
    if field.kind == "secret" and not field.text and field.original is not UNSET:
        return field.original
    typed = _lines(field.text)
    if field.original is not UNSET and typed == _lines(text_of(field.shown, field.kind)):
        return field.original
    found = _READERS[field.kind](typed)
    return restored(found, field.original, field.shown) if field.kind == "json" else found


def _state_of(value: object) -> State:
    return "unset" if value is UNSET else "null" if value is None else "value"


def _is_typed(field: Field) -> bool:
    """Returns whether somebody has typed into a field."""
    return _lines(field.text) != _lines(field.begun)


def _lines(text: str) -> str:
    """Returns a text with the line ends that are left of it when a browser has sent it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _name(field: Field) -> str:
    return field.pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~")


def _as_is(text: str) -> str:
    return text


def _whole(text: str) -> int:
    if not _INTEGER.fullmatch(text.strip()) or not text.strip().isascii():
        raise ValueError(_WANTED["integer"])
    return int(text)


def _any_number(text: str) -> int | float:
    try:
        found = parse_json(text.strip())
    except MalformedJsonError:
        found = None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise ValueError(_WANTED["number"])  # noqa: TRY004 - what is typed is wrong, not a type
    return found


def _truth(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(_WANTED["boolean"])
    return text == "true"


def _chosen(text: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return parse_json(text)
    except MalformedJsonError as error:
        raise ValueError(_WANTED["choice"]) from error


def _json(text: str) -> Any:  # noqa: ANN401 - JSON
    try:
        return parse_json(text)
    except MalformedJsonError as error:
        message = f"This is not JSON: {error}."
        raise ValueError(message) from error


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "text": _as_is,
    "lines": _as_is,
    "secret": _as_is,
    "integer": _whole,
    "number": _any_number,
    "boolean": _truth,
    "choice": _chosen,
    "json": _json,
}
