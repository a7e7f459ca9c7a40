"""The digest of a card: the same for everybody who sees the same, and of nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from placet.cards.digest import card_digest, digest_of_card
from placet.cards.view import edited, view
from placet.contracts.approvals import Approval

ARGS: dict[str, Any] = {"amount": 250, "note": "x" * 5_000}
GIVEN: dict[str, Any] = {
    "id": "a" * 32,
    "kind": "tool_call",
    "status": "pending",
    "tool": "refund",
    "args": ARGS,
    "digest": "sha256:" + "0" * 64,
    "title": "Refund 250",
    "says": "The customer asked.",
    "context": {"order": "A-1"},
    "allowed_decisions": ("approve", "edit", "reject"),
    "approvers": ("role:approver",),
    "requested_at": "2026-07-01T14:02:11Z",
    "temporal": {"workflow_id": "approval-1"},
}


def approval(**changed: Any) -> Approval:
    return Approval.model_validate({**GIVEN, **changed})


def test_it_is_the_same_however_much_of_a_value_is_unfolded_and_whatever_became_of_it() -> None:
    seen = digest_of_card(approval())
    assert seen == card_digest(view(approval(), limit=None)) == card_digest(view(approval(), limit=3))
    assert seen == digest_of_card(approval(status="expired", ended_at="2026-07-02T00:00:00Z"))


@pytest.mark.parametrize(
    "changed",
    [
        {"args": {**ARGS, "amount": 251}},
        {"args": {**ARGS, "note": "x" * 4_999 + "y"}},
        {"tool": "refunds"},
        {"title": "Refund 25"},
        {"says": "The customer asked!"},
        {"context": {"order": "A-2"}},
        {"risk": "high"},
        {"reason": "because"},
        {"rule": "large"},
        {"approvers": ("user:eve",)},
        {"requester": "user:bot"},
        {"allowed_decisions": ("approve",)},
        {"id": "b" * 32},
    ],
)
def test_whatever_else_the_card_says_makes_it_another(changed: dict[str, Any]) -> None:
    assert digest_of_card(approval(**changed)) != digest_of_card(approval())


def test_the_card_of_an_edit_is_that_of_its_arguments() -> None:
    changed = {**ARGS, "amount": 1}
    assert digest_of_card(approval(), changed) == card_digest(edited(approval(), changed))
    assert digest_of_card(approval(), changed) != digest_of_card(approval())
    assert digest_of_card(approval(), ARGS) == digest_of_card(approval())


def test_a_version_of_the_cards_has_these_digests() -> None:
    """Who changes what a card says changes its version too: else old decisions would seem to be on other cards."""
    assert digest_of_card(approval()) == "sha256:a562edf360f07e6bfba7f18817eeb7d84996ed43f0aa8b0d6dca00fbbe897202"
