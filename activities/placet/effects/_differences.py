"""How a tool differs from the one that a person was shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from placet.contracts.canonical import canonical_text
from placet.contracts.runs import Change

LONGEST: Final = 1_000
"""Characters of each side of a change."""
MOST: Final = 20
"""Changes that are told, at most."""


def differences(shown: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Change, ...]:
    """Returns how the face of a tool changed: its description, each of its arguments, and the rest of its schema."""
    before, after = _parts(shown), _parts(now)
    names = [*before, *(name for name in after if name not in before)]
    found = [name for name in names if before.get(name) != after.get(name)]
    return tuple(Change(what=name, before=_cut(before.get(name)), after=_cut(after.get(name))) for name in found[:MOST])


def _parts(face: Mapping[str, Any]) -> dict[str, str]:
    return dict(_named(face))


def _named(face: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "description", str(face.get("description", ""))
    schema = cast("dict[str, Any]", face.get("parameters") or {})
    arguments = cast("dict[str, Any]", schema.get("properties") or {})
    for name, one in arguments.items():
        yield f"argument {name}", canonical_text(one)
    for key, value in schema.items():
        if key != "properties":
            yield f"schema {key}", canonical_text(value)


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
