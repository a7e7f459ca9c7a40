"""`/inbox`: what waits, and what has been decided."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from placet.api.access import Gateway, SignedIn
from placet.api.approvals.listing import viewer_of
from placet.ledger import ApprovalQuery
from placet.web.answers import page, see
from placet.web.inbox.listing import SORTS, TABS, InboxFilters, query_of, tabs
from placet.web.inbox.rows import rows_of
from placet.web.routing import PageRoute

router: Final = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/")
async def home(_: SignedIn) -> Response:
    """Leads to the inbox."""
    return see("/inbox")


@router.get("/inbox")
async def show_inbox(
    request: Request, filters: Annotated[InboxFilters, Query()], caller: SignedIn, services: Gateway
) -> Response:
    """Shows a tab of the inbox."""
    now = services.clock()
    found = await services.ledger.approvals(query_of(filters, caller, now), now)
    waiting = ApprovalQuery(visible_to=viewer_of(caller))
    pending = await services.ledger.count_approvals(waiting, now)
    agents = await services.ledger.agents()
    return page(
        request,
        "inbox.html",
        caller=caller,
        count=pending,
        tab=TABS[filters.tab],
        tabs=tabs(filters, pending),
        filters=filters,
        sorts=SORTS,
        rows=rows_of(found.items),
        next_page=filters.address(cursor=found.next_cursor) if found.next_cursor else None,
        agents=[agent.name for agent in agents],
        tools=sorted({tool.name for agent in agents for tool in agent.tools}),
        ever=bool(found.items) or await _ever(services, caller),
    )


async def _ever(services: Gateway, caller: SignedIn) -> bool:
    """Returns whether there has ever been an approval that the caller may see."""
    every = ApprovalQuery(statuses=(), limit=1, visible_to=viewer_of(caller))
    return bool((await services.ledger.approvals(every, services.clock())).items)
