"""`/v1/approvals/{id}/decision` and `/v1/decisions`."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request

from placet.api.access import Body, Gateway, SignedIn
from placet.api.answers import Json
from placet.api.bodies import idempotency_key
from placet.api.decisions.batch import BatchAnswer, BatchBody
from placet.api.decisions.checks import read_body
from placet.api.decisions.deciding import Recorded, decision_request
from placet.api.problems import refuses
from placet.contracts.approvals import Approval
from placet.contracts.decisions import DecisionBody

router: Final = APIRouter(prefix="/v1", tags=["decisions"])


@router.post(
    "/approvals/{approval_id}/decision",
    response_model=Approval,
    responses={
        202: {"model": Recorded, "description": "Durable; counts unless another was recorded before it"},
        **refuses(
            "malformed_json",
            "unauthenticated",
            "not_allowed",
            "not_an_approver",
            "self_approval",
            "decision_not_allowed",
            "not_found",
            "already_decided",
            "expired",
            "cancelled",
            "superseded",
            "stale_digest",
            "too_large",
            "invalid_request",
            "invalid_decision",
            "invalid_args",
            "edit_denied",
            "idempotency_key_reused",
            "slow_down",
            "unavailable",
        ),
    },
)
async def decide(
    request: Request,
    approval_id: str,
    body: Annotated[DecisionBody, Depends(Body(DecisionBody, read_body))],
    caller: SignedIn,
    services: Gateway,
) -> Json:
    """Decides on one approval, bound to what was shown by its digest."""
    wanted = decision_request(approval_id, caller, body, idempotency_key(request), services.clock())
    answer = await services.deciding.decide(wanted)
    return Json(answer, status_code=202 if isinstance(answer, Recorded) else 200)


@router.post(
    "/decisions",
    response_model=BatchAnswer,
    responses=refuses(
        "malformed_json",
        "unauthenticated",
        "not_allowed",
        "too_large",
        "invalid_request",
        "slow_down",
        "unavailable",
    ),
)
async def decide_many(
    body: Annotated[BatchBody, Depends(Body(BatchBody))], caller: SignedIn, services: Gateway
) -> Json:
    """Decides on a list: where one of them is wrong nothing is decided, else each gets its own answer."""
    results = await services.batch.decide(caller, body.decisions)
    return Json({"results": [vars(result) for result in results]})
