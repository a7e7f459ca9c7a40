"""Placet's search attributes: what an operator can filter workflows by in the Temporal UI."""

from __future__ import annotations

from typing import Final

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from placet.engine.errors import SearchAttributesError

KEYWORD: Final = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD
DATETIME: Final = IndexedValueType.INDEXED_VALUE_TYPE_DATETIME

SEARCH_ATTRIBUTES: Final = {
    "PlacetStatus": KEYWORD,
    "PlacetAgent": KEYWORD,
    "PlacetTool": KEYWORD,
    "PlacetThread": KEYWORD,
    "PlacetRisk": KEYWORD,
    "PlacetRequester": KEYWORD,
    "PlacetExpiresAt": DATETIME,
}
"""Ids and states only: never an argument of a call, since everybody who may list workflows can read them."""


async def ensure_search_attributes(client: Client) -> list[str]:
    """Creates what the namespace lacks and returns the names of it.

    Raises:
        SearchAttributesError: Some are missing and may not be created, or exist with another type.
    """
    missing = await missing_search_attributes(client)
    if not missing:
        return []
    request = AddSearchAttributesRequest(
        namespace=client.namespace, search_attributes={name: SEARCH_ATTRIBUTES[name] for name in missing}
    )
    try:
        await client.operator_service.add_search_attributes(request, retry=True)
    except RPCError as error:
        # Two processes that start together both find them missing; the second is told that they exist.
        if error.status == RPCStatusCode.ALREADY_EXISTS or not await missing_search_attributes(client):
            return []
        raise SearchAttributesError(missing, error.message) from error
    return missing


async def missing_search_attributes(client: Client) -> list[str]:
    """Returns the names that the namespace lacks.

    Raises:
        SearchAttributesError: One is there with another type.
    """
    request = ListSearchAttributesRequest(namespace=client.namespace)
    answer = await client.operator_service.list_search_attributes(request, retry=True)
    there = dict(answer.custom_attributes)
    wrong = [name for name, kind in SEARCH_ATTRIBUTES.items() if there.get(name, kind) != kind]
    if wrong:
        raise SearchAttributesError(wrong, "they exist with another type")
    return [name for name in SEARCH_ATTRIBUTES if name not in there]
