"""What the model reads where a call did not run, or ran otherwise than it asked.

The truth, in a sentence that keeps a model from trying the same again: "nobody decided" is never
told as "rejected".
"""

from __future__ import annotations

from typing import Any, Final

from placet.contracts.calls import Args
from placet.contracts.canonical import canonical_text
from placet.contracts.questions import questions_of
from placet.contracts.runs import SettleInput, SettleReason
from placet.contracts.texts import is_blank
from placet.effects._messages import Content
from placet.runs.asks import what_was_found

_SENTENCES: Final[dict[SettleReason, str]] = {
    "denied": "Policy does not allow this call; it did not run. Do not try the same call again.",
    "rejected": "A person rejected this call; it did not run. Do not try the same call again.",
    "responded": "",
    "answered": "",
    "skipped": "The person skipped the question.",
    "expired": (
        "Nobody decided on this call in time, so it did not run. No person has rejected it;"
        " do not try the same call again unless you are asked to."
    ),
    "cancelled": "This call was cancelled before it started; it did not run.",
    "superseded": "This call was withdrawn before anybody decided; it did not run.",
    "ran": "A person has checked: this call ran.",
    "uncertain": ("A crash left it open whether this call ran. Do not try it again; say so in your answer."),
}

SUCCESSES: Final[frozenset[SettleReason]] = frozenset({"responded", "answered", "skipped", "ran"})
"""Reasons whose message is a result, not an error."""


_OF_QUESTIONS: Final[dict[SettleReason, str]] = {
    "answered": "answered",
    "skipped": "skipped",
    "expired": "expired",
    "cancelled": "cancelled",
    "superseded": "cancelled",
}
"""The status that the model reads in the result of `ask_human`."""


def settle_text(given: SettleInput) -> str:
    """Returns the text of the message that answers a call which did not run here."""
    if given.questions is not None and given.reason in _OF_QUESTIONS:
        return canonical_text(_answered(given, given.questions))
    return _sentence(given)


def _sentence(given: SettleInput) -> str:
    decision = given.outcome.decision if given.outcome else None
    sentence = _SENTENCES[given.reason]
    if given.reason == "denied" and given.verdict_reason:
        return f"{sentence} The reason: {given.verdict_reason}"
    if given.reason in {"rejected", "responded"} and decision and not is_blank(decision.message or ""):
        return decision.message or sentence
    if given.reason in {"ran", "uncertain"}:
        return looked_text(what_was_found(given.outcome), ran=given.reason == "ran")
    return sentence


def looked_text(said: str | None, *, ran: bool) -> str:
    """Returns what the model reads of an uncertain call once somebody has looked, or nobody could.

    Args:
        said: What the person wrote.
        ran: The person found that it ran; what they wrote is its result then.
    """
    if ran:
        return said or _SENTENCES["ran"]
    sentence = _SENTENCES["uncertain"]
    return f"{sentence} A person who looked says: {said}" if said else sentence


def _answered(given: SettleInput, asked: Args) -> dict[str, Any]:
    """Returns the result of `ask_human`, in the order of the questions; contract "ask_human"."""
    outcome = given.outcome
    decision = outcome.decision if outcome else None
    answers = decision.answers if decision and decision.answers else {}
    questions = questions_of(asked.text or "{}")
    given_answers = [
        {
            "question_id": question.id,
            "options": [
                {"id": option.id, "label": option.label} for option in question.options if option.id in answer.options
            ],
            "text": answer.text,
        }
        for question in questions
        if (answer := answers.get(question.id or "")) is not None
    ]
    return {
        "status": _OF_QUESTIONS[given.reason],
        "answers": given_answers,
        "by": decision.by.id if decision else None,
        "at": outcome.model_dump(mode="json")["ended_at"] if outcome else None,
    }


def told_of_the_edit(args_text: str, content: Content) -> Content:
    """Returns a result with the arguments that really ran in front of it."""
    told = f"A person changed the arguments before the call ran; it ran with {args_text}"
    if isinstance(content, str):
        return f"{told}\n\n{content}"
    return [{"type": "text", "text": told}, *content]


def refused_text(reason: str) -> str:
    """Returns what the model reads where the call was stopped at the tool's door."""
    return f"This call was stopped right before it would have run; it did not run: {reason}"


def failed_text(tool: str, error: BaseException) -> str:
    """Returns what the model reads where the tool raised."""
    detail = str(error).strip()
    return f"{tool} failed: {type(error).__name__}{': ' + detail if detail else ''}"
