"""`/v1/keys` and `/v1/sessions`: what lets somebody in, and an end to it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from placet.api.access import Body, Gateway, SignedInAtAll
from placet.api.answers import Json
from placet.api.auth.sessions import credential_of
from placet.api.errors import ProblemError
from placet.api.identity import Caller
from placet.api.problems import refuses
from placet.api.services import Services
from placet.ledger import RevokedKey

router: Final = APIRouter(prefix="/v1", tags=["identity"])


class KeyView(BaseModel):
    """A key, without what opens anything.

    Attributes:
        id: As the record of a decision names it.
        current: Whether this request came with it.
        revoked_at: When it stopped to count; null where it counts.
        revoked_by: Who put an end to it.
    """

    id: str
    user: str
    current: bool
    revoked_at: datetime | None
    revoked_by: str | None


class KeyPage(BaseModel):
    """The keys that the caller may see: their own; an admin sees all."""

    items: list[KeyView]
    next_cursor: None


class RevokeKeyBody(BaseModel):
    """The body of a revocation: nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RevokeSessionsBody(BaseModel):
    """Whose sessions are to end: one's own where nobody is named.

    Attributes:
        current: Only the one that this request came in.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str | None = Field(default=None, min_length=1, max_length=200)
    current: bool = False


class Ended(BaseModel):
    """How many sessions have ended."""

    user: str
    ended: int


@router.get("/keys", response_model=KeyPage, responses=refuses("unauthenticated", "not_allowed", "unavailable"))
async def list_keys(caller: SignedInAtAll, services: Gateway) -> Json:
    """Lists keys: the caller's own, or everybody's for an admin."""
    revoked = await services.auth.revocations.all()
    keys = services.auth.keys.users.items()
    items = [_view(digest, user, caller, revoked.get(digest)) for digest, user in keys if _is_theirs(caller, user)]
    return Json({"items": sorted(items, key=lambda one: (str(one["user"]), str(one["id"]))), "next_cursor": None})


@router.post(
    "/keys/{key_id}/revoke",
    response_model=KeyView,
    responses=refuses(
        "malformed_json",
        "unauthenticated",
        "not_allowed",
        "not_found",
        "too_large",
        "invalid_request",
        "unavailable",
    ),
)
async def revoke_key(
    key_id: str,
    _: Annotated[RevokeKeyBody, Depends(Body(RevokeKeyBody, may_be_empty=True))],
    caller: SignedInAtAll,
    services: Gateway,
) -> Json:
    """Puts an end to a key, for ever and in every gateway: one's own, or anybody's for an admin."""
    digest, user = _find(services, caller, key_id)
    await services.auth.revocations.revoke(RevokedKey(digest, user, caller.id, services.clock()))
    return Json(_view(digest, user, caller, (await services.auth.revocations.all()).get(digest)))


@router.post(
    "/sessions/revoke",
    response_model=Ended,
    responses=refuses(
        "malformed_json", "unauthenticated", "not_allowed", "too_large", "invalid_request", "unavailable"
    ),
)
async def revoke_sessions(
    request: Request,
    body: Annotated[RevokeSessionsBody, Depends(Body(RevokeSessionsBody, may_be_empty=True))],
    caller: SignedInAtAll,
    services: Gateway,
) -> Json:
    """Ends every session of the caller in every browser; an admin may name somebody else."""
    if body.current:
        ended = await services.auth.sessions.close(request) if services.auth.sessions else False
        return Json({"user": caller.id, "ended": int(ended)})
    user = (body.user or caller.user).removeprefix("user:")
    if not _is_theirs(caller, user):
        raise ProblemError(code="not_allowed", detail="Only an admin ends the sessions of somebody else.")
    ended = await services.ledger.access.revoke_sessions_of(user, services.clock())
    return Json({"user": f"user:{user}", "ended": ended})


def _is_theirs(caller: Caller, user: str) -> bool:
    return caller.user == user or caller.has("admin")


def _find(services: Services, caller: Caller, key_id: str) -> tuple[str, str]:
    """Returns the digest and the user of a key that the caller may see.

    Raises:
        ProblemError: `not_found`.
    """
    for digest, user in services.auth.keys.users.items():
        if credential_of(digest) == key_id and _is_theirs(caller, user):
            return digest, user
    raise ProblemError(code="not_found", detail=f"There is no key {key_id[:80]!r} that you may see.")


def _view(digest: str, user: str, caller: Caller, revoked: RevokedKey | None) -> dict[str, object]:
    return {
        "id": credential_of(digest),
        "user": f"user:{user}",
        "current": caller.credential == credential_of(digest),
        "revoked_at": revoked.at if revoked else None,
        "revoked_by": revoked.by if revoked else None,
    }
