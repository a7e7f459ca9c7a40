"""What a graph's value looks like to people: JSON that history can hold, whatever the graph has put into it."""

from __future__ import annotations

from typing import Final

from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from placet.contracts.calls import INLINE_ARGS
from placet.contracts.canonical import MalformedJsonError, canonical_text

_CUT: Final = 4_000


def plain(value: object) -> JsonValue:
    """Returns a value as JSON; what has no JSON form is shown as text."""
    try:
        shown: JsonValue = to_jsonable_python(value, fallback=str, inf_nan_mode="strings", bytes_mode="base64")
        canonical_text(shown)
    except (MalformedJsonError, ValueError, RecursionError):
        return ascii(value)[:_CUT]
    return shown


def beside(name: str, value: object) -> dict[str, JsonValue]:
    """Returns a value to be shown beside a question; a long one is cut, for the graph's own state has all of it."""
    shown = plain(value)
    text = canonical_text(shown)
    if len(text.encode()) <= INLINE_ARGS:
        return {name: shown}
    return {name: f"{text[:_CUT]}…", "cut": True}
