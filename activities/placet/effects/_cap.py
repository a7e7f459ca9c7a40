"""How much of a tool's result the model reads; the ledger keeps the whole."""

from __future__ import annotations

from typing import Any, Final

from placet.effects._messages import Content

RESULT_CAP: Final = 30_000
"""Characters of text that a model reads of one result."""


def capped(content: Content) -> Content:
    """Returns a result whose text is within the cap, or is cut and says so; whatever is no text stays whole."""
    if isinstance(content, str):
        return content if len(content) <= RESULT_CAP else f"{content[:RESULT_CAP]}\n{_note(len(content) - RESULT_CAP)}"
    kept: list[str | dict[str, Any]] = []
    left, hidden = RESULT_CAP, 0
    for block in content:
        text = block if isinstance(block, str) else block.get("text")
        if not isinstance(text, str):
            kept.append(block)
            continue
        shown = text[:left]
        left -= len(shown)
        hidden += len(text) - len(shown)
        if shown or not text:
            kept.append(shown if isinstance(block, str) else {**block, "text": shown})
    return [*kept, {"type": "text", "text": _note(hidden)}] if hidden else kept


def _note(hidden: int) -> str:
    return f"[{hidden:,} more characters were cut here]"
