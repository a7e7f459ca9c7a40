"""`/langgraph/info` and `/langgraph/assistants`."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends

from placet.api.access import Anybody, Body, Gateway, SignedIn
from placet.api.answers import Json
from placet.api.services import Services
from placet.langgraph_api.assistants.describing import (
    assistant,
    assistant_names,
    drawing,
    named_assistant,
    published,
    schemas,
)
from placet.langgraph_api.bodies import AssistantSearch
from placet.langgraph_api.routing import ClientRoute

router: Final = APIRouter(prefix="/langgraph", include_in_schema=False, route_class=ClientRoute)

USUAL: Final = 10
"""Assistants on a page where nothing else is asked for."""
_FLAGS: Final[dict[str, Any]] = {"assistants": True, "crons": False, "langsmith": False, "strict_resume": True}


@router.get("/info")
async def info(_open: Anybody) -> Json:
    """Says what this surface can do; clients ask before they have a key."""
    host = {"kind": "self-hosted", "project_id": None, "tenant_id": None}
    return Json({"version": version("placet"), "flags": _FLAGS, "strict_resume": True, "host": host})


@router.get("/ok")
async def ok(_open: Anybody) -> Json:
    """Says that somebody is there."""
    return Json({"ok": True})


@router.post("/assistants/search")
async def search_assistants(
    body: Annotated[AssistantSearch, Depends(Body(AssistantSearch, may_be_empty=True))],
    caller: SignedIn,
    services: Gateway,
) -> Json:
    """Lists the agents."""
    del caller
    rows = await published(services)
    first, limit = body.offset or 0, USUAL if body.limit is None else body.limit
    return Json([assistant(services, name, rows.get(name)) for name in _found(services, body)[first : first + limit]])


@router.post("/assistants/count")
async def count_assistants(
    body: Annotated[AssistantSearch, Depends(Body(AssistantSearch, may_be_empty=True))],
    caller: SignedIn,
    services: Gateway,
) -> Json:
    """Counts the agents."""
    del caller
    return Json(len(_found(services, body)))


@router.get("/assistants/{assistant_id}")
async def read_assistant(assistant_id: str, caller: SignedIn, services: Gateway) -> Json:
    """Shows an agent, by its name or its assistant id."""
    del caller
    name = named_assistant(services, assistant_id)
    return Json(assistant(services, name, (await published(services)).get(name)))


@router.get("/assistants/{assistant_id}/schemas")
async def read_schemas(assistant_id: str, caller: SignedIn, services: Gateway) -> Json:
    """Shows what an agent takes and gives: messages."""
    del caller
    return Json(schemas(named_assistant(services, assistant_id)))


@router.get("/assistants/{assistant_id}/graph")
async def read_graph(assistant_id: str, caller: SignedIn, services: Gateway) -> Json:
    """Shows an agent as a graph: a model and its tools."""
    del caller
    return Json(drawing(named_assistant(services, assistant_id)))


def _found(services: Services, search: AssistantSearch) -> list[str]:
    wanted = {search.graph_id, search.name} - {None}
    return [name for name in assistant_names(services) if wanted <= {name}]
