"""An agent as an assistant: one version, no configuration, and a thread of messages as its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from placet.api.errors import ProblemError
from placet.langgraph_api.ids import assistant_id_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placet.api.services import Services
    from placet.ledger import AgentRow

APPROVALS: Final = "approvals"
"""The assistant that no agent is: each approval is a thread of it, for Agent Inbox."""
_SINCE: Final = "2026-01-01T00:00:00Z"
"""Clients want to know since when; nobody keeps it."""
_MESSAGES: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"messages": {"type": "array", "items": {"type": "object"}}},
    "required": ["messages"],
}


def assistant_names(services: Services) -> list[str]:
    """Returns every assistant: the agents, and the one for Agent Inbox where no agent has its name."""
    return sorted({*services.config.agents, APPROVALS})


def named_assistant(services: Services, given: str) -> str:
    """Returns the name of an assistant that is named by its name or its id.

    Raises:
        ProblemError: `not_found`.
    """
    for name in assistant_names(services):
        if given in {name, assistant_id_of(name)}:
            return name
    # The words by which Agent Inbox tells this from other errors.
    raise ProblemError(code="not_found", detail=f"Invalid assistant ID: there is no agent {given[:80]!r}.")


async def published(services: Services) -> Mapping[str, AgentRow]:
    """Returns the agents as a worker has last published them, by name."""
    return {agent.name: agent for agent in await services.ledger.agents()}


def assistant(services: Services, name: str, row: AgentRow | None) -> dict[str, Any]:
    """Returns an assistant as clients read it."""
    agent = services.config.agents.get(name)
    return {
        "assistant_id": assistant_id_of(name),
        "graph_id": name,
        "name": name,
        "description": agent.description if agent else "Every approval, each on a thread of its own",
        "config": {},
        "context": {},
        "metadata": {"created_by": "system", "model": row.model if row else None},
        "version": 1,
        "created_at": _SINCE,
        "updated_at": _SINCE,
    }


def schemas(name: str) -> dict[str, Any]:
    """Returns the JSON Schemas of an assistant: messages in, messages out."""
    return {
        "graph_id": name,
        "input_schema": _MESSAGES,
        "output_schema": _MESSAGES,
        "state_schema": _MESSAGES,
        "config_schema": {},
        "context_schema": {},
    }


def drawing(name: str) -> dict[str, Any]:
    """Returns the graph that an agent with tools is."""
    nodes = ("__start__", "model", "tools", "__end__")
    edges = (("__start__", "model"), ("model", "tools"), ("tools", "model"), ("model", "__end__"))
    return {
        "nodes": [{"id": node, "type": "runnable", "data": {"name": node, "graph": name}} for node in nodes],
        "edges": [{"source": source, "target": target, "conditional": source == "model"} for source, target in edges],
    }
