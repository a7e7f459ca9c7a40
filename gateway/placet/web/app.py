"""Every page of the inbox, to be taken over by the gateway's app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from placet.web.agents.endpoints import router as agents
from placet.web.approvals.endpoints import router as approvals
from placet.web.assets import router as assets
from placet.web.command_line.endpoints import router as command_line
from placet.web.inbox.endpoints import router as inbox
from placet.web.runs.endpoints import router as runs
from placet.web.settings.endpoints import router as settings
from placet.web.several.endpoints import router as several

if TYPE_CHECKING:
    from fastapi import APIRouter

routers: Final[tuple[APIRouter, ...]] = (assets, command_line, inbox, several, approvals, runs, agents, settings)
