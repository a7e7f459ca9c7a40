"""An agent that is a graph."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

from langchain_core.runnables import RunnableConfig

from placet.agents import CALL_ROWS, CallRows, Tool, resolve
from placet.contracts.config import AgentConfig
from placet.graphs._checkpoints import Checkpoints
from placet.graphs._loading import Graph, Source
from placet.graphs._pinned import Pin
from placet.graphs._shapes import Reached, Wanted
from placet.graphs._stepping import Stepping, configurable_of, metadata_of
from placet.graphs._tools import tools_of
from placet.graphs._warnings import warnings_of
from placet.ledger import AgentRow, ToolRow
from placet.policy import any_matches

_LIMIT: Final = "LANGGRAPH_DEFAULT_RECURSION_LIMIT"
_LIMIT_OF_LANGGRAPH: Final = "10007"


class GraphAgent:
    """A graph under its name in `placet.yaml`."""

    def __init__(self, name: str, config: AgentConfig, source: Source) -> None:
        self.name = name
        self.config = config
        self._source = source
        self._tools: dict[str, Tool] | None = None
        self._not_stepped: str | None = None

    @classmethod
    def load(cls, name: str, config: AgentConfig, folder: Path) -> GraphAgent:
        """Returns the agent that a configuration names; imports its module.

        Raises:
            TypeError: The reference is no graph and makes none.
            UnresolvedError: There is no such thing.
            Exception: Whatever the module raises.
        """
        return cls(name, config, Source(resolve(config.graph or "", folder)))

    def describe(self) -> AgentRow:
        """Returns the agent as it is published, with the tools of its graph as far as that is made."""
        graph = self._source.known
        tools = self._tools_of(graph) if graph is not None else {}
        rows = (
            ToolRow(name=one.name, description=one.description, args_schema=one.args_schema) for one in tools.values()
        )
        warnings = [] if graph is None else warnings_of(graph)
        if self._not_stepped is not None:
            warnings.append(f"it runs from wait to wait in one activity, and a crash repeats more: {self._not_stepped}")
        return AgentRow(
            name=self.name, description=self.config.description, tools=tuple(rows), warnings=tuple(warnings)
        )

    def run_in_segments(self, why: str) -> None:
        """Runs it from one wait to the next in one go: LangGraph does not stop after supersteps as it should."""
        self._not_stepped = why

    @property
    def stepped(self) -> bool:
        """Whether one activity runs one superstep, and not all from one wait to the next."""
        return self.config.step != "segment" and self._not_stepped is None

    def is_idempotent(self, tool: str) -> bool:
        """Returns whether a tool may be run again after a crash left it open whether it ran."""
        return any_matches(self.config.idempotent, tool)

    async def superstep(
        self,
        wanted: Wanted,
        checkpoints: Checkpoints,
        started: Callable[[Callable[[], object]], object],
        rows: CallRows | None = None,
    ) -> Reached:
        """Runs one superstep, in the loop in which all of this agent's are run.

        Args:
            wanted: Where the graph stands, and what it is told.
            checkpoints: Where it keeps its state.
            started: Is given what makes the graph stop at the next boundary.
            rows: Let calls of its tools run once.

        Raises:
            CheckpointsUnavailableError: Trying again may help.
            GraphError: Trying again would not.
        """
        config: RunnableConfig = {
            "configurable": configurable_of(wanted),
            "metadata": metadata_of(wanted),
        }
        pin = Pin(wanted.thread_id, wanted.head)
        CALL_ROWS.set(rows)  # In the context of this superstep's own task.
        async with self._source.graph(config) as made, checkpoints.saver(pin) as saver:
            # Not `graph.copy()`: it loses the list of the types that may be made from a checkpoint.
            graph = copy.copy(made)
            graph.checkpointer = saver
            tools, limit = self._tools_of(made), _limit_of(made)
            stepping = Stepping(graph, saver, tools, wanted, limit, stepped=self.stepped)
            started(lambda: stepping.drain.ask("stop"))
            return await stepping.run()

    async def close(self) -> None:
        """Lets go of what made the graph, in the loop in which it was made."""
        await self._source.close()

    def _tools_of(self, graph: Graph) -> dict[str, Tool]:
        if self._tools is None or self._source.known is None:
            self._tools = tools_of(graph)
        return self._tools


def _limit_of(graph: Graph) -> int:
    config = cast("dict[str, Any]", graph.config or {})
    return int(config.get("recursion_limit") or os.environ.get(_LIMIT, _LIMIT_OF_LANGGRAPH))
