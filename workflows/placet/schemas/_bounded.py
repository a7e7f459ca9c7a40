"""A JSON Schema whose check ends: patterns in linear time, a limit on steps, nothing fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any, Final, TypeVar, cast

from attrs import fields
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend, validator_for  # pyright: ignore[reportUnknownVariableType]
from referencing import Registry
from referencing.exceptions import Unresolvable

from placet.contracts.canonical import canonical_text
from placet.schemas._patterns import found
from placet.schemas.errors import NoSchemaError, UncheckableError

STEPS: Final = 100_000
"""Keywords that one check looks at, at most: about a second."""
_LONGEST: Final = 300

Keyword = Callable[[Any, Any, Any, Any], "Iterator[ValidationError] | None"]

_Found = TypeVar("_Found")
_left: ContextVar[list[int]] = ContextVar("steps left")


class BoundedSchema:
    """A JSON Schema that values are held against.

    Of what it says of formats nothing is checked; references lead nowhere but into the schema itself.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Takes a schema.

        Raises:
            NoSchemaError: It is no JSON Schema.
        """
        self._document = document
        kind = validator_for(cast("Any", document), default=Draft202012Validator)
        schema_of_schemas = _bounded(kind)(kind.META_SCHEMA, registry=Registry(), format_checker=kind.FORMAT_CHECKER)
        try:
            problem = _within_bounds(lambda: next(iter(schema_of_schemas.iter_errors(cast("Any", document))), None))
        except UncheckableError as error:
            message = f"too large or too deep a JSON Schema: {error}"
            raise NoSchemaError(message) from error
        if problem is not None:
            message = f"not a JSON Schema: {problem.message[:_LONGEST]}"
            raise NoSchemaError(message)
        # The library looks for what was evaluated with `re`, and nowhere lets anybody replace that.
        self._mixed = _holds(document, "unevaluatedProperties") and _holds(document, "patternProperties")
        # An empty registry: nothing is ever fetched because a schema says so.
        self._validator = _bounded(kind)(cast("Any", document), registry=Registry())

    def check_patterns(self) -> None:
        """Looks whether every pattern can be searched, before anything is held against them.

        Raises:
            UncheckableError: One cannot.
        """
        for pattern in _patterns(self._document):
            found(pattern, "")

    def errors(self, value: object) -> list[ValidationError]:
        """Returns how a value breaks the schema, in the order of the places; an empty list where it fits.

        Raises:
            UncheckableError: That cannot be found out within bounds.
        """
        if self._mixed:
            message = "unevaluatedProperties beside patternProperties cannot be checked in linear time"
            raise UncheckableError(message)
        return _within_bounds(lambda: sorted(self._validator.iter_errors(cast("Any", value)), key=_place))


def _within_bounds(check: Callable[[], _Found]) -> _Found:
    """Returns what a check finds.

    Raises:
        UncheckableError: It takes too many steps, or leads nowhere.
    """
    token = _left.set([STEPS])
    try:
        return check()
    except Unresolvable as error:
        message = f"it points to what is not there: {str(error)[:_LONGEST]}"
        raise UncheckableError(message) from error
    except RecursionError as error:
        message = "it has no end"
        raise UncheckableError(message) from error
    finally:
        _left.reset(token)


@cache
def _bounded(kind: type[Validator]) -> type[Validator]:
    """Returns the validator with every keyword counted, and those replaced that take more than linear time."""
    replaced: dict[str, Keyword] = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
    }
    known = cast("dict[str, Keyword]", kind.VALIDATORS)
    counted = {name: _counted(replaced.get(name, keyword)) for name, keyword in known.items()}
    made = cast("Any", extend(cast("Any", kind), counted))
    made.evolve = _evolve
    return cast("type[Validator]", made)


def _evolve(validator: Any, **changes: Any) -> Any:  # noqa: ANN401 - the library's own form
    """Returns the validator of a part of the schema, of the same kind: the library's own obeys a part's `$schema`."""
    kind = cast("type[Any]", type(validator))
    for field in fields(kind):
        if field.init:
            changes.setdefault(field.alias or field.name, getattr(validator, field.name))
    return kind(**changes)


def _counted(keyword: Keyword) -> Keyword:
    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:  # noqa: ANN401
        left = _left.get()
        left[0] -= 1
        if left[0] < 0:
            message = f"it takes more than {STEPS} steps"
            raise UncheckableError(message)
        yield from keyword(validator, value, instance, schema) or ()

    return check


def _pattern(validator: Any, pattern: str, instance: Any, _: Any) -> Iterator[ValidationError]:  # noqa: ANN401
    if validator.is_type(instance, "string") and not found(pattern, instance):
        yield ValidationError(f"{instance[:_LONGEST]!r} does not match {pattern[:_LONGEST]!r}")


def _pattern_properties(
    validator: Any,  # noqa: ANN401
    patterns: dict[str, Any],
    instance: Any,  # noqa: ANN401
    _: Any,  # noqa: ANN401
) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    for pattern, inner in patterns.items():
        for name, value in instance.items():
            if found(pattern, name):
                yield from validator.descend(value, inner, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any,  # noqa: ANN401
    allowed: Any,  # noqa: ANN401
    instance: Any,  # noqa: ANN401
    schema: dict[str, Any],
) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extras = [name for name in instance if name not in named and not any(found(one, name) for one in patterns)]
    if validator.is_type(allowed, "object"):
        for name in extras:
            yield from validator.descend(instance[name], allowed, path=name)
    elif not allowed and extras:
        listed = ", ".join(repr(name[:_LONGEST]) for name in extras[:10])
        yield ValidationError(f"Additional properties are not allowed ({listed} unexpected)")


def _unique_items(validator: Any, wanted: Any, instance: Any, _: Any) -> Iterator[ValidationError]:  # noqa: ANN401
    if not wanted or not validator.is_type(instance, "array"):
        return
    if len({canonical_text(one) for one in instance}) < len(instance):
        yield ValidationError("the list holds something twice")


def _patterns(value: object) -> Iterator[str]:
    """Yields every pattern of a document."""
    if isinstance(value, list):
        for one in cast("list[object]", value):
            yield from _patterns(one)
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        pattern, named = members.get("pattern"), members.get("patternProperties")
        if isinstance(pattern, str):
            yield pattern
        if isinstance(named, dict):
            yield from cast("dict[str, object]", named)
        for one in members.values():
            yield from _patterns(one)


def _holds(value: object, name: str) -> bool:
    """Returns whether a name occurs anywhere in a document."""
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return name in members or any(_holds(one, name) for one in members.values())
    return isinstance(value, list) and any(_holds(one, name) for one in cast("list[object]", value))


def _place(error: ValidationError) -> list[str]:
    return [str(step) for step in error.absolute_path]
