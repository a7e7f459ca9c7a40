"""Which approvals a search finds, as threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from placet.api.approvals.listing import MOST, ApprovalFilters, query_of
from placet.langgraph_api.assistants.describing import APPROVALS, named_assistant
from placet.langgraph_api.ids import thread_of
from placet.langgraph_api.threads.finding import SEARCHED, USUAL, asked_assistant, says

if TYPE_CHECKING:
    from placet.api.approvals.listing import StatusFilter
    from placet.api.identity import Caller
    from placet.api.services import Services
    from placet.contracts.approvals import Approval
    from placet.langgraph_api.bodies import ThreadSearch

_STATUSES: Final[dict[str | None, list[StatusFilter]]] = {"interrupted": ["pending"], "idle": ["ended"], None: ["any"]}


def is_of_approvals(services: Services, search: ThreadSearch) -> bool:
    """Returns whether a search asks for threads of the assistant `approvals`."""
    given = asked_assistant(search)
    return (
        given is not None and named_assistant(services, given) == APPROVALS and APPROVALS not in services.config.agents
    )


async def found_approvals(services: Services, caller: Caller, search: ThreadSearch) -> list[Approval]:
    """Returns the page of approvals that a search asks for, the newest first unless it says otherwise."""
    limit, offset = USUAL if search.limit is None else search.limit, search.offset or 0
    return (await all_approvals(services, caller, search, offset + limit))[offset:]


async def all_approvals(
    services: Services, caller: Caller, search: ThreadSearch, most: int = SEARCHED
) -> list[Approval]:
    """Returns the first approvals that a search finds, of as many as are looked through."""
    statuses = _STATUSES.get(search.status)
    if statuses is None:
        return []
    found: list[Approval] = []
    cursor: str | None = None
    for _ in range(SEARCHED // MOST):
        filters = ApprovalFilters(
            status=statuses,
            sort="requested_at" if search.sort_order == "asc" else "-requested_at",
            limit=MOST,
            cursor=cursor,
        )
        page = await services.ledger.approvals(query_of(filters, caller), services.clock())
        found += [approval for approval in page.items if _fits(approval, search)]
        cursor = page.next_cursor
        if cursor is None or len(found) >= most:
            break
    return found[:most]


def _fits(approval: Approval, search: ThreadSearch) -> bool:
    named: dict[str, Any] = {**approval.metadata, "agent": approval.agent, "thread_id": approval.thread_id}
    return (not search.ids or thread_of(approval.id) in search.ids) and says(named, search)
