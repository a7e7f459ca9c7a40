"""`/agents`: what each can do, and what policy says of it."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from placet.api.access import Gateway, SignedIn
from placet.api.errors import ProblemError
from placet.contracts.canonical import MalformedJsonError, parse_object
from placet.contracts.config import Config
from placet.engine.policy_report import Explained, explained
from placet.ledger import AgentRow
from placet.web.agents.rules import Governed, governed
from placet.web.answers import page
from placet.web.routing import PageRoute

router: Final = APIRouter(prefix="/agents", include_in_schema=False, route_class=PageRoute)

LONGEST: Final = 20_000
"""Characters of arguments that may be typed to be explained."""


@router.get("")
async def list_agents(request: Request, caller: SignedIn, services: Gateway) -> Response:
    """Lists the agents."""
    return page(request, "agents.html", caller=caller, agents=await services.ledger.agents())


@router.get("/{name}")
async def show_agent(
    request: Request, name: str, caller: SignedIn, services: Gateway, tool: str = "", args: str = ""
) -> Response:
    """Shows an agent's tools with the rules that apply to each, and explains a call that was typed in."""
    known = {agent.name: agent for agent in await services.ledger.agents()}
    agent = known.get(name)
    if agent is None:
        raise ProblemError(code="unknown_agent", detail=f"There is no agent {name[:80]!r}.")
    found, wrong = await _explained(services.config, agent, tool, args, caller.id)
    return page(
        request,
        "agent.html",
        caller=caller,
        agent=agent,
        tools=[(one, _governed(services.config, agent, one.name)) for one in agent.tools],
        tool=tool,
        args=args,
        explained=found,
        wrong=wrong,
    )


def _governed(config: Config, agent: AgentRow, tool: str) -> Governed:
    return governed(config, agent.name, tool)


async def _explained(
    config: Config, agent: AgentRow, tool: str, args: str, requester: str
) -> tuple[Explained | None, str | None]:
    """Returns what policy says of a call that was typed in, or what is wrong with it."""
    if not tool:
        return None, None
    if len(args) > LONGEST:
        return None, f"The arguments are longer than {LONGEST} characters."
    try:
        given: dict[str, Any] = parse_object(args or "{}")
        return await asyncio.to_thread(explained, config, agent.name, tool, given, requester=requester), None
    except MalformedJsonError as error:
        return None, f"The arguments are no JSON object: {error}."
