"""An agent's tools of the moment: its own, and those that its MCP servers have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, ItemsView, Iterator, Mapping, Sequence, ValuesView
from datetime import timedelta
from typing import Protocol

import structlog

from placet.agents._tools import Tool

_log = structlog.get_logger("placet.mcp")


class Naming(Protocol):
    """Which names a server's tools have."""

    def may_be(self, shown: str) -> bool:
        """Returns whether a tool with that name could be one of the server's."""
        ...


class ToolServer(Protocol):
    """Somebody who brings tools, and may change them at any time."""

    @property
    def name(self) -> str:
        """Its name in `placet.yaml`."""
        ...

    @property
    def naming(self) -> Naming:
        """Which names its tools have."""
        ...

    @property
    def tools(self) -> Mapping[str, Tool]:
        """Its tools as it last told them: another mapping whenever they are others."""
        ...

    @property
    def problem(self) -> str | None:
        """Why nothing can be asked of it at the moment."""
        ...

    def start(self, changed: Callable[[], object]) -> None:
        """Begins to reach it."""
        ...

    async def stop(self) -> None:
        """Ends it."""
        ...

    async def refresh(self, max_age: timedelta) -> None:
        """Asks for its tools again where they were asked for longer ago."""
        ...


class Toolbox(Mapping[str, Tool]):
    """Tools by name. No two are of one name: between two servers nobody could say which of them an approval meant.

    A name that an own tool has is that tool's. A name that two servers have is nobody's.
    """

    def __init__(self, own: Mapping[str, Tool], servers: Sequence[ToolServer] = ()) -> None:
        """Holds the tools of an agent and of its servers."""
        self._own = dict(own)
        self.servers = tuple(servers)
        self._merged: tuple[tuple[Mapping[str, Tool], ...], dict[str, Tool]] = ((), self._own)

    def of(self, name: str) -> list[ToolServer]:
        """Returns the servers that a tool with this name is from, or could be."""
        if name in self._own:
            return []
        return [server for server in self.servers if server.naming.may_be(name)]

    def values(self) -> ValuesView[Tool]:
        """Returns the tools of one moment."""
        return self._now().values()

    def items(self) -> ItemsView[str, Tool]:
        """Returns names and tools of one moment."""
        return self._now().items()

    def __getitem__(self, name: str) -> Tool:
        return self._now()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def _now(self) -> dict[str, Tool]:
        told = tuple(server.tools for server in self.servers)
        seen, merged = self._merged
        if len(seen) == len(told) and all(one is other for one, other in zip(seen, told, strict=True)):
            return merged
        count = Counter(name for tools in told for name in tools)
        taken = sorted(name for name in count if count[name] > 1 or name in self._own)
        if taken:
            _log.warning("mcp.names_collide", left_out=taken, remedy="give the servers a prefix, or select tools")
        served = {name: tool for tools in told for name, tool in tools.items() if name not in taken}
        merged = {**self._own, **served}
        self._merged = (told, merged)
        return merged
