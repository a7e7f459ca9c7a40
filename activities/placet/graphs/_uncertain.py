"""Calls of `placet.langchain.ApprovalMiddleware` that a crash has left open, and what somebody says of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from placet.agents import Tool
from placet.contracts.approvals import Outcome
from placet.contracts.canonical import parse_object
from placet.contracts.graphs import UNCERTAIN, Permit
from placet.graphs._shapes import Call
from placet.runs.asks import NOT_RUN, RAN, what_happened, what_was_found


def uncertain_call(value: object, tools: Mapping[str, Tool]) -> Call | None:
    """Returns the call about which an interrupt asks whether it ran; None where it asks something else.

    Args:
        value: The interrupt's.
        tools: The graph's, for the schemas of their arguments.
    """
    members = _members(value)
    if members.get("type") != UNCERTAIN:
        return None
    place = Permit.model_validate(members["permit"]).index
    tool = tools.get(members["name"])
    schema = tool.args_schema if tool is not None else None
    return Call(tool=members["name"], args=parse_object(members["args_text"]), args_schema=schema, index=place)


def turn_of(value: object) -> int:
    """Returns the superstep after which the call was asked about."""
    return Permit.model_validate(_members(value)["permit"]).turn


def looked_at(value: object, outcome: Outcome) -> dict[str, Any]:
    """Returns what the middleware is told of an uncertain call: what somebody found, or that nobody could say."""
    chosen = what_happened(outcome)
    kind = chosen if chosen in {RAN, NOT_RUN} else "unknown"
    return {"type": kind, "said": what_was_found(outcome), "of": _members(value)["of"]}


def _members(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
