"""What a provider's client tells about an answer besides the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from langchain_core.messages import AIMessage

_CUT: Final = frozenset({"content_filter", "incomplete", "length", "max_tokens", "model_context_window_exceeded"})
"""How providers say that an answer stops in the middle."""


def cut_by(answer: AIMessage) -> str | None:
    """Returns what stopped the answer in the middle, a limit on its length or a filter, in the provider's word."""
    said = answer.response_metadata
    reasons = (said.get(name) for name in ("finish_reason", "stop_reason", "status"))
    return next((reason for reason in reasons if isinstance(reason, str) and reason.lower() in _CUT), None)


def usage_of(answer: AIMessage) -> dict[str, int] | None:
    """Returns the tokens that the provider counted; details, such as `cache_read_input_tokens`, where there are any."""
    usage = answer.usage_metadata
    if usage is None:
        return None
    counted = {name: usage[name] for name in ("input_tokens", "output_tokens", "total_tokens")}
    for side in ("input", "output"):
        details = cast("Mapping[str, Any]", usage.get(f"{side}_token_details") or {})
        for name, count in details.items():
            if isinstance(count, int) and count > 0:
                counted[name if name.endswith("_tokens") else f"{name}_{side}_tokens"] = count
    return counted
