"""Every endpoint of the surface, to be taken over by the gateway's app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from placet.langgraph_api.assistants.endpoints import router as assistants
from placet.langgraph_api.inbox.endpoints import router as inbox
from placet.langgraph_api.protocol.endpoints import router as protocol
from placet.langgraph_api.refusing import router as refusing
from placet.langgraph_api.runs.endpoints import router as runs
from placet.langgraph_api.threads.endpoints import router as threads

if TYPE_CHECKING:
    from fastapi import APIRouter

routers: Final[tuple[APIRouter, ...]] = (assistants, inbox, threads, runs, protocol, refusing)
"""The inbox before the threads: its paths are theirs, but for how the id begins."""
