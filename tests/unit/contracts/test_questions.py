"""What may be asked, and which answers fit."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from placet.contracts.errors import Refusal
from placet.contracts.questions import Answer, Question, QuestionBody, check_answers, numbered

TWO: Final = {"question": "Which one?", "options": ["Left", "Right"]}


def question(**fields: object) -> Question:
    return Question.model_validate({**TWO, **fields})


MALFORMED: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "no question": ({"options": ["a"]}, "question"),
    "an empty question": ({"question": "", "options": ["a"]}, "question"),
    "a blank question": ({"question": " \t\n", "options": ["a"]}, "question"),
    "a question that is no text": ({"question": 5, "options": ["a"]}, "question"),
    "a question that never ends": ({"question": "x" * 10_001, "options": ["a"]}, "question"),
    "neither options nor text": ({"question": "q"}, ""),
    "no options and no text": ({"question": "q", "options": [], "allow_text": False}, ""),
    "a blank label": ({"question": "q", "options": ["a", " "]}, "options.1.label"),
    "an option without a label": ({"question": "q", "options": [{"id": "1"}]}, "options.0.label"),
    "an option that is a number": ({"question": "q", "options": [1]}, "options.0"),
    "labels that are equal": ({"question": "q", "options": ["a", "a"]}, ""),
    "labels that are equal but for case": ({"question": "q", "options": ["Straße", "STRASSE"]}, ""),
    "labels that are equal but for spaces around": ({"question": "q", "options": ["a", " a "]}, ""),
    "ids that are equal": ({"question": "q", "options": [{"id": "x", "label": "a"}, {"id": "x", "label": "b"}]}, ""),
    "an id that is another's number": ({"question": "q", "options": ["a", {"id": "1", "label": "b"}]}, ""),
    "an empty id": ({"question": "q", "options": [{"id": "", "label": "a"}]}, "options.0.id"),
    "an empty id of the question": ({"id": "", "question": "q", "options": ["a"]}, "id"),
    "a hundred and one options": ({"question": "q", "options": [str(n) for n in range(101)]}, "options"),
    "an unknown property": ({**TWO, "multiSelect": True}, "multiSelect"),
    "an unknown property of an option": ({"question": "q", "options": [{"label": "a", "value": 1}]}, "options.0.value"),
    "options that are a text": ({"question": "q", "options": "a"}, "options"),
    "a flag that is a word": ({**TWO, "multi_select": "perhaps"}, "multi_select"),
}


@pytest.mark.parametrize(("sent", "field"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_question_is_refused_and_the_field_named(sent: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        QuestionBody.model_validate(sent)
    first = refused.value.errors()[0]
    # A name of the model inside a union stands between the place and the field.
    path = ".".join(str(step) for step in first["loc"] if step not in {"OptionBody", "Option"})
    assert path == field
    assert first["msg"]


@pytest.mark.parametrize(
    "sent",
    [
        {"question": "q", "allow_text": True},
        {"question": "q", "options": ["only one"]},
        {"question": " q ", "options": [{"id": "yes", "label": "Yes", "description": "go on"}, "No"]},
        {"question": "q", "options": [str(n) for n in range(100)], "multi_select": True, "allow_text": True},
        {"id": "size", "header": "Size", "question": "q", "options": ["ä", "b"]},
    ],
)
def test_a_question_that_can_be_answered_is_taken(sent: dict[str, Any]) -> None:
    assert QuestionBody.model_validate(sent).question == "q"


def test_ids_are_given_in_order_where_absent() -> None:
    three = numbered(
        (
            question(),
            question(id="size", options=["S", {"id": "medium", "label": "M"}, "L"]),
            question(options=[], allow_text=True),
        )
    )
    assert [one.id for one in three] == ["q1", "size", "q3"]
    assert [[option.id for option in one.options] for one in three] == [["1", "2"], ["1", "medium", "3"], []]
    assert numbered(three) == three


def test_two_questions_with_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="same id"):
        numbered((question(id="q2"), question()))


ASKED: Final = numbered(
    (
        question(),
        question(id="many", options=["a", "b", "c"], multi_select=True),
        question(id="free", options=[], allow_text=True),
        question(id="either", options=["a"], allow_text=True),
    )
)
FITTING: Final = {
    "q1": {"options": ["2"]},
    "many": {"options": ["3", "1"]},
    "free": {"text": "as you like"},
    "either": {"text": "none of them"},
}
ANSWERS: Final = TypeAdapter(dict[str, Answer])


def answered(**changed: object) -> dict[str, Answer] | Refusal:
    given_answers = {key: value for key, value in {**FITTING, **changed}.items() if value is not None}
    return check_answers(ASKED, ANSWERS.validate_python(given_answers))


def test_answers_come_in_the_order_of_the_questions_and_options_in_the_order_offered() -> None:
    fitting = check_answers(ASKED, ANSWERS.validate_python(dict(reversed(FITTING.items()))))
    assert isinstance(fitting, dict)
    assert list(fitting) == ["q1", "many", "free", "either"]
    assert fitting["many"].options == ("1", "3")
    assert fitting["free"] == Answer(text="as you like")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"many": {"options": ["3", "3", "1", "3"]}}, ("1", "3")),
        ({"many": {"options": ["2"]}}, ("2",)),
        ({"many": {"options": ["1", "2", "3"]}}, ("1", "2", "3")),
    ],
)
def test_several_options_are_a_set(changed: dict[str, object], expected: tuple[str, ...]) -> None:
    fitting = answered(**changed)
    assert isinstance(fitting, dict)
    assert fitting["many"].options == expected


@pytest.mark.parametrize(
    "either", [{"options": ["1"]}, {"options": ["1"], "text": "but"}, {"options": ["1"], "text": ""}, {"text": "x"}]
)
def test_options_and_text_may_stand_together_where_both_are_allowed(either: dict[str, object]) -> None:
    fitting = answered(either=either)
    assert isinstance(fitting, dict)
    assert fitting["either"] == Answer.model_validate(either)


def test_the_same_option_twice_is_one_option() -> None:
    fitting = answered(q1={"options": ["1", "1"]})
    assert isinstance(fitting, dict)
    assert fitting["q1"].options == ("1",)


MISFITS: Final[dict[str, tuple[dict[str, object], str]]] = {
    "a missing answer": ({"many": None}, "/answers/many"),
    "an answer to nothing that was asked": ({"other": {"text": "x"}}, "/answers/other"),
    "an unknown option": ({"q1": {"options": ["3"]}}, "/answers/q1"),
    "a label in place of an id": ({"q1": {"options": ["Left"]}}, "/answers/q1"),
    "two options where one is asked for": ({"q1": {"options": ["1", "2"]}}, "/answers/q1"),
    "no option": ({"q1": {"options": []}}, "/answers/q1"),
    "text where none is allowed": ({"q1": {"options": ["1"], "text": "x"}}, "/answers/q1"),
    "even empty text where none is allowed": ({"q1": {"options": ["1"], "text": ""}}, "/answers/q1"),
    "nothing at all": ({"either": {}}, "/answers/either"),
    "blank text alone": ({"free": {"text": " \n"}}, "/answers/free"),
    "empty text alone": ({"free": {"text": ""}}, "/answers/free"),
    "an option of a question that has none": ({"free": {"options": ["1"]}}, "/answers/free"),
    "a name that needs escaping in a pointer": ({"a/b~c": {"text": "x"}}, "/answers/a~1b~0c"),
}


@pytest.mark.parametrize(("changed", "pointer"), MISFITS.values(), ids=MISFITS.keys())
def test_an_answer_that_does_not_fit_is_refused_and_the_question_named(
    changed: dict[str, object], pointer: str
) -> None:
    refusal = answered(**changed)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "invalid_decision"
    assert [error["pointer"] for error in refusal.details["errors"]] == [pointer]
    assert refusal.details["errors"][0]["message"] in refusal.message


def test_a_refusal_does_not_repeat_a_novel() -> None:
    for changed in ({"x" * 100_000: {"text": "x"}}, {"q1": {"options": ["x" * 100_000]}}):
        refusal = answered(**changed)
        assert isinstance(refusal, Refusal)
        assert len(refusal.model_dump_json()) < 2_000


@given(
    st.dictionaries(
        st.sampled_from(["q1", "many", "free", "either", "other"]),
        st.builds(
            Answer,
            options=st.lists(st.sampled_from(["1", "2", "3", "4"]), max_size=4).map(tuple),
            text=st.none() | st.sampled_from(["", " ", "text"]),
        ),
    )
)
def test_answers_fit_or_are_refused_and_what_fits_fits_again(sent: dict[str, Answer]) -> None:
    fitting = check_answers(ASKED, sent)
    if isinstance(fitting, Refusal):
        assert fitting.code == "invalid_decision"
        return
    assert list(fitting) == [one.id for one in ASKED]
    assert check_answers(ASKED, fitting) == fitting
    for key, answer in fitting.items():
        assert set(answer.options) == set(sent[key].options)
        assert answer.text == sent[key].text
