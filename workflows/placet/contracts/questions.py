"""What `ask_human` asks, and what people answer."""

from __future__ import annotations

from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from placet.contracts._base import CLOSED, Message
from placet.contracts.canonical import parse_object
from placet.contracts.errors import Refusal
from placet.contracts.texts import is_blank

ASK_HUMAN: Final = "ask_human"
"""The tool as which a question is shown to the model and digested."""


def _shows(text: str) -> str:
    if is_blank(text):
        message = "nothing of this text shows"
        raise ValueError(message)
    return text


_Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000), AfterValidator(_shows)
]
_Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Option(Message):
    """One of the answers offered."""

    id: _Id | None = None
    label: _Text
    description: str | None = None


def _option_of_text(value: object) -> object:
    return {"label": value} if isinstance(value, str) else value


class Question(Message):
    """One question; ids that are absent are given in order by `Question.numbered`."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["options"], "properties": {"options": {"minItems": 1}}},
                {"required": ["allow_text"], "properties": {"allow_text": {"const": True}}},
            ]
        }
    )

    id: _Id | None = None
    header: str | None = None
    question: _Text
    options: tuple[Annotated[Option, BeforeValidator(_option_of_text, json_schema_input_type=str | Option)], ...] = (
        Field(default=(), max_length=100)
    )
    multi_select: bool = False
    allow_text: bool = False

    @model_validator(mode="after")
    def _can_be_answered(self) -> Self:
        if not self.options and not self.allow_text:
            message = "a question without options needs allow_text"
            raise ValueError(message)
        labels = [option.label.casefold() for option in self.options]
        if len(set(labels)) != len(labels):
            message = "two options have the same label"
            raise ValueError(message)
        ids = [option.id for option in self.numbered(0).options]
        if len(set(ids)) != len(ids):
            message = "two options have the same id"
            raise ValueError(message)
        return self

    def numbered(self, index: int) -> Question:
        """Returns the question with an id for itself (`q1`, …) and for each option (`1`, …)."""
        options = tuple(
            option if option.id is not None else option.model_copy(update={"id": str(place + 1)})
            for place, option in enumerate(self.options)
        )
        return self.model_copy(update={"id": self.id or f"q{index + 1}", "options": options})


def numbered(questions: tuple[Question, ...]) -> tuple[Question, ...]:
    """Returns the questions with every id present.

    Raises:
        ValueError: Two questions have the same id.
    """
    complete = tuple(question.numbered(index) for index, question in enumerate(questions))
    ids = [question.id for question in complete]
    if len(set(ids)) != len(ids):
        message = "two questions have the same id"
        raise ValueError(message)
    return complete


class OptionBody(Option):
    """An option as the model or a client sends it: unknown properties are refused."""

    model_config = CLOSED


_AnOption = Annotated[OptionBody, BeforeValidator(_option_of_text, json_schema_input_type=str | OptionBody)]


class QuestionBody(Question):
    """A question as the model or a client sends it: unknown properties are refused."""

    model_config = CLOSED

    options: tuple[_AnOption, ...] = Field(default=(), max_length=100)  # pyright: ignore[reportIncompatibleVariableOverride]


def question_args(questions: tuple[Question, ...]) -> dict[str, Any]:
    """Returns what stands for the arguments of questions: what is shown raw, and what their digest covers."""
    return {"questions": [question.model_dump(mode="json", exclude_none=True) for question in numbered(questions)]}


def questions_of(args_text: str) -> tuple[Question, ...]:
    """Returns the questions that stand in their canonical text."""
    return _Asked.model_validate(parse_object(args_text)).questions


class _Asked(Message):
    """The arguments of questions as they are stored."""

    questions: tuple[Question, ...] = ()


class AskHuman(Message):
    """The arguments of the tool `ask_human`, as the model gives them.

    Attributes:
        context: What the person may want to know; shown as the model's, and untrusted.
    """

    model_config = CLOSED

    questions: tuple[QuestionBody, ...] = Field(min_length=1, max_length=4)
    context: dict[str, JsonValue] | None = None
    allow_skip: bool = False

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> Self:
        numbered(self.questions)
        return self


class Answer(Message):
    """What a person answered to one question: option ids, free text, or both."""

    options: tuple[str, ...] = ()
    text: str | None = None


class AnswerBody(Answer):
    """An answer as a client sends it: unknown properties are refused."""

    model_config = CLOSED


def check_answers(questions: tuple[Question, ...], answers: dict[str, Answer]) -> dict[str, Answer] | Refusal:
    """Returns the answers in the order of the questions, options in the order offered.

    Every question wants an answer: one option, several where it says `multi_select`, text where it
    says `allow_text`. What does not fit is refused as `invalid_decision`, naming the question.
    """
    known = {question.id or "": question for question in questions}
    strangers = sorted(set(answers) - set(known))
    if strangers:
        return _misfit(strangers[0], "there is no such question")
    ordered: dict[str, Answer] = {}
    for question_id, question in known.items():
        answer = answers.get(question_id)
        if answer is None:
            return _misfit(question_id, "an answer is missing")
        problem = _problem(question, answer)
        if problem:
            return _misfit(question_id, problem)
        chosen = set(answer.options)
        ordered[question_id] = Answer(
            options=tuple(o.id for o in question.options if o.id in chosen),
            text=answer.text,
        )
    return ordered


def _problem(question: Question, answer: Answer) -> str | None:
    offered = {option.id for option in question.options}
    unknown = [option for option in answer.options if option not in offered]
    if unknown:
        return f"{unknown[0][:200]!r} is not one of its options"
    if len(set(answer.options)) > 1 and not question.multi_select:
        return "it takes one option"
    if answer.text is not None and not question.allow_text:
        return "it takes no text"
    if not answer.options and not (answer.text and answer.text.strip()):
        return "the answer is empty"
    return None


def _misfit(question_id: str, problem: str) -> Refusal:
    return Refusal(
        code="invalid_decision",
        message=f"The answer to question {question_id[:200]!r} does not fit: {problem}.",
        details={"errors": [{"pointer": f"/answers/{_escaped(question_id)}", "message": problem}]},
    )


def _escaped(key: str) -> str:
    """Returns a key as one step of a JSON pointer (RFC 6901)."""
    return key[:200].replace("~", "~0").replace("/", "~1")
