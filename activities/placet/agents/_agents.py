"""Agents as the worker runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from placet.agents import _ask_human
from placet.agents._descriptions import Description, description_of
from placet.agents._models import kinds_in_results, model_of
from placet.agents._references import resolve
from placet.agents._tools import Tool, tool_of
from placet.agents.errors import AgentsError, LoadError
from placet.contracts.config import AgentConfig, Config
from placet.contracts.questions import ASK_HUMAN
from placet.ledger import AgentRow, ToolRow
from placet.policy import matches

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Agent:
    """One agent: a model, a prompt, and tools by name."""

    name: str
    config: AgentConfig
    model: BaseChatModel = field(repr=False)
    tools: Mapping[str, Tool] = field(default_factory=dict[str, Tool])

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
        return any(matches(glob, tool) for glob in self.config.idempotent)

    def describe(self) -> AgentRow:
        """Returns the agent as it is published."""
        tools = [
            ToolRow(name=tool.name, description=tool.description, args_schema=tool.args_schema)
            for tool in self.tools.values()
        ]
        if self.asks_people:
            tools.append(ToolRow(name=ASK_HUMAN, description=_ask_human.DESCRIPTION, args_schema=_ask_human.SCHEMA))
        return AgentRow(
            name=self.name, description=self.config.description, model=self.config.model, tools=tuple(tools)
        )


class Agents(Mapping[str, Agent]):
    """The agents of a configuration, by name.

    Attributes:
        descriptions: The functions that rules of policy name to describe calls, by reference.
    """

    def __init__(self, agents: Mapping[str, Agent], descriptions: Mapping[str, Description] | None = None) -> None:
        self._agents = dict(agents)
        self.descriptions: Mapping[str, Description] = dict(descriptions or {})

    @classmethod
    def load(cls, config: Config, folder: Path) -> Agents:
        """Returns the agents of a configuration; imports the modules that it names.

        Args:
            config: What `placet.yaml` says.
            folder: Where it lies; references are resolved from there.

        Raises:
            LoadError: Some references cannot be loaded; it names all of them.
        """
        loading = _Loading(config, folder)
        agents = {name: loading.agent(name, one) for name, one in config.agents.items()}
        descriptions = loading.descriptions()
        if loading.problems:
            raise LoadError(loading.problems)
        return cls({name: agent for name, agent in agents.items() if agent is not None}, descriptions)

    def describe(self) -> list[AgentRow]:
        """Returns the agents as they are published."""
        return [agent.describe() for agent in self._agents.values()]

    def __getitem__(self, name: str) -> Agent:
        return self._agents[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._agents)

    def __len__(self) -> int:
        return len(self._agents)


class _Loading:
    """Loads agents, and goes on after a problem to find the others."""

    def __init__(self, config: Config, folder: Path) -> None:
        self._config = config
        self._folder = folder
        self.problems: list[str] = []

    def agent(self, name: str, said: AgentConfig) -> Agent | None:
        """Returns the agent, or None and has a problem more."""
        model = self._tried(lambda: model_of(said.model, self._folder), said.model, "agents", name, "model")
        tools: dict[str, Tool] = {}
        for place, reference in enumerate(said.tools):
            where = ("agents", name, "tools", place)
            tool = self._tried(lambda named=reference: tool_of(resolve(named, self._folder)), reference, *where)
            if tool is None:
                continue
            if tool.name in tools:
                self.problems.append(f"{self._config.where(*where)}: {reference}: there is another tool {tool.name}")
            tools[tool.name] = tool
        if model is None:
            return None
        agent = Agent(name, said, model, tools)
        self._tried(agent.bound_model, said.model, "agents", name, "model")
        return agent

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
