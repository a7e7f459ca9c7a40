"""The headline of an approval: the tool and its main argument."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from placet.contracts.canonical import canonical_text

_LONGEST: Final = 80
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def title_of(tool: str, args: Mapping[str, Any]) -> str:
    """Returns a headline in our words; what the model wrote is cut and cannot control a terminal."""
    if not args:
        return shown(tool)
    name, value = next(iter(args.items()))
    text = value if isinstance(value, str) else canonical_text(value)
    return f"{shown(tool)}: {shown(name)} {shown(text)}"


def shown(text: str) -> str:
    """Returns text of a model on one line, cut, with hidden characters written as escapes."""
    cut = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return "".join(_escaped(character) for character in cut)


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    return " " if character in "\t\n\r" else f"\\u{ord(character):04x}"
