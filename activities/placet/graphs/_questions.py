"""From the value of a plain interrupt to a question for people, and from what they answer to a value.

Options are offered, or text is asked for, where the value or its schema says so; else the answer is JSON, or the text
as it stands where it is none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from pydantic import ValidationError

from placet.contracts.questions import Answer, Option, Question
from placet.contracts.texts import is_blank
from placet.graphs._shown import beside, plain
from placet.graphs.errors import MisfitError
from placet.schemas import BoundedSchema, NoSchemaError, SchemasError

_PROMPTS: Final = ("question", "prompt", "message", "query", "text", "instruction", "instructions", "title", "task")
_OPTIONS: Final = ("options", "choices")
_VALUES: Final = ("value", "id", "label", "name", "title")
_LABELS: Final = ("label", "name", "title", "value", "id")
_LONGEST_PROMPT: Final = 8_000
_LONGEST_PROBLEM: Final = 500
_YES_OR_NO: Final = (("Yes", True), ("No", False))
_ID: Final = "answer"


@dataclass(frozen=True)
class QuestionForm:
    """A question, and how what is answered to it is read.

    Attributes:
        context: The value, where the question does not say all of it.
        read: Returns the value that the graph gets.
    """

    question: Question
    context: dict[str, Any] | None
    read: Callable[[Answer], object]


def question_of(value: object, schema: object, node: str) -> QuestionForm:
    """Returns the question that an interrupt asks.

    Args:
        value: The interrupt's.
        schema: JSON Schema of the answer, where the graph gives one.
        node: Who asks.
    """
    shown = plain(value)
    prompt = _prompt(shown) or f"{node} waits for an answer."
    context = None if isinstance(shown, str) and len(shown) <= _LONGEST_PROMPT else beside("value", shown)
    known = cast("Mapping[str, Any]", schema) if isinstance(schema, Mapping) else None
    choices = _choices(shown, known)
    if choices:
        several = isinstance(shown, Mapping) and bool(cast("Mapping[str, Any]", shown).get("multi_select"))
        form = _chosen(prompt, context, choices, several=several)
        if form is not None:
            return form
    return QuestionForm(
        Question(id=_ID, question=prompt, allow_text=True), context, _reader(known, is_text=isinstance(shown, str))
    )


def _prompt(shown: object) -> str | None:
    if isinstance(shown, Mapping):
        members = cast("Mapping[str, object]", shown)
        shown = next((members[key] for key in _PROMPTS if isinstance(members.get(key), str)), None)
    if not isinstance(shown, str) or is_blank(shown):
        return None
    return shown if len(shown) <= _LONGEST_PROMPT else shown[: _LONGEST_PROMPT - 1] + "…"


def _choices(shown: object, schema: Mapping[str, Any] | None) -> list[tuple[str, object]]:
    """Returns labels with the values that they stand for."""
    if schema is not None:
        if schema.get("type") == "boolean":
            return list(_YES_OR_NO)
        listed: object = schema.get("enum")
        return [(_label(one), one) for one in cast("list[object]", listed)] if isinstance(listed, list) else []
    if not isinstance(shown, Mapping):
        return []
    members = cast("Mapping[str, object]", shown)
    offered = next((members[key] for key in _OPTIONS if isinstance(members.get(key), list)), None)
    return [_choice(one) for one in cast("list[object]", offered or [])]


def _choice(option: object) -> tuple[str, object]:
    if not isinstance(option, Mapping):
        return _label(option), option
    members = cast("Mapping[str, object]", option)
    whole: object = dict(members)
    label = next((members[key] for key in _LABELS if key in members), whole)
    return _label(label), next((members[key] for key in _VALUES if key in members), whole)


def _label(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _chosen(
    prompt: str, context: dict[str, Any] | None, choices: Sequence[tuple[str, object]], *, several: bool
) -> QuestionForm | None:
    """Returns a question with options; None where these make none."""
    if sum(len(label) for label, _ in choices) > _LONGEST_PROMPT:
        return None  # Questions travel through history.
    try:
        options = tuple(Option(id=str(place), label=label) for place, (label, _) in enumerate(choices))
        question = Question(id=_ID, question=prompt, options=options, multi_select=several)
    except ValidationError:
        return None

    def read(answer: Answer) -> object:
        picked = [choices[int(option)][1] for option in answer.options]
        return picked if several else picked[0]

    return QuestionForm(question, context, read)


def _reader(schema: Mapping[str, Any] | None, *, is_text: bool) -> Callable[[Answer], object]:
    def read(answer: Answer) -> object:
        text = answer.text or ""
        if is_text and schema is None:
            return text
        if schema is not None:
            return _fitting(text, schema)
        return _not_null(_parsed(text))

    return read


def _fitting(text: str, schema: Mapping[str, Any]) -> object:
    """Returns the text, or the JSON that it is, whichever the schema takes."""
    readings = [text, _parsed(text)] if schema.get("type") == "string" else [_parsed(text), text]
    problems = [misfits(reading, schema) for reading in readings]
    for reading, found in zip(readings, problems, strict=True):
        if not found:
            return _not_null(reading)
    raise MisfitError(problems[0][0])


def misfits(value: object, schema: Mapping[str, Any]) -> list[str]:
    """Returns how a value breaks a schema; what is no schema takes everything."""
    try:
        return [error.message[:_LONGEST_PROBLEM] for error in BoundedSchema(schema).errors(value)]
    except NoSchemaError:
        return []
    except SchemasError as error:
        return [f"it cannot be checked: {error}"]


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _not_null(value: object) -> object:
    if value is None:
        message = "LangGraph takes no null for an answer"
        raise MisfitError(message)
    return value
