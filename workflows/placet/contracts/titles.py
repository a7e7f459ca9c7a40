"""The headline of an approval: the tool and its main argument."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

LONGEST: Final = 200
"""Characters of a headline, at most."""
_LONGEST_PART: Final = 80
_MAIN: Final = ("id", "to", "recipients", "email", "name", "path", "file", "url", "command", "sql", "query", "title")
"""Arguments that say what a call is about, in this order; a name ending in `_id` counts as the first."""


def title_of(tool: str, args: Mapping[str, Any]) -> str:
    """Returns a headline in our words; what the model wrote is cut and cannot control a terminal."""
    named = shown(tool) or "a tool without a name"
    main = _main_argument(args)
    if main is None:
        return named
    name, value = main
    return f"{named}: {shown(name, 30)} {value}"[:LONGEST]


def shown(text: str, longest: int = _LONGEST_PART) -> str:
    r"""Returns text of a model on one line, with what does not show as escapes (`\u202e`), then cut."""
    # An escape is at most ten characters: cutting first keeps a text of megabytes from being escaped whole.
    escaped = "".join(one if one.isprintable() else _escape(one) for one in text[: longest + 1])
    return escaped if len(escaped) <= longest else escaped[: longest - 1] + "…"


def digits(number: float) -> str:
    """Returns a number as a person reads it."""
    try:
        return str(number)
    except ValueError:
        return "a huge number"


def _main_argument(args: Mapping[str, Any]) -> tuple[str, str] | None:
    """Returns the name and the value of the argument that says what the call is about."""
    told = {name: text for name in args if (text := _value(args[name])) is not None}
    ids = [name for name in told if name.endswith("_id")]
    for name in (*ids, *_MAIN, *told):
        if name in told:
            return name, told[name]
    return None


def _value(value: object) -> str | None:
    """Returns a plain value, or the first of a list and how many more there are; None for anything else."""
    if isinstance(value, str):
        return shown(value) if value.strip() else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return shown(digits(value))
    if isinstance(value, list | tuple) and value:
        first = _value(value[0])  # pyright: ignore[reportUnknownArgumentType]
        more = len(value) - 1  # pyright: ignore[reportUnknownArgumentType]
        return first if not more or first is None else f"{first} and {more} more"
    return None


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - four hexadecimal digits
