"""References within a JSON Schema, and the steps of the pointers that they are."""

from __future__ import annotations

from typing import Any, Final, cast

Schema = dict[str, Any]

_MOST: Final = 20
"""References that are followed one after the other."""


def resolved(schema: object, root: Schema) -> Schema | None:
    """Follows references within the schema; None where one leads nowhere, or in circles."""
    here = schema
    for _ in range(_MOST):
        if not isinstance(here, dict):
            return None
        found = cast("Schema", here)
        reference = found.get("$ref")
        if reference is None:
            return found
        rest = {name: value for name, value in found.items() if name != "$ref"}
        target = _at(root, reference)
        if target is None:
            return None
        here = {**target, **rest}
    return None


def step(name: str) -> str:
    """Returns a member's name as a step of a JSON Pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _at(root: Schema, reference: object) -> Schema | None:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    here: Any = root
    for step in reference[2:].split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        here = cast("Schema", here).get(name) if isinstance(here, dict) else None
    return cast("Schema", here) if isinstance(here, dict) else None
