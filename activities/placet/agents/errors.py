"""What can go wrong with agents.

AgentsError
└── LoadError   references of the configuration that cannot be loaded, all at once
"""

from __future__ import annotations

from collections.abc import Sequence


class AgentsError(Exception):
    """Anything of the agents."""


class LoadError(AgentsError):
    """Some agents cannot be loaded; each problem names the agent, the reference and the reason."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
