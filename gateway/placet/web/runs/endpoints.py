"""`/runs` and `/runs/{id}`."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from placet.api.access import Gateway, SignedIn
from placet.api.approvals.listing import MOST, viewer_of
from placet.api.runs.endpoints import visible_run
from placet.ledger import ApprovalQuery, RunQuery
from placet.web.answers import page
from placet.web.inbox.rows import rows_of
from placet.web.routing import PageRoute
from placet.web.runs.steps import goal, schemas_of, steps, transcript
from placet.web.runs.timeline import timeline

router: Final = APIRouter(prefix="/runs", include_in_schema=False, route_class=PageRoute)

EVENTS: Final = 500
"""Events of a run that its page shows, at most: the first ones."""
GROUPS: Final = {
    "open": ("running", "waiting"),
    "ended": ("completed", "failed", "cancelled", "expired"),
    "any": (),
}


class RunFilters(BaseModel):
    """The query of `/runs`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    show: str = Field(default="any", pattern="^(open|ended|any)$")
    agent: str = Field(default="", max_length=200)
    thread_id: str = Field(default="", max_length=200)
    cursor: str = Field(default="", max_length=1_000)


@router.get("")
async def list_runs(
    request: Request, filters: Annotated[RunFilters, Query()], caller: SignedIn, services: Gateway
) -> Response:
    """Lists runs, the newest first."""
    query = RunQuery(
        statuses=GROUPS[filters.show],
        agent=filters.agent or None,
        thread_id=filters.thread_id or None,
        cursor=filters.cursor or None,
        visible_to=viewer_of(caller),
    )
    found = await services.ledger.runs(query, services.clock())
    return page(request, "runs.html", caller=caller, runs=found.items, filters=filters, next_cursor=found.next_cursor)


@router.get("/{run_id}")
async def show_run(request: Request, run_id: str, caller: SignedIn, services: Gateway, whole: str = "") -> Response:
    """Shows a run: its timeline, its approvals, its transcript."""
    run = await visible_run(services, caller, run_id)
    now = services.clock()
    messages = await services.ledger.run_messages(run.id)
    query = ApprovalQuery(statuses=(), run_id=run.id, sort="requested_at", limit=MOST, visible_to=viewer_of(caller))
    approvals = await services.ledger.approvals(query, now)
    schemas = schemas_of(run.agent, await services.ledger.agents(), approvals.items)
    events = await services.ledger.events_after(None, EVENTS, run_id=run.id, visible_to=viewer_of(caller))
    return page(
        request,
        "run.html",
        caller=caller,
        run=run,
        goal=goal(messages),
        steps=steps(messages, schemas),
        rows=rows_of(approvals.items),
        more_approvals=approvals.next_cursor is not None,
        timeline=timeline(events),
        more=len(events) == EVENTS,
        said=transcript(messages, schemas, whole=bool(whole)),
        whole=bool(whole),
    )
