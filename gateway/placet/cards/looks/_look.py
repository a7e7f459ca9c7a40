"""What a look gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from placet.cards.drawing import Mark

LookKind = Literal["command", "sql", "diff", "email", "url", "money", "path"]

LABELS: Final[dict[LookKind, str]] = {
    "command": "command",
    "sql": "SQL",
    "diff": "diff",
    "email": "e-mail",
    "url": "URL",
    "money": "money",
    "path": "path",
}
"""What a person reads."""


@dataclass(frozen=True)
class Look:
    """What is known of a value.

    Attributes:
        marks: On its text, in order and apart from each other; none where the value is no text.
        facts: What can be read off it; safe to print.
        warnings: What a reader could miss; safe to print.
    """

    kind: LookKind
    marks: tuple[Mark, ...] = ()
    facts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def counted(number: int, word: str) -> str:
    """Returns a number and what it counts: `1 line`, `2 lines`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
