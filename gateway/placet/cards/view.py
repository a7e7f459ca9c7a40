"""How an approval is shown, whoever shows it: web inbox, command line, Temporal's text.

The dangerous part, which turns the agent's arguments and words into something that a person reads, is done here once:
typed rows, nothing hidden, and the digest computed anew from exactly what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from placet.cards.rows import COLLAPSED_AT, rows
from placet.cards.visible import lines, one_line, quoted
from placet.cards.words import status_words
from placet.contracts.canonical import MalformedJsonError, canonical_text, digest
from placet.contracts.questions import ASK_HUMAN, Question
from placet.contracts.runs import AskedAgain
from placet.contracts.secrets import masked
from placet.contracts.titles import LONGEST, title_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from placet.cards.rows import Row
    from placet.contracts.approvals import Approval

AGENT: Final = "The agent"
ASKER: Final = "Whoever asked"
EXACTLY: Final = "Exactly what will run"
AS_ASKED: Final = "What was asked"
_LISTS: Final = frozenset({"ask", "allow", "deny"})
"""The short lists of a policy, which name what they found in place of a rule."""


@dataclass(frozen=True)
class Choice:
    """An option of a question; `id` is what an answer names, the rest is safe to print."""

    id: str
    label: str
    description: str | None


@dataclass(frozen=True)
class QuestionRow:
    """A question; `id` is what an answer names, the rest is safe to print."""

    id: str
    header: str | None
    text: tuple[str, ...]
    choices: tuple[Choice, ...]
    several: bool
    takes_text: bool


@dataclass(frozen=True)
class ApprovalView:
    """An approval, ready to print in any medium; every text is safe to print.

    Attributes:
        digest: Of the rows, computed from the arguments as they are shown here.
        risk_why: Who or what says that the risk is this one.
        intact: `digest` is the one that the gateway names: what is shown is what would run.
        raw: The canonical text, which the digest covers.
        raw_shown: The same with masks for secrets.
        facts: Name and value of what else is known, in the order to show it.
        outside: No run of ours asks: title, reason and risk are what whoever asked says.
        says: Words that are not ours, a line each: the model's, or those of whoever asked from outside. They are always
            to be bounded, under `says_heading`.
        context: What the agent gave along with its questions, as untrusted as its words.
        asked_again: What is not as it was when the call was approved before: name, before and after.
        previous: The approval before, where the call had one.
    """

    id: str
    kind: str
    status: str
    risk: str
    risk_why: str
    tool: str
    title: str
    reason: tuple[str, ...]
    digest: str
    intact: bool
    raw: str
    raw_shown: str
    rows: tuple[Row, ...]
    questions: tuple[QuestionRow, ...]
    facts: tuple[tuple[str, str], ...]
    outside: bool
    says: tuple[str, ...]
    context: tuple[Row, ...]
    asked_again: tuple[tuple[str, str, str], ...]
    previous: str | None
    allowed: tuple[str, ...]

    @property
    def collapsed(self) -> tuple[str, ...]:
        """The names of the rows of which a part is not shown."""
        return tuple(row.name for row in self.rows if row.hidden)

    @property
    def grave(self) -> bool:
        """Whether approving takes more than one step."""
        return self.risk in {"high", "critical"}

    @property
    def says_heading(self) -> str:
        """What stands above words that are not ours."""
        return f"{ASKER if self.outside else AGENT} says (untrusted)"

    @property
    def asks_heading(self) -> str:
        """What stands above questions, which are never ours."""
        return f"{ASKER if self.outside else AGENT} asks (untrusted)"


def view(approval: Approval, *, limit: int | None = COLLAPSED_AT) -> ApprovalView:
    """Returns what to show of an approval.

    Args:
        approval: As the gateway gave it.
        limit: Characters of each value to show at once; None shows all.
    """
    raw, shown_digest = _bound(approval)
    asks = approval.kind == "question"
    again = _asked_again(approval)
    outside = approval.run_id is None
    return ApprovalView(
        id=one_line(approval.id),
        kind=approval.kind,
        status=status_words(approval),
        risk=approval.risk,
        risk_why=_risk_why(approval),
        tool=one_line(approval.tool),
        title=headline(approval),
        reason=lines(approval.reason) if approval.reason and not outside else (),
        digest=shown_digest,
        intact=shown_digest == approval.digest,
        raw=raw,
        raw_shown=_shown(raw, approval.args, approval.args_schema),
        rows=() if asks else rows(approval.args, approval.args_schema, limit=limit),
        questions=questions(approval) if asks else (),
        facts=tuple(_facts(approval)),
        outside=outside,
        says=tuple(_says(approval)),
        context=() if again else rows(approval.context or {}, limit=limit),
        asked_again=tuple((one_line(one.what), _told(one.before), _told(one.after)) for one in again.changes)
        if again
        else (),
        previous=again.previous_approval if again else None,
        allowed=approval.allowed_decisions,
    )


def edited(approval: Approval, args: Mapping[str, Any]) -> ApprovalView:
    """Returns the card of the call with other arguments, shown to their end."""
    text = canonical_text(args)
    shown = rows(args, approval.args_schema, limit=None)
    return replace(
        view(approval),
        rows=shown,
        raw=text,
        raw_shown=_shown(text, args, approval.args_schema),
        digest=digest(approval.tool, text),
    )


def headline(approval: Approval) -> str:
    """Returns what an approval is called, safe to print.

    A run's title is made by policy. Whoever asks from outside could write anything there, so their calls are named by
    what the digest covers, in our words, and theirs are only quoted.
    """
    if approval.run_id is not None:
        return one_line(approval.title)
    if approval.kind == "question":
        asked = questions(approval)
        return " ".join(asked[0].text)[:LONGEST] if asked else "A question"
    return one_line(title_of(approval.tool, masked(approval.args, approval.args_schema)))


def questions(approval: Approval) -> tuple[QuestionRow, ...]:
    """Returns the questions as the digest covers them: from the arguments, not from the field beside them."""
    try:
        asked = [Question.model_validate(entry) for entry in approval.args.get("questions", ())]
    except (ValidationError, TypeError):
        return ()
    return tuple(_question(question.numbered(index)) for index, question in enumerate(asked))


def _risk_why(approval: Approval) -> str:
    if approval.run_id is None:
        return "said by whoever asked"
    if approval.rule in _LISTS:
        return f"the default; the list “{approval.rule}” names this tool"
    if approval.rule is None or approval.rule == "mode":
        return "the default; no rule is about this call"
    return f"the rule “{one_line(approval.rule)}” is about this call"


def _says(approval: Approval) -> Iterator[str]:
    """Yields the lines of what others than us say of it."""
    said = (approval.says,) if approval.run_id else (approval.title, approval.reason, approval.says)
    for text in said:
        yield from lines(text) if text else ()


def _asked_again(approval: Approval) -> AskedAgain | None:
    """Returns why a run asks about its call again; only runs say so, and of calls only."""
    if approval.kind != "tool_call" or approval.run_id is None or "asked_again" not in (approval.context or {}):
        return None
    try:
        return AskedAgain.model_validate((approval.context or {})["asked_again"])
    except ValidationError:
        return None


def _shown(raw: str, args: Mapping[str, Any], schema: Mapping[str, Any] | None) -> str:
    """Returns the canonical text with masks for secrets; the digest covers the one without."""
    shown = masked(dict(args), schema)
    return raw if not raw or shown == args else canonical_text(shown)


def _told(text: str | None) -> str:
    return "nothing" if text is None else quoted(text)


def _bound(approval: Approval) -> tuple[str, str]:
    """Returns the canonical text of the arguments and its digest; empty where they have none."""
    tool = ASK_HUMAN if approval.kind == "question" else approval.tool
    try:
        text = canonical_text(approval.args)
        return text, digest(tool, text)
    except MalformedJsonError:
        return "", ""


def _question(question: Question) -> QuestionRow:
    return QuestionRow(
        id=question.id or "",
        header=one_line(question.header) if question.header else None,
        text=lines(question.question),
        choices=tuple(
            Choice(option.id or "", one_line(option.label), option.description and one_line(option.description))
            for option in question.options
        ),
        several=question.multi_select,
        takes_text=question.allow_text,
    )


def _facts(approval: Approval) -> Iterator[tuple[str, str]]:
    source = approval.source
    known = {
        "run": approval.run_id,
        "agent": approval.agent,
        "asked by": approval.requester,
        "turn": None if approval.turn is None else str(approval.turn),
        "workflow": source and source.workflow_id,
        "rule": approval.rule,
        "approvers": ", ".join(approval.approvers),
    }
    for name, value in known.items():
        if value:
            yield name, one_line(value)
