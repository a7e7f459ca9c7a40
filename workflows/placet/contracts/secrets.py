"""Secrets: arguments of which the schema says that nobody reads them (`writeOnly`, or `format: password`).

Wherever a call is shown, a mask stands in their place; digests, and what runs, are of the values themselves. Where a
person edits JSON that holds a mask, it stands for the value that it hides.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, cast

from placet.contracts.references import Schema, resolved, step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_COMBINED: Final = ("allOf", "anyOf", "oneOf")
_MOST_SCHEMAS: Final = 100
"""Schemas that are looked at for one place of a value."""
ANEW: Final = "secret, typed anew, not shown"
"""Stands for a secret that a person has just typed."""
_FORM: Final = re.compile(r"secret, (\d+ characters?|set|typed anew), not shown")


class StrayMaskError(ValueError):
    """A mask stands where it hides nothing: the value that it stood for is not known."""


class Masked(str):
    """Stands for a secret; unlike every other text it is shown without quotation marks."""

    __slots__ = ()


def masked(value: Any, schema: Mapping[str, Any] | None) -> Any:  # noqa: ANN401 - JSON
    """Returns a value with a mask for each of its secrets.

    Args:
        value: Any JSON.
        schema: Of the value; its references are within it.
    """
    root = dict(schema or {})
    return masked_part(value, root, root)


def masked_part(value: Any, schema: object, root: Schema) -> Any:  # noqa: ANN401 - JSON
    """Returns a part of a value in the same way, by what the whole schema says of that part."""
    return _masked(value, [schema], root) if has_secrets(root) else value


def has_secrets(schema: Mapping[str, Any] | None) -> bool:
    """Returns whether a schema calls anything a secret; it may also look so where it does not."""
    text = json.dumps(schema or {})
    return '"writeOnly"' in text or '"password"' in text


def restored(typed: Any, original: Any, shown: Any) -> Any:  # noqa: ANN401 - JSON
    """Returns what somebody typed with the value in place of each mask that was left as it was.

    Args:
        typed: What they made of `shown`.
        original: The value.
        shown: The value as it was shown to them, masked.

    Raises:
        StrayMaskError: A mask was put elsewhere.
    """
    if isinstance(shown, Masked) and typed == shown:
        return original
    if isinstance(typed, dict):
        given = cast("dict[str, Any]", typed)
        return {name: restored(given[name], _of(original, name), _of(shown, name)) for name in given}
    if isinstance(typed, list):
        entries = cast("list[Any]", typed)
        return [restored(one, _of(original, place), _of(shown, place)) for place, one in enumerate(entries)]
    if isinstance(typed, str) and _FORM.fullmatch(typed) and typed != original:
        message = f"“{typed}” stands where it hides nothing: type the value."
        raise StrayMaskError(message)
    return typed


def unsaid(args: Any, original: Any, schema: Mapping[str, Any] | None) -> tuple[Any, dict[str, Any]]:  # noqa: ANN401 - JSON
    """Returns new arguments with a mask for every secret, and by pointer the secrets that are not as they were.

    `told` and `restored` take them back: a mask of a secret that is as it was is the one that it was shown under.
    """
    new: dict[str, Any] = {}
    shown = masked(original, schema)

    def walk(value: Any, mask: Any, before: Any, seen: Any, pointer: str) -> Any:  # noqa: ANN401 - JSON
        if isinstance(mask, Masked):
            if isinstance(seen, Masked) and value == before:
                return seen
            new[pointer] = value
            return ANEW
        if isinstance(value, dict):
            given = cast("dict[str, Any]", value)
            return {
                name: walk(given[name], _of(mask, name), _of(before, name), _of(seen, name), f"{pointer}/{step(name)}")
                for name in given
            }
        if isinstance(value, list | tuple):
            entries = cast("list[Any]", value)
            return [
                walk(one, _of(mask, place), _of(before, place), _of(seen, place), f"{pointer}/{place}")
                for place, one in enumerate(entries)
            ]
        return value

    return walk(args, masked(args, schema), original, shown, ""), new


def told(args: Any, new: Mapping[str, Any], pointer: str = "") -> Any:  # noqa: ANN401 - JSON
    """Returns arguments with the secrets that `unsaid` kept apart, each in its place."""
    if args == ANEW and pointer in new:
        return new[pointer]
    if isinstance(args, dict):
        given = cast("dict[str, Any]", args)
        return {name: told(given[name], new, f"{pointer}/{step(name)}") for name in given}
    if isinstance(args, list):
        return [told(one, new, f"{pointer}/{place}") for place, one in enumerate(cast("list[Any]", args))]
    return args


def _of(value: object, place: str | int) -> Any:  # noqa: ANN401 - JSON
    """Returns a part of a value; None where there is none."""
    if isinstance(place, str):
        return cast("dict[str, Any]", value).get(place) if isinstance(value, dict) else None
    entries = cast("list[Any]", value) if isinstance(value, list | tuple) else []
    return entries[place] if place < len(entries) else None


def _masked(value: Any, schemas: list[object], root: Schema) -> Any:  # noqa: ANN401 - JSON
    known = _all(schemas, root)
    if value is not None and any(one.get("writeOnly") is True or one.get("format") == "password" for one in known):
        return _mask(value)
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {name: _masked(members[name], list(_members(known, name)), root) for name in members}
    if isinstance(value, list | tuple):
        entries = cast("list[Any]", value)
        return [_masked(one, list(_items(known, place)), root) for place, one in enumerate(entries)]
    return value


def _mask(value: object) -> Masked:
    if not isinstance(value, str):
        return Masked("secret, set, not shown")
    return Masked(f"secret, {len(value)} character{'' if len(value) == 1 else 's'}, not shown")


def _all(schemas: list[object], root: Schema) -> list[Schema]:
    """Returns every schema that says something of a place: those that are combined count as well."""
    waiting, found = list(schemas), list[Schema]()
    while waiting and len(found) < _MOST_SCHEMAS:
        one = resolved(waiting.pop(), root)
        if one is None or one in found:
            continue
        found.append(one)
        for name in _COMBINED:
            branches = one.get(name)
            waiting += cast("list[object]", branches) if isinstance(branches, list) else []
    return found


def _members(schemas: list[Schema], name: str) -> Iterator[object]:
    for schema in schemas:
        properties = schema.get("properties")
        if isinstance(properties, dict) and name in properties:
            yield cast("dict[str, object]", properties)[name]
        else:
            yield schema.get("additionalProperties")


def _items(schemas: list[Schema], place: int) -> Iterator[object]:
    for schema in schemas:
        first = schema.get("prefixItems")
        listed = cast("list[object]", first) if isinstance(first, list) else []
        yield listed[place] if place < len(listed) else schema.get("items")
