"""Agents: models and tools as `placet.yaml` names them."""

from placet.agents._agents import Agent, Agents
from placet.agents._tools import Misfit, Tool, tool_of
from placet.agents.errors import AgentsError, LoadError

__all__ = ["Agent", "Agents", "AgentsError", "LoadError", "Misfit", "Tool", "tool_of"]
