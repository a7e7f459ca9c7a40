"""From an agent's `mcp:` to its servers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

from placet.agents._toolbox import ToolServer
from placet.agents.mcp.connection import Dialling
from placet.contracts.config import AgentConfig, Location
from placet.contracts.durations import LONGEST, parse_duration

_MARGIN: Final = timedelta(seconds=5)


class Loaded(NamedTuple):
    """An agent's servers, and what is wrong with them: where in the agent, and why."""

    servers: list[ToolServer]
    problems: list[tuple[Location, str]]


def servers_of(agent: str, config: AgentConfig, folder: Path, environment: Mapping[str, str]) -> Loaded:
    """Returns the MCP servers of an agent; none of them is reached yet.

    Args:
        agent: Its name.
        config: What `placet.yaml` says of it.
        folder: Where that lies.
        environment: Has the variables that the servers are given.
    """
    loaded = Loaded([], [])
    if not config.mcp:
        return loaded
    try:
        # With the extra only, and never for an agent without servers.
        from placet.agents.mcp.server import Server  # noqa: PLC0415
        from placet.agents.mcp.tools import Naming  # noqa: PLC0415
    except ModuleNotFoundError as error:
        loaded.problems.append((("mcp",), f"there is no module {error.name}: pip install 'placet[mcp]'"))
        return loaded
    limit = _answer_limit(config)
    for name, said in config.mcp.items():
        dialling = Dialling(said, folder, environment, limit)
        loaded.problems.extend((("mcp", name, *place), reason) for place, reason in dialling.problems())
        loaded.servers.append(Server(dialling, Naming(agent, name, said.tools, said.prefix), limit))
    return loaded


def _answer_limit(config: AgentConfig) -> timedelta:
    """Returns how long a call may take: less than its attempt, so that the error says what it was."""
    timeout = parse_duration(config.tool_timeout) or LONGEST
    return timeout - min(_MARGIN, timeout / 10)
