"""What can go wrong with agents.

AgentsError
├── LoadError          references of the configuration that cannot be loaded, all at once
├── UnresolvedError    one reference that names nothing
├── ScriptError        a file that is no script for the scripted model
├── ToolStoppedError   a tool tried to end more than itself
└── McpError           a call that an MCP server did not answer
    ├── UnreachedError     it did not get there
    ├── ToolChangedError   it was held back: the tool is no longer the one that was shown
    └── LostAnswerError    it got there, and whether it ran is not known
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


class McpError(AgentsError):
    """A call that an MCP server did not answer; the message says whether it ran."""

    def __init__(self, server: str, message: str) -> None:
        super().__init__(message)
        self.server = server


class UnreachedError(McpError):
    """The server could not be reached; the call did not run."""

    def __init__(self, server: str, reason: str) -> None:
        super().__init__(server, f"the MCP server {server} cannot be reached; the call did not run: {reason}")


class ToolChangedError(McpError):
    """The server has another tool under the name by now, or none; the call did not run."""

    def __init__(self, server: str, tool: str) -> None:
        message = f"the MCP server {server} has changed {tool} since the call was made; the call did not run"
        super().__init__(server, message)
        self.tool = tool


class LostAnswerError(McpError):
    """The call reached the server and no answer came back; nobody here knows whether it ran."""

    def __init__(self, server: str, reason: str) -> None:
        super().__init__(server, f"the MCP server {server} did not answer; whether the call ran is not known: {reason}")
