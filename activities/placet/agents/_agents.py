"""Agents as the worker runs them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from placet.agents import _ask_human
from placet.agents._descriptions import Description, description_of
from placet.agents._models import kinds_in_results, model_of
from placet.agents._references import resolve
from placet.agents._toolbox import Toolbox, ToolServer
from placet.agents._tools import Tool, tool_of
from placet.agents.errors import AgentsError, LoadError
from placet.agents.mcp.loading import servers_of
from placet.contracts.config import AgentConfig, Config
from placet.contracts.questions import ASK_HUMAN
from placet.ledger import AgentRow, McpServerRow, ToolRow
from placet.policy import any_matches

if TYPE_CHECKING:
    from placet.graphs import GraphAgent

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Agent:
    """One agent: a model, a prompt, and tools by name."""

    name: str
    config: AgentConfig
    model: BaseChatModel = field(repr=False)
    tools: Mapping[str, Tool] = field(default_factory=dict[str, Tool])

    @property
    def servers(self) -> Sequence[ToolServer]:
        """Its MCP servers; `tools` follows them."""
        return self.tools.servers if isinstance(self.tools, Toolbox) else ()

    async def refresh(self, tool: str | None = None, max_age: timedelta = timedelta(0)) -> None:
        """Asks the MCP servers for their tools, so that `tools` is what they are now; nothing to do without servers.

        It never raises and takes ten seconds at most, or sixty for a server that has not had the time to start. Of a
        server that does not answer the tools stay as they were known last.

        Args:
            tool: Ask only whoever may have the tool of this name.
            max_age: What was asked for less long ago is good enough.
        """
        asked = self.servers
        if tool is not None and isinstance(self.tools, Toolbox):
            asked = self.tools.of(tool)
        await asyncio.gather(*(server.refresh(max_age) for server in asked))

    def why_without(self, tool: str) -> str:
        """Returns why there is no tool of this name."""
        if isinstance(self.tools, Toolbox):
            for server in self.tools.of(tool):
                if server.problem is not None:
                    return f"the MCP server {server.name} cannot be reached: {server.problem}"
        return "the agent has no such tool any more"

    @property
    def prompt(self) -> str | None:
        """What the model is told first."""
        return self.config.prompt

    @property
    def asks_people(self) -> bool:
        """Whether the model may ask people with the built-in tool `ask_human`."""
        return self.config.ask_human

    @property
    def tool_names(self) -> list[str]:
        """Returns what the model may call, in the order of the alphabet."""
        return sorted([*self.tools, *([ASK_HUMAN] if self.asks_people else [])])

    def bound_model(self) -> Runnable[LanguageModelInput, AIMessage]:
        """Returns the model with the tools that it may call."""
        offered = [tool.schema_for_model() for tool in self.tools.values()]
        if self.asks_people:
            offered.append(_ask_human.schema_for_model())
        return self.model.bind_tools(offered) if offered else self.model

    @property
    def kinds_in_results(self) -> frozenset[str] | None:
        """The kinds of content blocks that the model's provider takes in a tool's result; None: not known."""
        return kinds_in_results(self.model)

    def is_idempotent(self, tool: str) -> bool:
        """Returns whether the tool may be run again after a crash left it open whether it ran."""
        return any_matches(self.config.idempotent, tool)

    def describe(self) -> AgentRow:
        """Returns the agent as it is published."""
        tools = [
            ToolRow(name=tool.name, description=tool.description, args_schema=tool.args_schema)
            for tool in self.tools.values()
        ]
        if self.asks_people:
            tools.append(ToolRow(name=ASK_HUMAN, description=_ask_human.DESCRIPTION, args_schema=_ask_human.SCHEMA))
        return AgentRow(
            name=self.name,
            description=self.config.description,
            model=self.config.model,
            tools=tuple(tools),
            mcp=tuple(McpServerRow(name=server.name, problem=server.problem) for server in self.servers),
        )


class Agents(Mapping[str, Agent]):
    """The agents of a configuration that are a model with tools, by name.

    Attributes:
        descriptions: The functions that rules of policy name to describe calls, by reference.
        graphs: The agents that are graphs, by name.
    """

    def __init__(
        self,
        agents: Mapping[str, Agent],
        descriptions: Mapping[str, Description] | None = None,
        graphs: Mapping[str, GraphAgent] | None = None,
    ) -> None:
        self._agents = dict(agents)
        self.descriptions: Mapping[str, Description] = dict(descriptions or {})
        self.graphs: Mapping[str, GraphAgent] = dict(graphs or {})

    @classmethod
    def load(cls, config: Config, folder: Path, environment: Mapping[str, str] = os.environ) -> Agents:
        """Returns the agents of a configuration; imports the modules that it names.

        Args:
            config: What `placet.yaml` says.
            folder: Where it lies; references are resolved from there.
            environment: Has the variables that MCP servers are given.

        Raises:
            LoadError: Some references cannot be loaded; it names all of them.
        """
        loading = _Loading(config, folder, environment)
        agents = {name: loading.agent(name, one) for name, one in config.agents.items() if one.graph is None}
        graphs = {name: loading.graph(name, one) for name, one in config.agents.items() if one.graph is not None}
        descriptions = loading.descriptions()
        if loading.problems:
            raise LoadError(loading.problems)
        return cls(
            {name: agent for name, agent in agents.items() if agent is not None},
            descriptions,
            {name: graph for name, graph in graphs.items() if graph is not None},
        )

    def start(self, changed: Callable[[], object]) -> None:
        """Begins to reach the MCP servers, in the running loop; whatever they are asked happens there.

        Args:
            changed: Called in that loop whenever `describe` would say something else.
        """
        for agent in self._agents.values():
            for server in agent.servers:
                server.start(changed)

    async def stop(self) -> None:
        """Ends the MCP servers, in the loop in which they were begun."""
        servers = [server for agent in self._agents.values() for server in agent.servers]
        await asyncio.gather(*(server.stop() for server in servers))

    def schema_of(self, agent: str | None, tool: str) -> Mapping[str, Any] | None:
        """Returns the schema of the arguments of an agent's tool; None where there is no such tool."""
        found = self._agents.get(agent or "")
        named = found.tools.get(tool) if found else None
        return named.args_schema if named else None

    def describe(self) -> list[AgentRow]:
        """Returns the agents as they are published."""
        return [agent.describe() for agent in (*self._agents.values(), *self.graphs.values())]

    def __getitem__(self, name: str) -> Agent:
        return self._agents[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._agents)

    def __len__(self) -> int:
        return len(self._agents)


class _Loading:
    """Loads agents, and goes on after a problem to find the others."""

    def __init__(self, config: Config, folder: Path, environment: Mapping[str, str]) -> None:
        self._config = config
        self._folder = folder
        self._environment = environment
        self.problems: list[str] = []

    def agent(self, name: str, said: AgentConfig) -> Agent | None:
        """Returns the agent, or None and has a problem more."""
        named = said.model or ""
        model = self._tried(lambda: model_of(named, self._folder), named, "agents", name, "model")
        tools: dict[str, Tool] = {}
        for place, reference in enumerate(said.tools):
            where = ("agents", name, "tools", place)
            tool = self._tried(lambda named=reference: tool_of(resolve(named, self._folder)), reference, *where)
            if tool is None:
                continue
            if tool.name in tools:
                self.problems.append(f"{self._config.where(*where)}: {reference}: there is another tool {tool.name}")
            tools[tool.name] = tool
        servers = self._servers(name, said)
        if model is None:
            return None
        agent = Agent(name, said, model, Toolbox(tools, servers) if servers else tools)
        self._tried(agent.bound_model, named, "agents", name, "model")
        return agent

    def graph(self, name: str, said: AgentConfig) -> GraphAgent | None:
        """Returns the agent that is a graph, or None and has a problem more."""
        # LangGraph takes half a second, and has to be told something before anything imports it.
        from placet.graphs import GraphAgent  # noqa: PLC0415

        load = partial(GraphAgent.load, name, said, self._folder)
        return self._tried(load, said.graph or "", "agents", name, "graph")

    def _servers(self, agent: str, said: AgentConfig) -> list[ToolServer]:
        """Returns the agent's MCP servers; a secret that is not there is a problem more."""
        loaded = servers_of(agent, said, self._folder, self._environment)
        for place, reason in loaded.problems:
            self.problems.append(f"{self._config.where('agents', agent, *place)}: {reason}")
        return loaded.servers

    def descriptions(self) -> dict[str, Description]:
        """Returns the functions that rules name to describe calls; what is none is a problem more."""
        found: dict[str, Description] = {}
        for place, rule in enumerate(self._config.policy.rules):
            named = rule.describe
            if named is None or named in found:
                continue
            where = ("policy", "rules", place, "describe")
            made = self._tried(lambda it=named: description_of(resolve(it, self._folder)), named, *where)
            if made is not None:
                found[named] = made
        return found

    def _tried(self, make: Callable[[], _Made], named: str, *where: str | int) -> _Made | None:
        try:
            return make()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's module may raise anything
            known = isinstance(error, AgentsError | TypeError)
            reason = str(error) if known else f"{type(error).__name__}: {error}"
            if isinstance(error, NotImplementedError):
                reason = "the model takes no tools"
            self.problems.append(f"{self._config.where(*where)}: {named}: {reason}")
            return None
