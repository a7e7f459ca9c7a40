"""What counts as an answer by id, and which forms hold which decisions."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import JsonValue

from placet.contracts.errors import RefusedError
from placet.langgraph_api.answers.forms import by_interrupt, said

ID = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("resume", "keyed"),
    [
        ({ID: "x"}, True),
        ({ID: "x", ID[::-1]: "y"}, True),
        ({ID.upper(): "x"}, False),
        ({ID[:-1]: "x"}, False),
        ({ID + "0": "x"}, False),
        ({ID: "x", "other": "y"}, False),
        ({}, False),
        ([ID], False),
        (ID, False),
        (None, False),
    ],
)
def test_a_map_is_by_interrupt_where_each_key_looks_like_an_id(resume: Any, keyed: bool) -> None:  # noqa: FBT001
    assert (by_interrupt(resume) is not None) == keyed


@pytest.mark.parametrize("answer", [None, "", {}, [], {"decisions": []}, {"decisions": "x"}, {"decisions": {}}])
def test_an_empty_answer_is_none(answer: Any) -> None:
    with pytest.raises(RefusedError) as refused:
        said(answer)
    assert refused.value.refusal.code == "invalid_decision"


@pytest.mark.parametrize("decision", [7, None, {}, {"type": 7}, {"kind": "approve"}, []])
def test_a_decision_without_a_type_is_none(decision: Any) -> None:
    with pytest.raises(RefusedError):
        said({"decisions": [decision]})
    with pytest.raises(RefusedError):
        said([decision])


@pytest.mark.parametrize(
    ("old", "new"), [("accept", "approve"), ("ignore", "reject"), ("response", "respond"), ("edit", "edit")]
)
def test_the_words_of_before_are_ours(old: str, new: str) -> None:
    (found,) = said([{"type": old, "args": None}])
    assert (found.type, found.old) == (new, True)


def test_both_spellings_of_an_edited_action_are_one() -> None:
    action: JsonValue = {"name": "x", "args": {}}
    for name in ("edited_action", "editedAction"):
        (found,) = said({"type": "edit", name: action})
        assert (found.content, found.old) == ({"edited_action": action}, False)


@pytest.mark.parametrize("value", ["yes", 7, False, {"account": "c"}])
def test_anything_else_answers_a_question(value: Any) -> None:
    (found,) = said(value)
    assert (found.type, found.content) == ("answer", {"value": value})
