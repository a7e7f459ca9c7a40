"""Agents as the worker runs them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from placet.agents._models import model_of
from placet.agents._references import resolve
from placet.agents._tools import Tool, tool_of
from placet.agents.errors import LoadError
from placet.contracts.config import AgentConfig, Config
from placet.policy import matches


@dataclass(frozen=True)
class Agent:
    """One agent: a model, a prompt, and tools by name."""

    name: str
    config: AgentConfig
    folder: Path
    tools: Mapping[str, Tool] = field(default_factory=dict[str, Tool])

    @property
    def prompt(self) -> str | None:
        """What the model is told first."""
        return self.config.prompt

    @cached_property
    def _model(self) -> BaseChatModel:
        """The model; made at its first call, so that a worker starts without any provider's package."""
        return model_of(self.config.model, self.folder)

    def bound_model(self) -> Runnable[LanguageModelInput, AIMessage]:
        """Returns the model with the tools that it may call."""
        if not self.tools:
            return self._model
        return self._model.bind_tools([tool.schema_for_model() for tool in self.tools.values()])

    def is_idempotent(self, tool: str) -> bool:
        """Returns whether the tool may be run again after a crash left it open whether it ran."""
        return any(matches(glob, tool) for glob in self.config.idempotent)


class Agents(Mapping[str, Agent]):
    """The agents of a configuration, by name."""

    def __init__(self, agents: Mapping[str, Agent]) -> None:
        self._agents = dict(agents)

    @classmethod
    def load(cls, config: Config, folder: Path) -> Agents:
        """Returns the agents of a configuration.

        Args:
            config: What `placet.yaml` says.
            folder: Where it lies; references are resolved from there.

        Raises:
            LoadError: Some references cannot be loaded; it names all of them.
        """
        problems: list[str] = []
        agents = {name: _agent(name, one, folder, problems) for name, one in config.agents.items()}
        if problems:
            raise LoadError(problems)
        return cls(agents)

    def __getitem__(self, name: str) -> Agent:
        return self._agents[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._agents)

    def __len__(self) -> int:
        return len(self._agents)


def _agent(name: str, config: AgentConfig, folder: Path, problems: list[str]) -> Agent:
    tools: dict[str, Tool] = {}
    for reference in config.tools:
        where = f"agents.{name}.tools: {reference}"
        try:
            tool = tool_of(resolve(reference, folder))
        except Exception as error:  # noqa: BLE001 - a user's module may raise anything
            problems.append(f"{where}: {type(error).__name__}: {error}")
            continue
        if tool.name in tools:
            problems.append(f"{where}: there is another tool {tool.name!r}")
        tools[tool.name] = tool
    return Agent(name, config, folder, tools)
