"""Schemas that somebody else wrote: closed where they are silent, and otherwise left as they are.

Servers made from functions drop arguments that they do not know without a word, like pydantic, which many of them are
made with. A person would be shown an argument that never arrives. So an object that lists its properties, and does not
say whether it takes others, takes no others. An object that lists none is free to hold anything, but for the arguments
themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Final, cast

from placet.agents._schemas import JsonSchema, rewritten

_SAID: Final = ("additionalProperties", "unevaluatedProperties")
_PARTS: Final = ("$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
"""What makes a schema one of several that hold for the same value: none of them may close it alone."""
_SIMPLE: Final = ("$ref", "anyOf", "oneOf")
_MEMBERS: Final = ("properties", "patternProperties")
_DEFINITIONS: Final = ("$defs", "definitions")
_INNER: Final = ("additionalProperties", "unevaluatedProperties", "additionalItems", "contains")
_LISTS: Final = ("items", "prefixItems")
_OLD: Final = ("draft-03", "draft-04", "draft-06", "draft-07")
"""Dialects that do not know `unevaluatedProperties`."""


def closed_where_silent(schema: JsonSchema) -> JsonSchema:
    """Returns a copy that takes no argument which it does not name, where it does not say otherwise."""
    document = deepcopy(schema)
    document.setdefault("type", "object")
    document.setdefault("properties", {})
    for inner in _held(document, _MEMBERS, _INNER, _LISTS):
        _close(inner)
    if not _is_composed(document):
        for definition in _held(document, _DEFINITIONS):
            _close(definition)
    if _has(document, _SAID):
        return document
    if not _has(document, _PARTS):
        document["additionalProperties"] = False
    elif not any(dialect in str(document.get("$schema", "")) for dialect in _OLD):
        document["unevaluatedProperties"] = False
    return document


def _close(schema: JsonSchema) -> None:
    """Closes a schema that holds alone for its value, and what is in it and does too."""
    if "properties" in schema and not _has(schema, _SAID) and not _has(schema, _PARTS):
        schema["additionalProperties"] = False
    alternatives = ("anyOf", "oneOf") if _is_simple(schema) else ()
    for inner in _held(schema, _MEMBERS, _INNER, _LISTS, alternatives):
        _close(inner)


def _is_simple(schema: JsonSchema) -> bool:
    """Returns whether a schema is nothing but a reference, or a choice of several."""
    return sum(key in schema for key in _PARTS) == 1 and _has(schema, _SIMPLE) and not _has(schema, _MEMBERS)


def _is_composed(document: JsonSchema) -> bool:
    """Returns whether a definition may have to hold together with something else."""
    found: list[JsonSchema] = []

    def look(schema: JsonSchema) -> JsonSchema:
        if _has(schema, _PARTS) and not _is_simple(schema):
            found.append(schema)
        return schema

    rewritten(document, look)
    return bool(found)


def _has(schema: JsonSchema, keys: Iterable[str]) -> bool:
    return any(key in schema for key in keys)


def _held(schema: JsonSchema, *groups: Iterable[str]) -> Iterator[JsonSchema]:
    """Yields the schemas that stand under these keys: one, a list of them, or several by name."""
    for key in (key for group in groups for key in group):
        held: object = schema.get(key)
        if isinstance(held, dict) and key in {*_MEMBERS, *_DEFINITIONS}:
            held = list(cast("dict[str, object]", held).values())
        parts: list[object] = cast("list[object]", held) if isinstance(held, list) else [held]
        yield from (cast("JsonSchema", part) for part in parts if isinstance(part, dict))
