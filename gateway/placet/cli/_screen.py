"""An approval on paper: lines for a terminal, cut to its width, or lines with tabs for a pipe."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from rich.cells import cell_len, chop_cells

from placet.cards import words
from placet.cards.digest import digest_of_card
from placet.cards.rows import COLLAPSED_AT, NO_FORMATTER, changes
from placet.cards.view import AS_ASKED, EXACTLY, view
from placet.cards.visible import lines, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from placet.cards.rows import Row
    from placet.cards.view import ApprovalView, QuestionRow
    from placet.cli._output import Output
    from placet.contracts.approvals import Approval
    from placet.contracts.decisions import Proof

_NAME_WIDTH: Final = 20
_SHORT_DIGEST: Final = len("sha256:") + 12
_NOT_INTACT: Final = (
    "! The digest that the gateway names is not that of what is shown here: deciding on it is not possible."
)


def now() -> datetime:
    """Returns the time of this machine, for showing what is left; it decides nothing."""
    return datetime.now(UTC)


def paper(out: Output, approval: Approval, *, limit: int | None = COLLAPSED_AT) -> list[str]:
    """Returns everything a person needs to decide, safe to print: our words, the arguments, then the agent's."""
    seen = view(approval, limit=limit)
    return [
        *_head(out, approval, seen),
        *_bound(out, approval, seen, EXACTLY if approval.status == "pending" else AS_ASKED),
        *_again(out, seen),
        *_agent(out, seen),
        *_ends(out, approval),
    ]


def what_is_decided(out: Output, approval: Approval, heading: str = EXACTLY) -> list[str]:
    """Returns only what a decision on this approval binds: title, arguments in full, digest."""
    seen = view(approval, limit=None)
    return [*_headline(out, seen), *_bound(out, approval, seen, heading)]


def _bound(out: Output, approval: Approval, seen: ApprovalView, heading: str) -> Iterator[str]:
    """Yields what the digest covers."""
    return _call(out, seen, heading) if approval.kind == "tool_call" else _questions(out, seen)


def _head(out: Output, approval: Approval, seen: ApprovalView) -> Iterator[str]:
    until = words.deadline(approval, now(), out.zone)
    yield from _headline(out, seen)
    yield from _named(out, "id", seen.id)
    yield from _named(out, "risk", f"{seen.risk}: {seen.risk_why}")
    yield from _named(out, "status", seen.status + (f", {until}" if approval.status == "pending" else ""))
    for name, value in seen.facts:
        yield from _named(out, name, value)
    yield from _named(out, "asked at", words.moment(approval.requested_at, out.zone))
    for line in seen.reason:
        yield from _named(out, "because", line)
    if approval.temporal.url:
        # In one piece: it is ours, and people click on it.
        yield (
            f"{'temporal'.ljust(_NAME_WIDTH)} {approval.temporal.url}"
            if out.on_terminal
            else f"temporal\t{approval.temporal.url}"
        )


def _headline(out: Output, seen: ApprovalView) -> Iterator[str]:
    pieces = list(_wrapped(out, " " * (len(seen.risk) + 2), seen.title))
    yield f"{out.risk(seen.risk)}  {out.bold(pieces[0].strip())}"
    yield from map(out.bold, pieces[1:])


def _call(out: Output, seen: ApprovalView, heading: str) -> Iterator[str]:
    yield _rule(out, f"{heading} ({seen.digest[:_SHORT_DIGEST] if out.on_terminal else seen.digest})")
    yield from _named(out, "tool", seen.tool)
    if not seen.rows:
        yield "  no arguments"
    for row in seen.rows:
        yield from _row(out, row)
    if not seen.intact:
        yield _NOT_INTACT


def _row(out: Output, row: Row) -> Iterator[str]:
    # In a pipe the prefix keeps an argument that is called `status` from being read as ours.
    name = row.name if out.on_terminal else f"args.{row.name}"
    if len(row.shown) == 1:
        yield from _named(out, name, row.shown[0], indent="  ")
    else:
        yield f"  {name}"
        yield from _bounded(out, row.shown)
    if row.hidden:
        yield f"    ({row.hidden:,} more characters: b to read)"
    if row.unformatted:
        yield f"    {NO_FORMATTER}"
    for fact in row.facts:
        yield from _wrapped(out, f"    {row.look}: ", fact)
    for warning in row.warnings:
        yield f"    ! {warning}"


def _again(out: Output, seen: ApprovalView) -> Iterator[str]:
    """Yields what changed since the call was approved before."""
    if not seen.asked_again and seen.previous is None:
        return
    yield _rule(out, "Asked again: since it was approved, something changed")
    if seen.previous is not None:
        yield from _named(out, "approved in", one_line(seen.previous))
    for name, old, new in seen.asked_again:
        yield from _wrapped(out, "  ", f"- {name}: {old}", "      ")
        yield from _wrapped(out, "  ", f"+ {name}: {new}", "      ")


def _questions(out: Output, seen: ApprovalView) -> Iterator[str]:
    yield _rule(out, f"{seen.asks_heading} ({seen.digest[:_SHORT_DIGEST] if out.on_terminal else seen.digest})")
    for question in seen.questions:
        yield from question_lines(out, question)
    if not seen.intact or not seen.questions:
        yield _NOT_INTACT


def question_lines(out: Output, question: QuestionRow) -> Iterator[str]:
    """Yields a question with its options, the agent's words bounded."""
    takes = [
        *(["several options" if question.several else "one option"] if question.choices else []),
        *(["text"] if question.takes_text else []),
    ]
    yield from _named(out, "question", f"{question.id!s} ({' and/or '.join(takes)})")
    yield from _bounded(out, ([f"{question.header}: "] if question.header else []) + list(question.text))
    for place, choice in enumerate(question.choices, 1):
        described = f" - {choice.description}" if choice.description else ""
        identified = "" if choice.id == str(place) else f" [{choice.id}]"
        yield from _wrapped(out, "    ", f"{place}) {choice.label}{identified}{described}")


def _agent(out: Output, seen: ApprovalView) -> Iterator[str]:
    if seen.says:
        yield _rule(out, seen.says_heading)
        yield from _bounded(out, seen.says)
    if seen.context:
        yield _rule(out, "Given along with it (untrusted)")
        for row in seen.context:
            yield from _row(out, row)


def _ends(out: Output, approval: Approval) -> Iterator[str]:
    if approval.status == "pending" and not approval.recorded:
        return
    yield _rule(out, "What became of it")
    yield from _wrapped(out, "", words.outcome(approval, out.zone))
    decision = approval.decision
    if decision is not None and decision.message:
        yield "  message"
        yield from _bounded(out, lines(decision.message))
    if decision is not None and decision.args is not None:
        yield from edit_lines(out, approval.args, decision.args, approval.args_schema)
        yield from _named(out, "digest of what runs", one_line(decision.digest))
    if decision is not None and decision.proof is not None:
        yield from _proof(out, approval, decision.proof)
    for question_id, answer in ((decision and decision.answers) or {}).items():
        said = ", ".join([*answer.options, *([answer.text] if answer.text else [])])
        yield from _named(out, f"answer {one_line(question_id)}", one_line(said))
    if approval.execution is not None:
        yield from _named(out, "the tool", approval.execution.status)


def _proof(out: Output, approval: Approval, proof: Proof) -> Iterator[str]:
    """Yields how the gateway knew who decided, and which card they had before them."""
    yield from _named(out, "known by", words.known_by(proof))
    if proof.card_digest is not None:
        args = approval.decision.args if approval.decision else None
        yield from _named(out, "card seen", words.card_seen(proof.card_digest, digest_of_card(approval, args)))


def edit_lines(
    out: Output, before: Mapping[str, Any], after: Mapping[str, Any], schema: Mapping[str, Any] | None
) -> Iterator[str]:
    """Yields what an edit changes, an argument at a time; secrets of the schema are masked."""
    for name, old, new in changes(before, after, schema):
        yield from _wrapped(out, "  ", f"- {name}: {old}", "      ")
        yield from _wrapped(out, "  ", f"+ {name}: {new}", "      ")


def _rule(out: Output, title: str) -> str:
    return f"--- {title} ".ljust(min(out.width, 100), "-") if out.on_terminal else f"# {title}"


def _named(out: Output, name: str, value: str, indent: str = "") -> Iterator[str]:
    if not out.on_terminal:
        yield f"{name}\t{value}"
        return
    label = f"{indent}{name}".ljust(_NAME_WIDTH) + " "
    yield from _wrapped(out, label, value, " " * (_NAME_WIDTH + 1))


def _bounded(out: Output, texts: Sequence[str]) -> Iterator[str]:
    """Yields lines behind a bar, each of them, however the terminal would have broken them."""
    for text in texts:
        yield from _wrapped(out, "    | ", text, "    | ")


def _wrapped(out: Output, first: str, text: str, rest: str = "    ") -> Iterator[str]:
    """Yields a text's lines, broken by us: what the terminal breaks could look like a line of ours."""
    if not out.on_terminal:
        yield first + text
        return
    room = max(out.width - max(cell_len(first), cell_len(rest)) - 1, 10)
    for place, piece in enumerate(_pieces(text, room)):
        yield (rest if place else first) + piece


def _pieces(text: str, room: int) -> Iterator[str]:
    """Yields the text in pieces that fit, broken after a space where one is near; nothing is left out."""
    while len(text) > room or cell_len(text) > room:
        piece = chop_cells(text[: room + 1], room)[0]
        space = piece.rfind(" ")
        end = space + 1 if space > len(piece) // 2 else len(piece)
        yield text[:end]
        text = text[end:]
    yield text
