"""Messages as LangGraph's server writes them: flat, where the ledger keeps `{type, data}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placet.contracts.runs import Run
    from placet.ledger import MessageDict

_ENDED: Final = {
    "cancelled": "This run was cancelled. What was waiting for a decision was not run.",
    "expired": "Nobody decided in time, and this run ended. What was waiting for a decision was not run.",
}
"""Clients know no such end: they show a message."""
_CLOSING: Final = "-end"


def flat(message: MessageDict) -> dict[str, Any]:
    """Returns a message with its fields beside its type."""
    return {**message["data"], "type": message["type"]}


def shown_messages(kept: Sequence[MessageDict], run: Run | None) -> list[dict[str, Any]]:
    """Returns a transcript as clients show it, with a last word where the run has none of its own."""
    said = [flat(message) for message in kept]
    word = _ENDED.get(run.status) if run else None
    if run is not None and word is not None:
        said.append({"type": "ai", "id": f"{run.id}{_CLOSING}", "content": word, "tool_calls": []})
    return said


def is_closing_word(message: dict[str, Any]) -> bool:
    """Returns whether a message is our last word on a run, which is no part of its transcript."""
    return message["type"] == "ai" and str(message.get("id")).endswith(_CLOSING)


def open_calls(messages: Sequence[MessageDict]) -> int:
    """Returns how many calls of the model's latest message have no result yet."""
    results = 0
    for message in reversed(messages):
        if message["type"] == "tool":
            results += 1
        elif message["type"] == "ai":
            data = message["data"]
            return len(data.get("tool_calls") or ()) + len(data.get("invalid_tool_calls") or ()) - results
        else:
            break
    return 0
