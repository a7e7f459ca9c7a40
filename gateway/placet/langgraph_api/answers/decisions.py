"""What was said of each approval, as the body that `/v1` takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

from placet.api.decisions.checks import read_body
from placet.contracts.canonical import MalformedJsonError, canonical_text, parse_object
from placet.contracts.errors import Refusal, RefusedError
from placet.langgraph_api.answers.edits import echoes, typed
from placet.langgraph_api.answers.forms import invalid, said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from placet.contracts.approvals import Approval
    from placet.contracts.decisions import DecisionBody
    from placet.contracts.questions import Question
    from placet.langgraph_api.answers.forms import Said

_OF_CALLS: Final = frozenset({"approve", "edit", "reject", "respond"})


def decisions_of(answer: JsonValue, approvals: Sequence[Approval]) -> list[DecisionBody]:
    """Returns the decision on each approval, by their order.

    Raises:
        RefusedError: `invalid_decision`, `decision_not_allowed`, `stale_digest`.
    """
    given = said(answer)
    if len(given) != len(approvals):
        wanted = "one decision is" if len(approvals) == 1 else f"{len(approvals)} decisions are"
        raise invalid(at="/decisions", message=f"{wanted} wanted, one for each call in its order; {len(given)} came")
    return [_decision(one, approval) for one, approval in zip(given, approvals, strict=True)]


def _decision(given: Said, approval: Approval) -> DecisionBody:
    fields = _on_question(given, approval) if approval.kind == "question" else _on_call(given, approval)
    digest = given.content.get("digest")
    return read_body({"digest": digest if isinstance(digest, str) else approval.digest, **fields})


def _on_call(given: Said, approval: Approval) -> dict[str, Any]:
    if given.type not in _OF_CALLS:
        raise invalid(
            at="/type", message=f"a call is answered with {', '.join(sorted(_OF_CALLS))}, not with {given.type[:40]!r}"
        )
    match given.type:
        case "approve":
            return _approved(given, approval)
        case "edit":
            return {"type": "edit", "args": _edited(given, approval)}
        case "respond" if given.old and "respond" not in approval.allowed_decisions:
            # Agent Inbox shows its box for text also where only a rejection is allowed.
            return {"type": "reject", "message": _text(given)}
        case _:
            message = _text(given)
            return {"type": given.type, **({"message": message} if message is not None else {})}


def _approved(given: Said, approval: Approval) -> dict[str, Any]:
    """Returns an approval; the arguments that older clients send back with one are compared and never run."""
    echo = given.content.get("args")
    if isinstance(echo, dict):
        fields = cast("dict[str, Any]", echo)
        inner = fields.get("args") if set(fields) == {"action", "args"} else fields
        args = cast("dict[str, Any]", inner) if isinstance(inner, dict) else {}
        if not echoes(args, approval.args, approval.args_schema):
            details = {"digest": approval.digest, "given": None}
            message = "The arguments that came back with the approval are not those that wait."
            raise RefusedError(Refusal(code="stale_digest", message=message, details=details))
    return {"type": "approve"}


def _edited(given: Said, approval: Approval) -> dict[str, Any]:
    """Returns the new arguments; the tool stays the same.

    Raises:
        RefusedError: `invalid_decision`.
    """
    action: object = given.content.get("edited_action", given.content.get("args"))
    if not isinstance(action, dict):
        raise invalid(at="/edited_action", message="holds the name of the tool and its new arguments")
    fields = cast("dict[str, Any]", action)
    name = fields.get("name", fields.get("action"))
    if name != approval.tool:
        raise invalid(at="/edited_action/name", message=f"an edit keeps the tool, which is {approval.tool!r}")
    args: object = fields.get("args")
    if not isinstance(args, dict):
        raise invalid(at="/edited_action/args", message="is an object")
    return typed(cast("dict[str, Any]", args), approval.args, approval.args_schema)


def _text(given: Said) -> str | None:
    """Returns the text that came with a decision."""
    text: object = given.content.get("message", given.content.get("args"))
    if text is not None and not isinstance(text, str):
        raise invalid(at="/message", message="is a text")
    return text


def _on_question(given: Said, approval: Approval) -> dict[str, Any]:
    if given.type in {"reject", "skip"}:
        return {"type": "skip"}
    if given.type == "answer" and isinstance(given.content.get("answers"), dict):
        return {"type": "answer", "answers": given.content["answers"]}
    if given.type not in {"answer", "respond"}:
        raise invalid(at="/type", message=f"a question is answered with respond, not with {given.type[:40]!r}")
    value: object = given.content.get("value", _text(given) if given.type == "respond" else None)
    return {"type": "answer", "answers": _answers(value, approval.questions)}


def _answers(value: object, questions: Sequence[Question]) -> dict[str, Any]:
    """Returns the answer to each question: a text or an option's label, or a map of them by the questions' ids."""
    if isinstance(value, str) and len(questions) > 1:
        try:
            value = parse_object(value)
        except MalformedJsonError as error:
            ids = ", ".join(question.id or "" for question in questions)
            message = f"answers {len(questions)} questions by id, as JSON: {ids}"
            raise invalid(at="/message", message=message) from error
    known = {question.id or "": question for question in questions}
    answers = _object(value)
    if answers is not None and not known.keys().isdisjoint(answers):
        return {
            name: _answer(answer, known[name]) if name in known else {"text": str(answer)}
            for name, answer in answers.items()
        }
    if len(questions) == 1:
        return {questions[0].id or "": _answer(value, questions[0])}
    raise invalid(at="", message="answers the questions by their ids")


def _answer(value: object, question: Question) -> dict[str, Any]:
    whole = _object(value)
    if whole is not None and whole.keys() <= {"options", "text"}:
        return whole
    chosen = cast("list[object]", value) if isinstance(value, list) else [value]
    options = [_option(one, question) for one in chosen]
    if question.options and all(option is not None for option in options):
        return {"options": options}
    return {"text": value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}


def _object(value: object) -> dict[str, Any] | None:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _option(value: object, question: Question) -> str | None:
    """Returns the id of the option that is named by its id or its label."""
    text = str(value).strip().casefold()
    for option in question.options:
        if value == option.id or text == option.label.casefold():
            return option.id
    return None


def mark_of(body: DecisionBody) -> str:
    """Returns what stands for a decision's content in a key that is made for it."""
    return canonical_text(body.model_dump(mode="json"))
