"""Which threads a search finds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from placet.api.approvals.listing import viewer_of
from placet.api.bodies import invalid_request
from placet.langgraph_api.assistants.describing import named_assistant
from placet.ledger import LARGEST_PAGE, ThreadQuery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placet.api.identity import Caller
    from placet.api.services import Services
    from placet.langgraph_api.bodies import ThreadSearch
    from placet.ledger import ThreadOrder, ThreadRow

USUAL: Final = 10
"""Threads on a page where nothing else is asked for."""
SEARCHED: Final = 2_000
"""The newest threads that are looked through for metadata, at most."""
_ORDERS: Final = frozenset({"created_at", "updated_at", "thread_id"})
_OF_AGENT: Final = ("graph_id", "assistant_id")


async def found_threads(services: Services, caller: Caller, search: ThreadSearch) -> list[ThreadRow]:
    """Returns the page of threads that a search asks for.

    Raises:
        ProblemError: `not_found`, `invalid_request`.
    """
    limit, offset = USUAL if search.limit is None else search.limit, search.offset or 0
    query = query_of(services, caller, search)
    if not _rest(search):
        return await _read(services, query, offset, limit)
    fitting = [one for one in await _read(services, query, 0, SEARCHED) if says(one.metadata, search)]
    return fitting[offset : offset + limit]


async def count_threads(services: Services, caller: Caller, search: ThreadSearch) -> int:
    """Returns how many threads a search finds; among the newest, where it asks for metadata."""
    query = query_of(services, caller, search)
    if not _rest(search):
        return await services.ledger.threads.count(query, services.clock())
    return sum(says(one.metadata, search) for one in await _read(services, query, 0, SEARCHED))


def query_of(services: Services, caller: Caller, search: ThreadSearch) -> ThreadQuery:
    """Returns what a search asks of the ledger.

    Raises:
        ProblemError: `not_found`: there is no such assistant; `invalid_request`.
    """
    if search.values:
        raise invalid_request([{"pointer": "/values", "message": "threads are found by metadata, not by values"}])
    if search.sort_by is not None and search.sort_by not in _ORDERS:
        raise invalid_request([{"pointer": "/sort_by", "message": f"is one of {', '.join(sorted(_ORDERS))}"}])
    named = asked_assistant(search)
    return ThreadQuery(
        ids=search.ids or (),
        agent=named_assistant(services, named) if named else None,
        status=search.status,
        order=cast("ThreadOrder", search.sort_by or "updated_at"),
        ascending=search.sort_order == "asc",
        visible_to=viewer_of(caller),
    )


def asked_assistant(search: ThreadSearch) -> str | None:
    """Returns the name or id of the assistant whose threads are asked for."""
    return next((value for name in _OF_AGENT if isinstance(value := search.metadata.get(name), str)), None)


def says(metadata: Mapping[str, Any], search: ThreadSearch) -> bool:
    """Returns whether something says of itself all that a search wants, besides the assistant."""
    return all(name in metadata and metadata[name] == value for name, value in _rest(search).items())


async def _read(services: Services, query: ThreadQuery, offset: int, limit: int) -> list[ThreadRow]:
    """Returns rows page by page."""
    found: list[ThreadRow] = []
    while len(found) < limit:
        size = min(limit - len(found), LARGEST_PAGE)
        page = replace(query, limit=size, offset=offset + len(found))
        rows = await services.ledger.threads.page(page, services.clock())
        found += rows
        if len(rows) < size:
            break
    return found


def _rest(search: ThreadSearch) -> dict[str, Any]:
    return {name: value for name, value in search.metadata.items() if name not in _OF_AGENT}
