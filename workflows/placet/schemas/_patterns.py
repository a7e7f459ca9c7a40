"""Patterns of schemas, searched in linear time.

Python's `re` tries every way to match: `^(a+)+$` takes hours for forty characters, and nothing can stop it. RE2 is
linear and refuses what is not (lookaround, back-references, huge repetitions).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, cast

import re2 as _re2  # pyright: ignore[reportMissingTypeStubs]

from placet.schemas.errors import UncheckableError

_re: Final = cast("Any", _re2)
_OPTIONS: Final = _re.Options()
_OPTIONS.log_errors = False
_LONGEST: Final = 100


def found(pattern: str, text: str) -> bool:
    """Returns whether the pattern occurs in the text.

    Raises:
        UncheckableError: The pattern is none, or cannot be searched in linear time.
    """
    return _compiled(pattern).search(text) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:  # noqa: ANN401 - the library has no types
    try:
        return _re.compile(pattern, _OPTIONS)
    except _re.error as error:
        message = f"the pattern {pattern[:_LONGEST]!r} cannot be searched in linear time: {_said(error)}"
        raise UncheckableError(message) from None


def _said(error: Exception) -> str:
    said: object = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
