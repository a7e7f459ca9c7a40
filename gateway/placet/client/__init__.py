"""The typed client of the gateway: `Client`, `AsyncClient` and their errors."""

from placet.client._answers import AgentCard, AgentTool, ItemResult, KeyCard, Me, Page, Recorded
from placet.client._async import AsyncClient
from placet.client._exchange import LOCAL_URL
from placet.client._operations import ApprovalFilters, RunFilters
from placet.client._sync import Client

__all__ = [
    "LOCAL_URL",
    "AgentCard",
    "AgentTool",
    "ApprovalFilters",
    "AsyncClient",
    "Client",
    "ItemResult",
    "KeyCard",
    "Me",
    "Page",
    "Recorded",
    "RunFilters",
]
