"""What policy says where an agent asks people: its questions are asked, unless a rule forbids it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from placet.contracts.calls import Verdict
from placet.contracts.config import Config
from placet.contracts.titles import LONGEST, shown

_NOBODY_IS_ASKED = "Nobody is asked while policy.enabled is false."


def on_questions(config: Config, verdict: Verdict, args: Mapping[str, Any]) -> Verdict:
    """Returns the verdict on a call of `ask_human`, from what the rules say of it.

    What is denied stays denied. What is allowed or asked is asked, under the terms of `questions`: whoever answers
    is the person in front of it.

    Args:
        config: The policy, and the terms of questions.
        verdict: What `judge` says of the call.
        args: Its questions.
    """
    if verdict.effect == "deny":
        return verdict
    if not config.policy.enabled:
        return verdict.model_copy(update={"effect": "deny", "reason": _NOBODY_IS_ASKED, "terms": None})
    told = {"effect": "ask", "reason": None, "terms": config.questions.terms(), "title": _title(args)}
    return verdict.model_copy(update=told)


def _title(args: Mapping[str, Any]) -> str:
    """Returns the first question, cut, and how many more there are."""
    listed: object = args.get("questions")
    questions = cast("list[object]", listed) if isinstance(listed, list) else []
    first = cast("dict[str, object]", questions[0]) if questions and isinstance(questions[0], dict) else {}
    more = f" and {len(questions) - 1} more" if len(questions) > 1 else ""
    return shown(str(first.get("question", "a question")), LONGEST - len(more)) + more
