"""Edited arguments as they are meant: forms send text, and JavaScript cannot hold every integer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from placet.contracts.canonical import MalformedJsonError, canonical_text, parse_json

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXACT: Final = 2**53
"""The integers that a double holds exactly end here."""
_WORDS: Final = {"true": True, "false": False, "null": None}


def typed(edited: Mapping[str, Any], shown: Mapping[str, Any], schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """Returns edited arguments with the types that the tool's schema wants.

    A text stands for a value of another type only where the schema, or else the value that was shown, is of that type.
    What cannot be read so is left as it is: the check against the schema names it.

    Args:
        edited: As they came.
        shown: As they were asked about.
        schema: Of the tool's arguments.
    """
    return {name: _value(value, shown.get(name), _schema_of(schema, name)) for name, value in edited.items()}


def echoes(echo: Mapping[str, Any], shown: Mapping[str, Any], schema: Mapping[str, Any] | None) -> bool:
    """Returns whether arguments that came back with an approval, perhaps as text, are those that were shown."""
    return canonical_text(typed(echo, shown, schema)) == canonical_text(dict(shown))


def _value(value: Any, shown: Any, schema: Mapping[str, Any] | None) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        wanted = _types(schema, shown)
        return value if not wanted or "string" in wanted else _read(value, wanted)
    if _is_rounded(value, shown):
        return shown
    if isinstance(value, dict):
        inner = cast("dict[str, Any]", shown) if isinstance(shown, dict) else dict[str, Any]()
        return typed(cast("dict[str, Any]", value), inner, schema)
    if isinstance(value, list):
        before = cast("list[Any]", shown) if isinstance(shown, list) else []
        items = cast("Mapping[str, Any] | None", schema.get("items")) if schema else None
        items = items if isinstance(items, dict) else None
        return [
            _value(item, before[place] if place < len(before) else None, items)
            for place, item in enumerate(cast("list[Any]", value))
        ]
    return value


def _types(schema: Mapping[str, Any] | None, shown: Any) -> set[str]:  # noqa: ANN401 - JSON
    """Returns the JSON types that a value may have; none where nothing says so."""
    if schema is not None:
        given = schema.get("type")
        if isinstance(given, str):
            return {given}
        if isinstance(given, list):
            return set(cast("list[str]", given))
        branches = schema.get("anyOf") or schema.get("oneOf")
        if isinstance(branches, list):
            found = [_types(branch, None) for branch in cast("list[dict[str, Any]]", branches)]
            return set[str]().union(*found) if all(found) else set()
        return set()
    return set() if shown is None or isinstance(shown, str) else {_type_of(shown)}


def _type_of(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "object" if isinstance(value, dict) else "array"


def _read(text: str, wanted: set[str]) -> Any:  # noqa: ANN401 - JSON
    stripped = text.strip()
    if "boolean" in wanted and stripped.casefold() in {"true", "false"}:
        return _WORDS[stripped.casefold()]
    try:
        value = parse_json(stripped.encode())
    except (MalformedJsonError, UnicodeEncodeError):
        return text
    fits = (
        (value is None and "null" in wanted)
        or (isinstance(value, dict) and "object" in wanted)
        or (isinstance(value, list) and "array" in wanted)
        or (isinstance(value, int | float) and not isinstance(value, bool) and bool(wanted & {"number", "integer"}))
    )
    return value if fits else text


def _is_rounded(value: object, shown: object) -> bool:
    """Returns whether a number is what JavaScript makes of the integer that was shown."""
    if isinstance(shown, bool) or not isinstance(shown, int) or abs(shown) < _EXACT:
        return False
    return isinstance(value, int | float) and not isinstance(value, bool) and float(value) == float(shown)


def _schema_of(schema: Mapping[str, Any] | None, name: str) -> Mapping[str, Any] | None:
    properties = schema.get("properties") if schema else None
    found = cast("Mapping[str, Any]", properties).get(name) if isinstance(properties, dict) else None
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else None
