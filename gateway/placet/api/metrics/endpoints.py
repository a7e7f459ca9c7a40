"""`/metrics`, outside the base, in the two ways in which it may be open."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from prometheus_client.exposition import choose_encoder

from placet.api.access import Allow, Anybody, Gateway
from placet.api.identity import Caller
from placet.api.problems import refuses
from placet.api.services import Services

Watcher = Annotated[Caller, Depends(Allow("auditor", "admin"))]
"""Who sees everything anyway."""

_DECLARED: Final[dict[str, Any]] = {
    "response_class": Response,
    "responses": {200: {"description": "Prometheus' text format", "content": {"text/plain": {}}}},
}

public: Final = APIRouter(tags=["health"])
keyed: Final = APIRouter(tags=["health"], responses=refuses("unauthenticated", "not_allowed"))


@public.get("/metrics", **_DECLARED)
async def metrics(_: Anybody, request: Request, services: Gateway) -> Response:
    """Returns what this gateway counts, and what the ledger says of what waits."""
    return await _exposition(request, services)


@keyed.get("/metrics", **_DECLARED)
async def metrics_with_key(_: Watcher, request: Request, services: Gateway) -> Response:
    """Returns what this gateway counts, and what the ledger says of what waits."""
    return await _exposition(request, services)


async def _exposition(request: Request, services: Services) -> Response:
    await services.waiting.refresh()
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(services.metrics.registry), headers={"Content-Type": media_type})
