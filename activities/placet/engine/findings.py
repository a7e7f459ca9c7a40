"""What `placet doctor` finds: one answer a subject."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a subject is."""

    OK = "ok"
    IDLE = "idle"
    """Not there, and not needed now or provided by itself when it is."""
    MISSING = "missing"
    """Not there, and something will not work without it."""
    UNREACHABLE = "unreachable"
    """Named, and it does not answer."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One answer.

    Attributes:
        subject: What was looked at.
        state: How it is.
        found: What was found, in words.
        remedy: What to do about it; None where there is nothing to do.
    """

    subject: str
    state: State
    found: str
    remedy: str | None = None
