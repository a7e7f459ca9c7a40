"""`/inbox`: what waits, and what has been decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from placet.api.access import Gateway, SignedIn
from placet.api.approvals.listing import viewer_of
from placet.contracts.approvals import Approval
from placet.ledger import ApprovalQuery
from placet.web.answers import page, see
from placet.web.inbox.listing import SORTS, TABS, InboxFilters, query_of, tabs
from placet.web.inbox.rows import rows_of
from placet.web.routing import PageRoute

LATELY: Final = 3
"""Approvals that an empty list tells of."""

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
        lately=() if found.items else await _lately(services, caller),
    )


async def _lately(services: Gateway, caller: SignedIn) -> Sequence[Approval]:
    """Returns the newest of all approvals that the caller may see: what is told where nothing waits."""
    every = ApprovalQuery(statuses=(), sort="-requested_at", limit=LATELY, visible_to=viewer_of(caller))
    return (await services.ledger.approvals(every, services.clock())).items
