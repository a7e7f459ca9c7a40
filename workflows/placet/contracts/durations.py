"""Durations as people write them: `90s`, `15m`, `12h`, `3d`, `2w`, `never`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, Field

_FORM: Final = re.compile(r"([1-9][0-9]{0,8})([smhdw])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LONGEST: Final = timedelta(days=3650)
"""A deadline is at most ten years away; what should wait longer says `never`."""


def parse_duration(text: str) -> timedelta | None:
    """Returns the duration, or None for `never`.

    Raises:
        ValueError: The text has another form, is zero, or is longer than `LONGEST`.
    """
    if text == "never":
        return None
    match = _FORM.fullmatch(text)
    if match is None:
        message = f"{text[:40]!r} is not a duration: write 90s, 15m, 12h, 3d, 2w or never"
        raise ValueError(message)
    count, unit = int(match[1]), timedelta(**{_UNITS[match[2]]: 1})
    if count > LONGEST // unit:
        message = f"{text[:40]!r} is longer than ten years: write never"
        raise ValueError(message)
    return count * unit


def _checked(text: str) -> str:
    parse_duration(text)
    return text


Duration = Annotated[
    str,
    AfterValidator(_checked),
    Field(json_schema_extra={"pattern": f"^({_FORM.pattern}|never)$"}),
]
"""A field that holds a duration as text."""
