"""The ladder of risk: what a yes takes beyond one press of a button."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placet.api.auth.freshness import RUNS_SOMETHING

if TYPE_CHECKING:
    from placet.cards.view import ApprovalView
    from placet.web.posted import Posted


def must_confirm(card: ApprovalView, kind: str, posted: Posted) -> bool:
    """Returns whether the person must be asked once more: grave, and not confirmed for exactly these bytes."""
    if kind not in RUNS_SOMETHING or not card.grave:
        return False
    return posted.one("confirmed") != card.digest or mistyped(card, posted)


def must_type(card: ApprovalView) -> str | None:
    """Returns what has to be typed before a critical call runs: the tool's name; None where nothing has to be."""
    return card.tool if card.risk == "critical" else None


def mistyped(card: ApprovalView, posted: Posted) -> bool:
    """Returns whether what had to be typed was not."""
    wanted = must_type(card)
    return wanted is not None and posted.one("typed").strip() != wanted.strip()
