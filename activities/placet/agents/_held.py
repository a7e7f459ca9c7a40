"""What pydantic makes of arguments, held against what was shown: nothing may be dropped or rounded on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from placet.agents._schemas import Misfit, pointer_of

_LONGEST = 500
_MOST_MISFITS = 10
_ABSENT = object()


def misfits_of(model: type[BaseModel], args: Mapping[str, Any]) -> list[Misfit]:
    """Returns why pydantic would not take the arguments, or what it would lose of them."""
    try:
        held = model.model_validate(dict(args))
    except ValidationError as error:
        return [
            Misfit(pointer_of(one["loc"]), one["msg"][:_LONGEST])
            for one in error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_MISFITS]
        ]
    except Exception as error:  # noqa: BLE001 - a validator of the user's may raise anything
        return [Misfit("", f"{type(error).__name__}: {error}"[:_LONGEST])]
    return list(_losses(args, held, ()))[:_MOST_MISFITS]


def _losses(given: object, held: object, path: tuple[str | int, ...]) -> Iterator[Misfit]:
    if isinstance(given, Mapping):
        for key, value in cast("Mapping[str, object]", given).items():
            inner = _member(held, key)
            if inner is _ABSENT:
                yield Misfit(pointer_of((*path, key)), "is not known and would be dropped")
            else:
                yield from _losses(value, inner, (*path, key))
    elif isinstance(given, list) and isinstance(held, list | tuple):
        items = zip(cast("list[object]", given), cast("list[object]", held), strict=False)
        for place, (value, inner) in enumerate(items):
            yield from _losses(value, inner, (*path, place))
    elif isinstance(given, int) and isinstance(held, float) and int(held) != given:
        yield Misfit(pointer_of(path), f"has more digits than a number here can hold: {held!r} would run")


def _member(held: object, key: str) -> object:
    """Returns what is held under a key; what has no members that can be named is its own business, as a whole."""
    if isinstance(held, BaseModel):
        extra = held.model_extra or {}
        if key in extra:
            return extra[key]
        for name, field in type(held).model_fields.items():
            if key in [name, field.alias, field.validation_alias]:
                return getattr(held, name)
        return _ABSENT
    if isinstance(held, Mapping):
        members = cast("Mapping[object, object]", held)
        keys_are_texts = all(isinstance(name, str) for name in members)
        return members.get(key, _ABSENT if keys_are_texts else members)
    if dataclasses.is_dataclass(held):
        return getattr(held, key, _ABSENT)
    return held
