"""What is asked of a person before a decision is sent; a question that is open ends when its approval does."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from placet.cards import words
from placet.cards.view import view
from placet.cards.visible import quoted
from placet.cli._exits import DECIDED_ELSEWHERE, ExitCode
from placet.cli._screen import question_lines
from placet.cli._terminal import RungError, Terminal
from placet.cli._watch import Watch
from placet.contracts.decisions import AnswerBody

if TYPE_CHECKING:
    from collections.abc import Generator

    from placet.cards.view import ApprovalView, QuestionRow
    from placet.cli._session import Session
    from placet.cli._terminal import Bell
    from placet.contracts.approvals import Approval


class DecidedElsewhereError(Exception):
    """The approval ended while a question about it was open; nothing was sent.

    Attributes:
        approval: As it ended.
    """

    def __init__(self, approval: Approval) -> None:
        super().__init__(approval.id)
        self.approval = approval


@dataclass(frozen=True)
class Person:
    """The person at the terminal, asked about one approval."""

    terminal: Terminal
    bell: Bell

    def text(self, prompt: str) -> str | None:
        """Returns a line that is not blank, or None when the person would rather not."""
        typed = self.terminal.line(prompt, self.bell)
        return typed.strip() or None if typed else None

    def confirms(self, seen: ApprovalView) -> bool:
        """Whether the person types what a grave risk wants typed; a lesser one wants nothing."""
        if not seen.grave:
            return True
        wanted = seen.tool if seen.risk == "critical" else "yes"
        typed = self.terminal.line(
            f"Risk {seen.risk}. Type {wanted} to run exactly this, anything else goes back: ", self.bell
        )
        return (typed or "").strip() == wanted

    def agrees(self, prompt: str) -> bool:
        """Whether the person types `yes`."""
        typed = self.terminal.line(f"{prompt} Type yes, anything else goes back: ", self.bell)
        return (typed or "").strip().lower() == "yes"


@contextmanager
def asking(session: Session, approval: Approval) -> Generator[Person]:
    """Gives the person to ask.

    Raises:
        DecidedElsewhereError: The approval ended while a question was open.
    """
    with Watch(session.client, approval.id) as watch:
        try:
            yield Person(Terminal(), watch)
        except RungError as error:
            raise DecidedElsewhereError(watch.ended or approval) from error


def decided_elsewhere(session: Session, approval: Approval) -> ExitCode:
    """Says how the approval ended before anything was sent, and returns the exit code."""
    session.out.say()
    session.out.say(f"{words.outcome(approval, session.out.zone)} Nothing of yours was sent.")
    return DECIDED_ELSEWHERE.get(approval.status, ExitCode.CONFLICT)


def ask_answers(session: Session, person: Person, approval: Approval) -> dict[str, AnswerBody] | None:
    """Returns the answers to all questions after a look at them together; None when the person would rather not."""
    answers: dict[str, AnswerBody] = {}
    asked = view(approval).questions
    for place, question in enumerate(asked, 1):
        session.out.say(f"Question {place} of {len(asked)}")
        session.out.say_all(list(question_lines(session.out, question)))
        answer = _answer(person, question)
        if answer is None:
            return None
        answers[question.id] = answer
    session.out.say("Your answers:")
    for question in asked:
        session.out.say(f"  {question.id}: {_summary(question, answers[question.id])}")
    return answers if person.agrees("Send them?") else None


def _answer(person: Person, question: QuestionRow) -> AnswerBody | None:
    chosen: tuple[str, ...] = ()
    if question.choices:
        picked = _options(person, question)
        if picked is None:
            return None
        chosen = picked
    text: str | None = None
    if question.takes_text:
        needed = "Text, one line" if not chosen else "Text, one line (Enter for none)"
        text = person.text(f"{needed} > ")
    return AnswerBody(options=chosen, text=text) if chosen or text else None


def _options(person: Person, question: QuestionRow) -> tuple[str, ...] | None:
    """Returns the options that are named by number; empty where text may answer instead."""
    most = len(question.choices)
    how = "Numbers, with commas between" if question.several else "Number"
    other = ", Enter for text only" if question.takes_text else ", Enter goes back"
    while True:
        typed = person.text(f"{how} (1-{most}{other}) > ")
        if typed is None:
            return () if question.takes_text else None
        numbers = [part.strip() for part in typed.split(",")]
        fit = all(number.isdecimal() and 1 <= int(number) <= most for number in numbers)
        if fit and (question.several or len(numbers) == 1):
            return tuple(question.choices[int(number) - 1].id for number in numbers)
        person.terminal.write(f"That is not {'numbers' if question.several else 'a number'} from 1 to {most}.\n")


def _summary(question: QuestionRow, answer: AnswerBody) -> str:
    labels = [choice.label for choice in question.choices if choice.id in answer.options]
    return ", ".join([*labels, *([quoted(answer.text)] if answer.text else [])])
