"""`/healthz` and `/readyz`, outside the base."""

from __future__ import annotations

from typing import Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel

from placet.api.access import Anybody, Gateway
from placet.api.answers import Json
from placet.api.health.readiness import Readiness, readiness

router: Final = APIRouter(tags=["health"])


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


@router.get("/healthz", response_model=Health)
async def healthz(_: Anybody) -> Json:
    """Says that the process lives, whatever else does."""
    return Json(Health())


@router.get(
    "/readyz",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "Something that is needed does not answer"}},
)
async def readyz(_: Anybody, services: Gateway) -> Json:
    """Says whether Temporal, the ledger and a worker are there, each by its name."""
    ready = await readiness(services.temporal, services.ledger, services.clock, services.sightings)
    return Json(ready, status_code=200 if ready.status == "ready" else 503)
