"""`/v1/me`: who the gateway takes the caller for."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel

from placet.api.access import SignedInAtAll
from placet.api.answers import Json
from placet.api.identity import Caller, Method
from placet.api.problems import refuses
from placet.contracts.config import Role

router: Final = APIRouter(prefix="/v1", tags=["identity"])


class Me(BaseModel):
    """Somebody, as the gateway knows them.

    Attributes:
        method: How they were authenticated.
        credential: The id of their key or session, as the record names it.
        ends_at: When it runs out by itself.
    """

    id: str
    name: str | None
    groups: list[str]
    roles: list[Role]
    method: Method
    credential: str | None
    client: str
    authenticated_at: datetime | None
    ends_at: datetime | None


def described(caller: Caller) -> dict[str, object]:
    """Returns the caller as `/v1/me` shows them."""
    return {
        "id": caller.id,
        "name": caller.name,
        "groups": sorted(caller.groups),
        "roles": sorted(caller.roles),
        "method": caller.method,
        "credential": caller.credential,
        "client": caller.client,
        "authenticated_at": caller.authenticated_at,
        "ends_at": caller.ends_at,
    }


@router.get("/me", response_model=Me, responses=refuses("unauthenticated", "not_allowed", "unavailable"))
async def read_me(caller: SignedInAtAll) -> Json:
    """Shows who is signed in, how, and what they may do; also to who may do nothing."""
    return Json(described(caller))
