"""The built-in tool `ask_human`: what the model sees of it, and how what it sends is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from placet.agents._schemas import JsonSchema, Misfit, pointer_of
from placet.contracts.canonical import canonical_text
from placet.contracts.questions import ASK_HUMAN, AskHuman

DESCRIPTION: Final = (
    "Asks people one to four questions and waits for their answers, which may take minutes or days. "
    "Use it where only a person can know or choose. Offer options where the answers can be foreseen. "
    "The result holds the answers, or says that the questions were skipped or that nobody answered in time."
)

_TEXT: Final[JsonSchema] = {"type": "string", "minLength": 1}
_OPTION: Final[JsonSchema] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "Names the option in the result; numbered where it is absent."},
        "label": _TEXT,
        "description": {"type": "string"},
    },
    "required": ["label"],
    "additionalProperties": False,
}
_QUESTION: Final[JsonSchema] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "Names the question in the result; numbered where it is absent."},
        "header": {"type": "string", "description": "A word or two over the question."},
        "question": _TEXT,
        "options": {"type": "array", "maxItems": 100, "items": {"anyOf": [_TEXT, _OPTION]}},
        "multi_select": {"type": "boolean", "description": "Several options may be chosen."},
        "allow_text": {"type": "boolean", "description": "The person may write; needed where there are no options."},
    },
    "required": ["question"],
    "additionalProperties": False,
}
SCHEMA: Final[JsonSchema] = {
    "type": "object",
    "properties": {
        "questions": {"type": "array", "minItems": 1, "maxItems": 4, "items": _QUESTION},
        "context": {"type": "object", "description": "What the person needs to know to answer."},
        "allow_skip": {"type": "boolean", "description": "The person may leave the questions open."},
    },
    "required": ["questions"],
    "additionalProperties": False,
}

_FLAT: Final = frozenset({"prompt", "options", "context"})


def schema_for_model() -> dict[str, Any]:
    """Returns the tool as providers want it."""
    return {
        "type": "function",
        "function": {"name": ASK_HUMAN, "description": DESCRIPTION, "parameters": SCHEMA},
    }


def read_questions(args: Mapping[str, Any]) -> AskHuman | list[Misfit]:
    """Returns what the model asks, or everything that is wrong with it, each with the field that it is about.

    Args:
        args: The arguments, or the flat form of one question: `{prompt, options, context?}`.
    """
    given = dict(args)
    flat = "prompt" in given and "questions" not in given
    if flat:
        strangers = sorted(set(given) - _FLAT)
        if strangers:
            return [Misfit(pointer_of([name]), "there is no such property in the flat form") for name in strangers]
        question = {"question": given["prompt"], "options": given.get("options", [])}
        given = {"questions": [question], **({"context": given["context"]} if "context" in given else {})}
    try:
        return AskHuman.model_validate_json(canonical_text(given), strict=True)
    except ValidationError as error:
        found = [_misfit(one, flat=flat) for one in error.errors(include_url=False)]
        # A list that holds nothing usable is also called empty; that is told only where it is the whole problem.
        inner = [one for one in found if one.pointer.count("/") > 1]
        return found[:1] if flat and not inner else inner or found


def _misfit(error: ErrorDetails, *, flat: bool) -> Misfit:
    steps = list(error["loc"])
    message = error["msg"].removeprefix("Value error, ").replace("Tuple", "It")
    if error["type"] == "value_error" and (not steps or isinstance(steps[-1], int)):
        steps.append("options" if steps else "questions")
    if flat and steps[:2] == ["questions", 0]:
        steps = ["prompt" if step == "question" else step for step in steps[2:]]
    return Misfit(pointer_of(steps), message)
