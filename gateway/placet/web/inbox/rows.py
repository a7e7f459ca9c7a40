"""The rows of a list: an approval each, and one for the calls of a turn that wait together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from placet.cards.view import ApprovalView, view
from placet.contracts.approvals import Approval

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORT: Final = 160
"""Characters of each argument in a list."""
ARGUMENTS: Final = 3
"""Arguments that a list shows."""
EASY: Final = frozenset({"low", "medium"})
"""Risks that may be decided on several at a time."""


@dataclass(frozen=True)
class InboxRow:
    """An approval in a list.

    Attributes:
        turn: Names the turn whose other calls wait beside it; None where it waits alone.
        together: How many calls of that turn are in the list.
        can_be_picked: Whether it may be decided on together with others.
    """

    approval: Approval
    card: ApprovalView
    brief: tuple[tuple[str, str], ...]
    left: int
    turn: tuple[str, int] | None
    together: int
    can_be_picked: bool


def rows_of(found: Sequence[Approval]) -> list[InboxRow]:
    """Returns the rows of a list, in its order."""
    turns = [_turn(approval) for approval in found]
    return [_row(approval, turn, turns.count(turn) if turn else 1) for approval, turn in zip(found, turns, strict=True)]


def may_be_picked(approval: Approval, card: ApprovalView) -> bool:
    """Returns whether an approval may be decided on together with others: pending, easy, and seen as a whole."""
    return (
        approval.status == "pending"
        and approval.kind == "tool_call"
        and approval.risk in EASY
        and card.intact
        and not card.collapsed
    )


def _row(approval: Approval, turn: tuple[str, int] | None, together: int) -> InboxRow:
    card = view(approval)
    brief = tuple((row.name, _cut(row.brief)) for row in card.rows[:ARGUMENTS])
    return InboxRow(
        approval=approval,
        card=card,
        brief=brief or tuple(("asks", _cut(question.text[0])) for question in card.questions[:1]),
        left=max(len(card.rows) - ARGUMENTS, len(card.questions) - 1, 0),
        turn=turn if together > 1 else None,
        together=together,
        can_be_picked=may_be_picked(approval, card),
    )


def _turn(approval: Approval) -> tuple[str, int] | None:
    if approval.run_id is None or approval.turn is None or approval.status != "pending":
        return None
    return approval.run_id, approval.turn


def _cut(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[:SHORT]}…"
