"""What the tool `ask_human` asks inside a graph, and its result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from pydantic import ValidationError

from placet.contracts.approvals import End, Outcome
from placet.contracts.questions import ASK_HUMAN, AskHuman, numbered
from placet.graphs._shapes import Call
from placet.graphs._shown import plain

_STATUS: Final[Mapping[End, str]] = {"answered": "answered", "skipped": "skipped", "expired": "expired"}


def asked_by_tool(value: object) -> Call | None:
    """Returns the questions that an interrupt of `placet.langchain.ask_human` asks; None where it is another."""
    if not isinstance(value, Mapping) or cast("Mapping[str, Any]", value).get("type") != ASK_HUMAN:
        return None
    members = {key: one for key, one in cast("Mapping[str, Any]", value).items() if key != "type"}
    try:
        asked = AskHuman.model_validate(plain(members))
    except ValidationError:
        return None
    return Call(questions=numbered(asked.questions), context=asked.context, allow_skip=asked.allow_skip)


def result_of(call: Call, outcome: Outcome) -> dict[str, Any]:
    """Returns the result of the tool: what was answered, or why nothing was."""
    decision = outcome.decision
    answers = decision.answers if decision and decision.answers else {}
    told = [
        {
            "question_id": question.id,
            "options": [
                {"id": option.id, "label": option.label} for option in question.options if option.id in answer.options
            ],
            "text": answer.text,
        }
        for question in call.questions
        if (answer := answers.get(question.id or "")) is not None
    ]
    at = outcome.ended_at.isoformat() if outcome.ended_at else None
    by = decision.by.id if decision else None
    return {"status": _STATUS.get(outcome.status, "cancelled"), "answers": told, "by": by, "at": at}
