"""The built-in tool `ask_human`: what the model may send, and what it is told where that is malformed."""

from __future__ import annotations

from typing import Any, Final

import pytest

from placet.agents import Misfit, read_questions
from placet.agents._ask_human import SCHEMA
from placet.agents._schemas import ArgsSchema
from placet.contracts.questions import AskHuman

WHICH: Final = {"question": "Which one?", "options": ["Left", "Right"]}

MALFORMED: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "nothing": ({}, "/questions"),
    "no question": ({"questions": []}, "/questions"),
    "questions that are text": ({"questions": "which?"}, "/questions"),
    "five questions": ({"questions": [WHICH] * 5}, "/questions"),
    "a blank question": ({"questions": [{**WHICH, "question": " "}]}, "/questions/0/question"),
    "a blank label": ({"questions": [WHICH, {**WHICH, "options": ["a", " "]}]}, "/questions/1/options/1/label"),
    "no options and no text": ({"questions": [{"question": "q"}]}, "/questions/0/options"),
    "labels equal but for case": ({"questions": [{**WHICH, "options": ["a", "A"]}]}, "/questions/0/options"),
    "an option that is a number": ({"questions": [{**WHICH, "options": [1]}]}, "/questions/0/options/0"),
    "equal ids": ({"questions": [{**WHICH, "id": "q2"}, WHICH]}, "/questions"),
    "an unknown property": ({"questions": [WHICH], "urgent": True}, "/urgent"),
    "an unknown property of a question": ({"questions": [{**WHICH, "must": True}]}, "/questions/0/must"),
    "a word for a truth": ({"questions": [{**WHICH, "multi_select": "yes"}]}, "/questions/0/multi_select"),
    "context that is text": ({"questions": [WHICH], "context": "it is late"}, "/context"),
    "a blank prompt": ({"prompt": " ", "options": ["a"]}, "/prompt"),
    "a prompt without options": ({"prompt": "Which?"}, "/options"),
    "a prompt with a blank option": ({"prompt": "Which?", "options": ["a", ""]}, "/options/1/label"),
    "an unknown property of the flat form": ({"prompt": "Which?", "options": ["a"], "mode": 1}, "/mode"),
    "both forms": ({"prompt": "Which?", "questions": [WHICH]}, "/prompt"),
}


def fits(args: dict[str, Any]) -> bool:
    return not ArgsSchema(SCHEMA).misfits(args)


@pytest.mark.parametrize(("args", "pointer"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed_is_named_by_its_field(args: dict[str, Any], pointer: str) -> None:
    found = read_questions(args)
    assert isinstance(found, list)
    assert pointer in [one.pointer for one in found]
    assert all(isinstance(one, Misfit) and one.message for one in found)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = read_questions({"questions": [{"question": " ", "options": [""]}, {"question": "q"}]})
    assert isinstance(found, list)
    pointers = ["/questions/0/question", "/questions/0/options/0/label", "/questions/1/options"]
    assert [one.pointer for one in found] == pointers


def test_the_flat_form_is_one_question() -> None:
    flat = read_questions({"prompt": "Which one?", "options": ["Left", {"label": "Right"}], "context": {"at": 7}})
    full = read_questions({"questions": [WHICH], "context": {"at": 7}})
    assert isinstance(flat, AskHuman)
    assert flat == full


@pytest.mark.parametrize("args", [args for args, _ in MALFORMED.values()], ids=MALFORMED)
def test_the_schema_that_the_model_reads_takes_nothing_that_is_refused_for_its_form(args: dict[str, Any]) -> None:
    """Only blank texts, equal names and a question that nobody could answer are beyond what it can say."""
    beyond = {"a blank question", "a blank label", "no options and no text", "labels equal but for case", "equal ids"}
    name = next(name for name, (one, _) in MALFORMED.items() if one is args)
    assert fits(args) == (name in beyond)


def test_the_schema_takes_every_form_of_a_question() -> None:
    option = {"id": "l", "label": "Left", "description": "The one at the window."}
    question: dict[str, Any] = {
        **WHICH,
        "id": "side",
        "header": "Side",
        "options": [option, "Right"],
        "multi_select": True,
    }
    args: dict[str, Any] = {
        "questions": [question, {"question": "Why?", "allow_text": True}],
        "context": {},
        "allow_skip": True,
    }
    assert fits(args)
    assert isinstance(read_questions(args), AskHuman)
