"""Who watches the activities, for what their inputs and results do not tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from placet.contracts.approvals import Asked
from placet.contracts.records import Entry


class Watch(Protocol):
    """Is told what happened; it must not raise."""

    def recorded(self, asked: Asked, entries: Sequence[Entry]) -> None:
        """Hears what was written of an approval."""
        ...

    def answered(self, agent: str, usage: Mapping[str, int] | None) -> None:
        """Hears that an agent's model answered, and the tokens that the provider counts."""
        ...


class _Nobody:
    """Watches nothing."""

    def recorded(self, asked: Asked, entries: Sequence[Entry]) -> None:
        """Does nothing."""

    def answered(self, agent: str, usage: Mapping[str, int] | None) -> None:
        """Does nothing."""


NOBODY: Final[Watch] = _Nobody()
