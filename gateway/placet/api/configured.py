"""What the gateway reads of the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class User(Protocol):
    """Somebody who may sign in."""

    @property
    def name(self) -> str | None:
        """The name to show."""
        ...

    @property
    def groups(self) -> Sequence[str]:
        """Without `group:`."""
        ...

    @property
    def roles(self) -> Sequence[str]:
        """Of requester, approver, auditor, admin."""
        ...

    @property
    def keys(self) -> Sequence[str]:
        """Each as `sha256:` and hex."""
        ...


class People(Protocol):
    """Who may sign in."""

    @property
    def users(self) -> Mapping[str, User]:
        """By their names."""
        ...


class Agent(Protocol):
    """An agent's limits."""

    @property
    def tool_timeout(self) -> str:
        """As a duration."""
        ...

    @property
    def max_turns(self) -> int:
        """Turns of a run, at most."""
        ...


class Config(Protocol):
    """All of it."""

    @property
    def people(self) -> People | None:
        """None is local mode."""
        ...

    @property
    def agents(self) -> Mapping[str, Agent]:
        """By their names."""
        ...
