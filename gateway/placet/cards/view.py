"""How an approval is shown, whoever shows it: web inbox, command line, Temporal's text.

The dangerous part, which turns the agent's arguments and words into something that a person reads, is done here once:
typed rows, nothing hidden, and the digest computed anew from exactly what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from pydantic import ValidationError

from placet.cards.visible import hidden_characters, lines, mixed_words, one_line, quoted
from placet.cards.words import status_words
from placet.contracts.canonical import MalformedJsonError, canonical_text, digest
from placet.contracts.questions import ASK_HUMAN, Question
from placet.contracts.runs import AskedAgain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from placet.contracts.approvals import Approval

ValueKind = Literal["text", "number", "boolean", "null", "list", "object"]

AGENT_SAYS: Final = "The agent says (untrusted)"
AGENT_ASKS: Final = "The agent asks (untrusted)"
EXACTLY: Final = "Exactly what will run"
AS_ASKED: Final = "What was asked"
COLLAPSED_AT: Final = 2_000
"""Characters of a value that are shown before the rest must be asked for."""
_ONE_LINE: Final = 80
_PLAIN_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


@dataclass(frozen=True)
class Row:
    """One argument.

    Attributes:
        name: Safe to print; in quotation marks where it is not a plain name.
        value: All of it, one or several lines, safe to print.
        shown: The beginning of it, as much as is shown at once.
        hidden: How many characters of the argument `shown` leaves out.
        warnings: What a reader could miss.
    """

    name: str
    kind: ValueKind
    value: tuple[str, ...]
    shown: tuple[str, ...]
    hidden: int
    warnings: tuple[str, ...]


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
        intact: `digest` is the one that the gateway names: what is shown is what would run.
        facts: Name and value of what else is known, in the order to show it.
        says: The model's own words, a line each; always to be bounded and labelled as untrusted.
        context: What the agent gave along with its questions, as untrusted as its words.
        asked_again: What is not as it was when the call was approved before: name, before and after.
        previous: The approval before, where the call had one.
    """

    id: str
    kind: str
    status: str
    risk: str
    tool: str
    title: str
    reason: tuple[str, ...]
    digest: str
    intact: bool
    raw: str
    rows: tuple[Row, ...]
    questions: tuple[QuestionRow, ...]
    facts: tuple[tuple[str, str], ...]
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


def view(approval: Approval, *, limit: int | None = COLLAPSED_AT) -> ApprovalView:
    """Returns what to show of an approval.

    Args:
        approval: As the gateway gave it.
        limit: Characters of each value to show at once; None shows all.
    """
    raw, shown_digest = _bound(approval)
    asks = approval.kind == "question"
    again = _asked_again(approval)
    return ApprovalView(
        id=one_line(approval.id),
        kind=approval.kind,
        status=status_words(approval),
        risk=approval.risk,
        tool=one_line(approval.tool),
        title=one_line(approval.title),
        reason=lines(approval.reason) if approval.reason else (),
        digest=shown_digest,
        intact=shown_digest == approval.digest,
        raw=raw,
        rows=() if asks else rows(approval.args, limit=limit),
        questions=questions(approval) if asks else (),
        facts=tuple(_facts(approval)),
        says=lines(approval.says) if approval.says else (),
        context=() if again else rows(approval.context or {}, limit=limit),
        asked_again=tuple((one_line(one.what), _told(one.before), _told(one.after)) for one in again.changes)
        if again
        else (),
        previous=again.previous_approval if again else None,
        allowed=approval.allowed_decisions,
    )


def rows(args: Mapping[str, Any], *, limit: int | None = COLLAPSED_AT) -> tuple[Row, ...]:
    """Returns one row for each argument, in canonical order."""
    return tuple(_row(name, args[name], limit) for name in sorted(args))


def questions(approval: Approval) -> tuple[QuestionRow, ...]:
    """Returns the questions as the digest covers them: from the arguments, not from the field beside them."""
    try:
        asked = [Question.model_validate(entry) for entry in approval.args.get("questions", ())]
    except (ValidationError, TypeError):
        return ()
    return tuple(_question(question.numbered(index)) for index, question in enumerate(asked))


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """Returns name, value before and after of each argument that differs; safe to print, `not set` where absent."""
    names = sorted({*before, *after})
    return tuple(
        (_name(name), _brief(before, name), _brief(after, name))
        for name in names
        if name not in before or name not in after or canonical_text(before[name]) != canonical_text(after[name])
    )


def _asked_again(approval: Approval) -> AskedAgain | None:
    """Returns why a run asks about its call again; only runs say so, and of calls only."""
    if approval.kind != "tool_call" or approval.run_id is None or "asked_again" not in (approval.context or {}):
        return None
    try:
        return AskedAgain.model_validate((approval.context or {})["asked_again"])
    except ValidationError:
        return None


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


def _row(name: str, value: object, limit: int | None) -> Row:
    whole = _written(value)
    text = value if isinstance(value, str) else "\n".join(whole)
    cut = len(text) if limit is None else limit
    hidden = max(len(text) - cut, 0)
    shown = whole
    if hidden:
        shown = _written(text[:cut]) if isinstance(value, str) else tuple(text[:cut].split("\n"))
    return Row(_name(name), _kind(value), whole, shown, hidden, tuple(_warnings(name, value)))


def _name(name: str) -> str:
    return name if name and _PLAIN_NAME.issuperset(name) else quoted(name)


def _brief(args: Mapping[str, Any], name: str) -> str:
    return _inline(args[name]) if name in args else "not set"


def _kind(value: object) -> ValueKind:
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list | tuple):
        return "list"
    return "null" if value is None else "object"


def _written(value: object) -> tuple[str, ...]:
    """Returns a value's lines: text that has several as it stands, all else as JSON."""
    if isinstance(value, str) and "\n" in value:
        return lines(value)
    short = _inline(value)
    if len(short) <= _ONE_LINE or not isinstance(value, list | tuple | dict):
        return (short,)
    return tuple(_spread(cast("object", value), "", ""))


def _inline(value: object) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return "{" + ", ".join(f"{quoted(key)}: {_inline(members[key])}" for key in sorted(members)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inline, cast("list[object]", value))) + "]"
    return canonical_text(cast("Any", value))


def _spread(value: object, before: str, after: str) -> Iterator[str]:
    """Yields a container's lines, a member each, down to what fits on a line."""
    short = _inline(value)
    if len(before) + len(short) <= _ONE_LINE or not isinstance(value, list | tuple | dict):
        yield f"{before}{short}{after}"
        return
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        entries = [(f"{quoted(key)}: ", members[key]) for key in sorted(members)]
    else:
        entries = [("", entry) for entry in cast("list[object]", value)]
    indent = before[: len(before) - len(before.lstrip(" "))]
    yield before + ("{" if isinstance(value, dict) else "[")
    for place, (label, entry) in enumerate(entries, 1):
        yield from _spread(entry, f"{indent}  {label}", "," if place < len(entries) else "")
    yield indent + ("}" if isinstance(value, dict) else "]") + after


def _warnings(name: str, value: object) -> Iterator[str]:
    texts = [name, *_texts(value)]
    hidden = sum(map(hidden_characters, texts))
    if hidden:
        yield f"contains {hidden} hidden character{'' if hidden == 1 else 's'}"
    mixed = [word for text in texts for word in mixed_words(text)]
    if mixed:
        yield f"mixes alphabets: {one_line(mixed[0])}"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, entry in cast("dict[str, object]", value).items():
            yield key
            yield from _texts(entry)
    elif isinstance(value, list | tuple):
        for entry in cast("list[object]", value):
            yield from _texts(entry)


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
