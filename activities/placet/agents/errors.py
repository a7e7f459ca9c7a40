"""What can go wrong with agents.

AgentsError
├── LoadError          references of the configuration that cannot be loaded, all at once
├── UnresolvedError    one reference that names nothing
├── ScriptError        a file that is no script for the scripted model
└── ToolStoppedError   a tool tried to end more than itself
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


class UnresolvedError(AgentsError):
    """A reference names nothing that can be imported."""


class ScriptError(AgentsError):
    """A file is no script; each problem names its line."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class ToolStoppedError(AgentsError):
    """A tool tried to end the process, or cancelled itself; its call has failed and nothing else has."""

    def __init__(self, tool: str, cause: BaseException) -> None:
        super().__init__(f"{tool} raised {type(cause).__name__}")
        self.tool = tool
