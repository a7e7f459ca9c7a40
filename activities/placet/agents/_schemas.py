"""JSON Schemas of tools' arguments: made plain for models, closed, and checked without asking anybody anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final, cast

from jsonschema.exceptions import ValidationError

from placet.schemas import BoundedSchema, NoSchemaError, UncheckableError

JsonSchema = dict[str, Any]

_MAPS: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTS: Final = ("anyOf", "allOf", "oneOf", "prefixItems")
_ONES: Final = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")
_COMBINED: Final = frozenset({"additionalProperties", "unevaluatedProperties", "$ref", "allOf", "anyOf", "oneOf"})
"""With one of these a schema is not silent about further properties, or somebody else's word counts too."""
_DEFS: Final = "#/$defs/"
_MOST_INLINED: Final = 200
_MOST_MISFITS: Final = 10
_LONGEST: Final = 500


@dataclass(frozen=True)
class Misfit:
    """One way in which arguments do not fit: a JSON Pointer and a sentence."""

    pointer: str
    message: str


class ArgsSchema:
    """A JSON Schema that arguments are held against."""

    def __init__(self, document: JsonSchema) -> None:
        """Takes a schema.

        Raises:
            TypeError: It is no JSON Schema, or points to something outside itself.
        """
        try:
            self._schema = BoundedSchema(document)
            self._schema.check_patterns()
        except UncheckableError as error:
            raise TypeError(str(error)) from error
        except NoSchemaError as error:
            message = f"its schema is no JSON Schema: {str(error).removeprefix('not a JSON Schema: ')}"
            raise TypeError(message) from error
        rewritten(document, _only_local)

    def misfits(self, args: Mapping[str, Any]) -> list[Misfit]:
        """Returns how the arguments break the schema; an empty list where they fit.

        What cannot be checked does not fit.
        """
        try:
            errors = self._schema.errors(dict(args))
        except Exception as error:  # noqa: BLE001 - a schema may hold a pattern or a number that no check survives
            return [Misfit("", f"cannot be checked: {type(error).__name__}: {error}"[:_LONGEST])]
        return [Misfit(pointer_of(error.absolute_path), _sentence(error)) for error in errors[:_MOST_MISFITS]]


def closed(schema: JsonSchema) -> JsonSchema:
    """Returns the schema with every object closed that does not say whether it takes further properties.

    pydantic drops what it does not know without a word; a person would be shown an argument that never arrives.
    """
    document = rewritten(schema, _close)
    document.setdefault("type", "object")
    document.setdefault("properties", {})
    document.setdefault("additionalProperties", False)
    return document


def plain(schema: JsonSchema) -> JsonSchema:
    """Returns a schema that pydantic made without generated titles, and without references where that can be.

    Not every provider follows references. A schema that holds itself keeps them, and so does one that would grow huge.
    """
    untitled = rewritten(schema, _untitle)
    untitled.pop("description", None)
    try:
        inlined = _Inlining(untitled.get("$defs", {})).apply(untitled)
    except _NotInlinedError:
        return untitled
    return inlined


def rewritten(schema: JsonSchema, change: Callable[[JsonSchema], JsonSchema]) -> JsonSchema:
    """Returns a copy in which every schema, inner ones first, has gone through `change`; values stay as they are."""
    copy: JsonSchema = {}
    for key, value in schema.items():
        if key in _MAPS and isinstance(value, dict):
            members = cast("dict[str, Any]", value)
            copy[key] = {name: _rewritten(inner, change) for name, inner in members.items()}
        elif key in _LISTS and isinstance(value, list):
            copy[key] = [_rewritten(inner, change) for inner in cast("list[Any]", value)]
        else:
            copy[key] = _rewritten(value, change) if key in _ONES else deepcopy(value)
    return change(copy)


def pointer_of(path: object) -> str:
    """Returns the JSON Pointer of a path of keys and places."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in cast("list[str | int]", path))
    return "".join(f"/{step}" for step in steps)


def _rewritten(value: object, change: Callable[[JsonSchema], JsonSchema]) -> object:
    return rewritten(cast("JsonSchema", value), change) if isinstance(value, dict) else deepcopy(value)


def _only_local(schema: JsonSchema) -> JsonSchema:
    for key in ("$ref", "$dynamicRef"):
        target = schema.get(key)
        if isinstance(target, str) and not target.startswith("#"):
            message = f"its schema points outside itself: {target[:_LONGEST]}"
            raise TypeError(message)
    return schema


def _close(schema: JsonSchema) -> JsonSchema:
    if "properties" in schema and _COMBINED.isdisjoint(schema):
        schema["additionalProperties"] = False
    return schema


def _untitle(schema: JsonSchema) -> JsonSchema:
    schema.pop("title", None)
    # It names definitions by their places, which inlining takes away; each alternative says by itself what it is.
    schema.pop("discriminator", None)
    return schema


class _NotInlinedError(Exception):
    """A definition holds itself, or is used so often that the schema would grow huge."""


class _Inlining:
    """Puts definitions in the place of the references to them."""

    def __init__(self, definitions: JsonSchema) -> None:
        self._definitions = definitions
        self._around: list[str] = []
        self._used = 0

    def apply(self, schema: JsonSchema) -> JsonSchema:
        """Returns the schema without references and definitions.

        Raises:
            _NotInlinedError: That cannot be done.
        """
        return rewritten({key: value for key, value in schema.items() if key != "$defs"}, self._replace)

    def _replace(self, schema: JsonSchema) -> JsonSchema:
        target = schema.get("$ref")
        if not isinstance(target, str) or not target.startswith(_DEFS):
            return schema
        name = target.removeprefix(_DEFS)
        self._used += 1
        if name in self._around or self._used > _MOST_INLINED:
            raise _NotInlinedError
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        self._around.append(name)
        definition = self.apply(self._definitions[name])
        self._around.pop()
        return definition | beside


def _sentence(error: ValidationError) -> str:
    """Returns what is wrong; where none of several schemas fits, why each one does not."""
    reasons = [inner.message for inner in (error.context or [])[:3]]
    return "; ".join([error.message[:_LONGEST], *reasons])[:_LONGEST]
