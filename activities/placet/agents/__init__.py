"""Agents: models and tools as `placet.yaml` names them."""

from placet.agents._agents import Agent, Agents
from placet.agents._ask_human import DESCRIPTION as ASK_HUMAN_DESCRIPTION
from placet.agents._ask_human import SCHEMA as ASK_HUMAN_SCHEMA
from placet.agents._ask_human import read_questions
from placet.agents._call_rows import CALL_ROWS, CallRows, PermittedCall, StartedCall
from placet.agents._descriptions import DescribedCall, Description
from placet.agents._references import resolve
from placet.agents._results import Content
from placet.agents._schemas import Misfit
from placet.agents._tools import Tool, tool_of
from placet.agents.errors import AgentsError, LoadError, LostAnswerError, ToolStoppedError, UnresolvedError

__all__ = [
    "ASK_HUMAN_DESCRIPTION",
    "ASK_HUMAN_SCHEMA",
    "CALL_ROWS",
    "Agent",
    "Agents",
    "AgentsError",
    "CallRows",
    "Content",
    "DescribedCall",
    "Description",
    "LoadError",
    "LostAnswerError",
    "Misfit",
    "PermittedCall",
    "StartedCall",
    "Tool",
    "ToolStoppedError",
    "UnresolvedError",
    "read_questions",
    "resolve",
    "tool_of",
]
