"""A run's events as sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from placet.cards.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from placet.contracts.events import Event, EventType

_CUT: Final = 200
_ACTORS: Final = {"system:timeout": "the clock", "system:reconciler": "a repair", "operator": "an operator"}


@dataclass(frozen=True)
class Moment:
    """Something that happened to a run; every text is safe to print."""

    at: datetime
    kind: str
    what: str
    who: str
    approval_id: str | None


def timeline(events: Sequence[Event]) -> list[Moment]:
    """Returns the events in the order of the log."""
    return [
        Moment(event.at, event.type, one_line(_sentence(event))[:_CUT], _who(event.actor), event.approval_id)
        for event in events
    ]


def _sentence(event: Event) -> str:
    said = _SENTENCES.get(event.type)
    return said(event.data) if said else event.type


def _who(actor: str | None) -> str:
    return _ACTORS.get(actor or "") or one_line((actor or "").removeprefix("user:").removeprefix("agent:"))


def _tool(data: dict[str, Any]) -> str:
    return str(data.get("tool") or "a tool")


def _because(data: dict[str, Any], name: str) -> str:
    return f": {data[name]}" if data.get(name) else ""


_SENTENCES: Final[dict[EventType, Callable[[dict[str, Any]], str]]] = {
    "run.started": lambda data: f"The run of {data.get('agent')} started",
    "run.cancel_requested": lambda data: "Somebody asked the run to stop" + _because(data, "reason"),
    "run.completed": lambda _: "The run completed",
    "run.failed": lambda data: "The run failed" + _because(data, "error"),
    "run.cancelled": lambda _: "The run was cancelled",
    "run.expired": lambda _: "The run ended: an approval expired",
    "run.reset": lambda _: "An operator reset the run",
    "turn.completed": lambda data: "The model answered" if data.get("message_id") else "The graph took a step",
    "call.allowed": lambda data: f"{_tool(data)} may run without anybody" + _because(data, "rule"),
    "call.denied": lambda data: f"{_tool(data)} is denied" + _because(data, "rule"),
    "call.started": lambda data: f"{_tool(data)} started",
    "call.finished": lambda data: f"{_tool(data)} ended: {data.get('status')}",
    "call.uncertain": lambda data: f"Nobody knows whether {_tool(data)} ran",
    "approval.requested": lambda data: f"Asked a person: {data.get('title') or _tool(data)}",
    "approval.decided": lambda data: f"Decided: {data.get('status')}",
    "approval.refused": lambda data: "A decision did not count" + _because(data, "code"),
    "approval.expired": lambda _: "Nobody decided in time",
    "approval.cancelled": lambda data: "Withdrawn" + _because(data, "reason"),
    "approval.superseded": lambda _: "Superseded: nobody is left to answer",
}
