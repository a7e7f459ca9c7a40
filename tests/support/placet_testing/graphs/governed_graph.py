"""An agent of LangChain whose every call is under Placet's policy, by one line."""

# pyright: reportUnknownVariableType=false
# `create_agent` is untyped here and there.

from __future__ import annotations

from typing import Any

from langchain.agents import create_agent
from langchain.tools import ToolRuntime
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.types import Command, interrupt

from placet.langchain import ApprovalMiddleware, ask_human
from placet_testing.graphs.shop_graphs import TOOLS, Model, die_once, note


@tool
def drop_table(name: str) -> str:
    """Drops a table."""
    note(f"drop {name}")
    return f"Dropped {name}."


@tool
def lookup(order: int, config: RunnableConfig) -> str:
    """Looks an order up; it may be asked twice."""
    key = config.get("metadata", {})["placet_idempotency_key"]
    note(f"lookup {order} {key.replace('/', ':')}")
    die_once(f"after lookup {order}")
    return f"Order {order} is there."


@tool
def wire(order: int) -> str:
    """Sends money, to an account that somebody names."""
    account = interrupt(f"To which account, for {order}?")
    note(f"wire {order} {account}")
    return f"Sent to {account}."


@tool
def ship(order: int, runtime: ToolRuntime[None, dict[str, Any]]) -> Command[Any]:
    """Ships an order, and says so in the state."""
    note(f"ship {order}")
    said = ToolMessage(f"Shipped {order}.", tool_call_id=runtime.tool_call_id)
    return Command(update={"messages": [said]})


@tool
def breaks(order: int) -> str:
    """Never works."""
    note(f"breaks {order}")
    message = "no such account"
    raise LookupError(message)


OWN = [drop_table, lookup, wire, ship, breaks]
governed = create_agent(Model(), [*TOOLS, *OWN, ask_human], middleware=[ApprovalMiddleware()])
