"""`/v1/agents`."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel

from placet.api.access import Gateway, SignedIn
from placet.api.answers import Json
from placet.api.problems import refuses
from placet.ledger import AgentRow

router: Final = APIRouter(prefix="/v1/agents", tags=["agents"])


class AgentPage(BaseModel):
    """The agents."""

    items: list[AgentRow]
    next_cursor: str | None = None


@router.get("", response_model=AgentPage, responses=refuses("unauthenticated", "not_allowed", "unavailable"))
async def list_agents(caller: SignedIn, services: Gateway) -> Json:
    """Lists the agents as a worker has last published them."""
    del caller
    return Json({"items": await services.ledger.agents(), "next_cursor": None})
