"""An agent of LangChain whose every call is under Placet's policy, by one line."""

# pyright: reportUnknownVariableType=false
# `create_agent` is untyped here and there.

from __future__ import annotations

from langchain.agents import create_agent
from langchain_core.tools import tool

from placet.langchain import ApprovalMiddleware, ask_human
from placet_testing.graphs.shop_graphs import TOOLS, Model, note


@tool
def drop_table(name: str) -> str:
    """Drops a table."""
    note(f"drop {name}")
    return f"Dropped {name}."


governed = create_agent(Model(), [*TOOLS, drop_table, ask_human], middleware=[ApprovalMiddleware()])
