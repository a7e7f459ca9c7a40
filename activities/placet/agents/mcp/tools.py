"""The tools of an MCP server as the agent has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import ToolException
from mcp import types as mcp

from placet.agents._results import Content
from placet.agents._schemas import JsonSchema, Misfit
from placet.agents._tools import Tool, made
from placet.agents.mcp.results import content_of_result
from placet.agents.mcp.schemas import closed_where_silent
from placet.agents.mcp.session import AnsweredError
from placet.policy import any_matches

_OURS: Final = "placet_"
_META: Final = "placet/"
"""Begins the keys of what a server is told of a call, as MCP wants it of everybody who adds some."""


class Caller(Protocol):
    """A server, as its tools need it."""

    def without_secrets(self, text: str) -> str:
        """Returns a text for logs and errors."""
        ...

    async def call(self, offered: mcp.Tool, args: dict[str, Any], meta: dict[str, Any]) -> mcp.CallToolResult:
        """Calls a tool, if it still is what it was."""
        ...


@dataclass(frozen=True)
class Naming:
    """Which tools of a server an agent gets, and under which names."""

    agent: str
    server: str
    globs: tuple[str, ...]
    prefix: bool

    def takes(self, own: str) -> bool:
        """Returns whether the agent gets the tool with that name of the server's own."""
        return any_matches(self.globs, own)

    def shown(self, own: str) -> str:
        """Returns the name that the model sees."""
        return f"{self.server}_{own}" if self.prefix else own

    def may_be(self, shown: str) -> bool:
        """Returns whether a tool with that name could be one of the server's."""
        own = shown.removeprefix(f"{self.server}_") if self.prefix else shown
        return self.shown(own) == shown and self.takes(own)


class McpBody:
    """A tool of a server."""

    def __init__(self, caller: Caller, offered: mcp.Tool) -> None:
        """Takes the tool as the server offers it."""
        self._caller = caller
        self._offered = offered
        self.args_schema: JsonSchema = closed_where_silent(offered.inputSchema)

    def misfits(self, args: Mapping[str, Any]) -> list[Misfit]:
        """Returns nothing: what the server thinks of arguments that fit its schema, only the server knows."""
        del args
        return []

    async def run(self, args: Mapping[str, Any], config: RunnableConfig) -> Content:
        """Calls the tool with exactly these arguments.

        Raises:
            ToolException: The server says that it failed.
            McpError: The server was not reached, or did not answer.
        """
        try:
            result = await self._caller.call(self._offered, dict(args), _meta(config))
            return content_of_result(result)
        except (AnsweredError, ToolException) as error:
            raise ToolException(self._caller.without_secrets(str(error))) from error


def tools_of(
    offered: Mapping[str, mcp.Tool],
    naming: Naming,
    caller: Caller,
    offered_before: Mapping[str, mcp.Tool],
    before: Mapping[str, Tool],
) -> tuple[dict[str, Tool], dict[str, str]]:
    """Returns the agent's tools by name, and why some are left out, by the server's own names.

    A tool that has not changed stays the one that it was.
    """
    tools: dict[str, Tool] = {}
    left_out: dict[str, str] = {}
    for own, tool in sorted(offered.items()):
        if not naming.takes(own):
            continue
        name = naming.shown(own)
        if name in before and offered_before.get(own) == tool:
            tools[name] = before[name]
            continue
        try:
            tools[name] = made(name, tool.description or tool.title or "", McpBody(caller, tool))
        except TypeError as error:
            left_out[own] = str(error)
    return tools, left_out


def _meta(config: RunnableConfig) -> dict[str, Any]:
    """Returns what a server may know of its call: what every other tool may know."""
    known = config.get("metadata") or {}
    return {
        _META + name.removeprefix(_OURS): value
        for name, value in known.items()
        if name.startswith(_OURS) and value is not None
    }
