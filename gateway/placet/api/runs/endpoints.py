"""`/v1/runs`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from placet.api.access import Body, Gateway, Requester, SignedIn
from placet.api.answers import Json
from placet.api.approvals.listing import MOST, Text, viewer_of
from placet.api.bodies import idempotency_key
from placet.api.errors import ClosedError, ProblemError
from placet.api.identity import Caller
from placet.api.problems import refuses
from placet.api.runs.stopping import ended, stop_run
from placet.api.services import Services
from placet.contracts.runs import RUN_STATUSES, Run, RunRequest, RunStatus
from placet.ledger import RunQuery

router: Final = APIRouter(prefix="/v1/runs", tags=["runs"])

_ID: Final = re.compile(r"run-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class RunFilters(BaseModel):
    """The query of GET `/v1/runs`."""

    model_config = ConfigDict(extra="forbid")

    status: list[RunStatus | Literal["any"]] = Field(default_factory=list[RunStatus | Literal["any"]])
    agent: Text | None = None
    thread_id: Text | None = None
    requester: Text | None = None
    limit: int = Field(default=50, ge=1, le=MOST)
    cursor: Annotated[str, Field(min_length=1, max_length=1_000)] | None = None


class RunPage(BaseModel):
    """One page of runs."""

    items: list[Run]
    next_cursor: str | None


class CancelRunBody(BaseModel):
    """The body of a cancel: why, for the record and for who waits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str | None = Field(default=None, max_length=2_000)


async def visible_run(services: Services, caller: Caller, run_id: str) -> Run:
    """Returns a run that the caller may see, waiting for nothing that they may not.

    Raises:
        ProblemError: `not_found`.
    """
    run = None
    if _ID.fullmatch(run_id):
        run = await services.ledger.run(run_id, services.clock(), viewer_of(caller))
    if run is None:
        raise ProblemError(code="not_found", detail=f"There is no run {run_id[:80]!r} that you may see.")
    return services.links.on_run(run)


@router.post(
    "",
    status_code=201,
    response_model=Run,
    responses=refuses(
        "malformed_json",
        "unauthenticated",
        "not_allowed",
        "unknown_agent",
        "not_found",
        "thread_busy",
        "too_large",
        "invalid_request",
        "idempotency_key_reused",
        "unavailable",
    ),
)
async def start_run(
    request: Request,
    body: Annotated[RunRequest, Depends(Body(RunRequest))],
    caller: Requester,
    services: Gateway,
) -> Json:
    """Starts a run of an agent, on a new thread or one that has no open run."""
    run = await services.starting.start(caller, body, idempotency_key(request))
    return Json(services.links.on_run(run), status_code=201)


@router.get(
    "",
    response_model=RunPage,
    responses=refuses("unauthenticated", "not_allowed", "invalid_query", "unavailable"),
)
async def list_runs(filters: Annotated[RunFilters, Query()], caller: SignedIn, services: Gateway) -> Json:
    """Lists the runs that the caller may see, the newest first."""
    wanted = set(filters.status)
    statuses = () if "any" in wanted else tuple(status for status in RUN_STATUSES if status in wanted)
    query = RunQuery(
        statuses=statuses,
        agent=filters.agent,
        thread_id=filters.thread_id,
        requester=filters.requester,
        limit=filters.limit,
        cursor=filters.cursor,
        visible_to=viewer_of(caller),
    )
    page = await services.ledger.runs(query, services.clock())
    return Json({"items": [services.links.on_run(run) for run in page.items], "next_cursor": page.next_cursor})


@router.get(
    "/{run_id}",
    response_model=Run,
    responses=refuses("unauthenticated", "not_allowed", "not_found", "unavailable"),
)
async def read_run(run_id: str, caller: SignedIn, services: Gateway) -> Json:
    """Shows one run, with what it waits for."""
    return Json(await visible_run(services, caller, run_id))


@router.get(
    "/{run_id}/messages",
    response_model=list[dict[str, Any]],
    responses=refuses("unauthenticated", "not_allowed", "not_found", "unavailable"),
)
async def read_messages(run_id: str, caller: SignedIn, services: Gateway) -> Json:
    """Shows the run's transcript: LangChain messages in order."""
    run = await visible_run(services, caller, run_id)
    return Json(await services.ledger.run_messages(run.id))


@router.post(
    "/{run_id}/cancel",
    status_code=202,
    response_model=Run,
    responses=refuses(
        "malformed_json",
        "unauthenticated",
        "not_allowed",
        "not_found",
        "run_ended",
        "too_large",
        "invalid_request",
        "unavailable",
    ),
)
async def cancel_run(
    run_id: str,
    body: Annotated[CancelRunBody, Depends(Body(CancelRunBody, may_be_empty=True))],
    caller: SignedIn,
    services: Gateway,
) -> Json:
    """Asks a run to stop: who started it, or an admin; what has started is let finish."""
    run = await visible_run(services, caller, run_id)
    try:
        await stop_run(services, caller, run, body.reason)
    except ClosedError as error:
        raise ended(await visible_run(services, caller, run_id)) from error
    return Json(await visible_run(services, caller, run_id), status_code=202)
