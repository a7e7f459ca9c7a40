"""The forms of an answer: bare or by interrupt id, of today or of before LangChain 1.0.

| form | sent by |
| --- | --- |
| `{"<32 hex digits>": answer, …}` | scripts, `@langchain/react`, anybody who answers by id |
| `{"decisions": [decision, …]}` | agent-chat-ui, LangChain's documentation |
| `decision` | answers to one call |
| `[{"type": "accept" …, "args": …}]` | Agent Inbox |
| anything else | an answer to a question |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from placet.contracts.errors import Refusal, RefusedError
from placet.langgraph_api.ids import HEX_32

if TYPE_CHECKING:
    from pydantic import JsonValue

OLD: Final = {"accept": "approve", "ignore": "reject", "response": "respond"}
"""The words of before LangChain 1.0."""
_ALIASES: Final = {"editedAction": "edited_action"}


@dataclass(frozen=True)
class Said:
    """One decision as a client said it.

    Attributes:
        type: In our words, or whatever else it was.
        content: The fields that came with it.
        old: Whether it came in the form of before LangChain 1.0.
    """

    type: str
    content: dict[str, Any]
    old: bool = False


def by_interrupt(resume: JsonValue) -> dict[str, JsonValue] | None:
    """Returns the answers by interrupt id; None where it is one bare answer."""
    if isinstance(resume, dict) and resume and all(HEX_32.fullmatch(key) for key in resume):
        return resume
    return None


def said(answer: JsonValue) -> list[Said]:
    """Returns the decisions that an answer holds, in their order.

    Raises:
        RefusedError: `invalid_decision`.
    """
    if isinstance(answer, dict) and "decisions" in answer:
        decisions = answer["decisions"]
        if not isinstance(decisions, list) or not decisions:
            raise invalid(at="/decisions", message="is a list of decisions, one for each call")
        return [_one(decision, place) for place, decision in enumerate(decisions)]
    if isinstance(answer, list):
        if not answer:
            raise invalid(at="", message="the list of answers is empty")
        return [_one(decision, place) for place, decision in enumerate(answer)]
    if isinstance(answer, dict) and isinstance(answer.get("type"), str):
        return [_one(answer, 0)]
    if answer is None or (isinstance(answer, dict | str) and not answer):
        raise invalid(at="", message="the answer is empty")
    return [Said("answer", {"value": answer})]


def invalid(*, at: str, message: str) -> RefusedError:
    """Returns the refusal of an answer of the wrong shape."""
    errors = [{"pointer": at, "message": message}]
    text = f"{at or 'The answer'}: {message}."
    return RefusedError(Refusal(code="invalid_decision", message=text, details={"errors": errors}))


def _one(decision: JsonValue, place: int) -> Said:
    if isinstance(decision, str):
        return Said("answer", {"value": decision})
    if not isinstance(decision, dict) or not isinstance(decision.get("type"), str):
        raise invalid(at=f"/decisions/{place}", message="is no decision: it has no type")
    fields = {_ALIASES.get(name, name): value for name, value in decision.items()}
    given = cast("str", fields.pop("type"))
    old = ("args" in fields and "edited_action" not in fields) or given in OLD
    return Said(OLD.get(given, given), fields, old=old)
