"""`/v1/approvals`."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from placet.api.access import Body, Gateway, Requester, SignedIn
from placet.api.answers import Json
from placet.api.approvals.listing import ApprovalFilters, ApprovalPage, query_of
from placet.api.approvals.waiting import LONGEST, until_ended
from placet.api.bodies import idempotency_key
from placet.api.decisions.deciding import Recorded, not_found
from placet.api.identity import Caller
from placet.api.problems import refuses
from placet.api.rights import may_see
from placet.api.services import Services
from placet.contracts.approvals import Approval, ApprovalRequest

router: Final = APIRouter(prefix="/v1/approvals", tags=["approvals"])

_ID: Final = re.compile(r"[0-9a-f]{32}")


class CancelBody(BaseModel):
    """The body of a cancel: why, for the record."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str | None = Field(default=None, max_length=2_000)


class WaitQuery(BaseModel):
    """The query of a wait."""

    model_config = ConfigDict(extra="forbid")

    timeout: float = Field(default=60, ge=0, allow_inf_nan=False)


async def visible(services: Services, caller: Caller, approval_id: str) -> Approval:
    """Returns an approval that the caller may see.

    Raises:
        ProblemError: `not_found`.
    """
    approval = await services.lookup.known(approval_id) if _ID.fullmatch(approval_id) else None
    if approval is None or not may_see(caller, approval):
        raise not_found(approval_id)
    return approval


@router.get(
    "",
    response_model=ApprovalPage,
    responses=refuses("unauthenticated", "not_allowed", "invalid_query", "unavailable"),
)
async def list_approvals(filters: Annotated[ApprovalFilters, Query()], caller: SignedIn, services: Gateway) -> Json:
    """Lists what the caller may see; by default what is pending, the nearest deadline first."""
    page = await services.ledger.approvals(query_of(filters, caller), services.clock())
    items = [services.links.on_approval(approval) for approval in page.items]
    return Json({"items": items, "next_cursor": page.next_cursor})


@router.post(
    "",
    status_code=201,
    response_model=Approval,
    responses=refuses(
        "malformed_json",
        "unauthenticated",
        "not_allowed",
        "too_large",
        "invalid_request",
        "idempotency_key_reused",
        "unavailable",
    ),
)
async def ask(
    request: Request,
    body: Annotated[ApprovalRequest, Depends(Body(ApprovalRequest))],
    caller: Requester,
    services: Gateway,
) -> Json:
    """Asks people from outside any run; who asked runs the tool."""
    approval = await services.asking.ask(caller, body, idempotency_key(request))
    return Json(approval, status_code=201)


@router.get(
    "/{approval_id}",
    response_model=Approval,
    responses=refuses("unauthenticated", "not_allowed", "not_found", "unavailable"),
)
async def read_approval(approval_id: str, caller: SignedIn, services: Gateway) -> Json:
    """Shows one approval."""
    return Json(await visible(services, caller, approval_id))


@router.get(
    "/{approval_id}/wait",
    response_model=Approval,
    responses={
        204: {"description": "It has not ended within the time"},
        **refuses("unauthenticated", "not_allowed", "not_found", "invalid_query", "unavailable"),
    },
)
async def wait(approval_id: str, query: Annotated[WaitQuery, Query()], caller: SignedIn, services: Gateway) -> Response:
    """Answers when the approval has ended, or with 204 when the time (at most 300 s) is over."""

    async def read() -> Approval:
        return await visible(services, caller, approval_id)

    await read()
    approval = await until_ended(
        services.feed,
        read,
        min(query.timeout, LONGEST),
        approval_id=approval_id,
        clock=services.clock,
        stopping=services.stopping,
    )
    return Json(approval) if approval else Response(status_code=204)


@router.post(
    "/{approval_id}/cancel",
    response_model=Approval,
    responses={
        202: {"model": Recorded, "description": "Recorded; no worker has answered yet"},
        **refuses(
            "malformed_json",
            "unauthenticated",
            "not_allowed",
            "not_found",
            "already_decided",
            "expired",
            "cancelled",
            "superseded",
            "too_large",
            "invalid_request",
            "unavailable",
        ),
    },
)
async def cancel_approval(
    approval_id: str,
    body: Annotated[CancelBody, Depends(Body(CancelBody, may_be_empty=True))],
    caller: SignedIn,
    services: Gateway,
) -> Json:
    """Withdraws an approval: who asked for it, or an admin."""
    await visible(services, caller, approval_id)
    answer = await services.withdrawing.withdraw(caller, approval_id, body.reason)
    return Json(answer, status_code=202 if isinstance(answer, Recorded) else 200)
