"""What happened to an approval, in order: who, when, and the way they came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from placet.cards import words
from placet.cards.digest import digest_of_card
from placet.cards.visible import lines, one_line
from placet.contracts.errors import CODES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from placet.contracts.approvals import Approval
    from placet.contracts.decisions import Proof


@dataclass(frozen=True)
class Entry:
    """Something that happened; every text is safe to print."""

    at: datetime | None
    what: str
    who: str
    note: tuple[str, ...] = ()
    digest: str = ""
    proof: tuple[str, ...] = ()


def history(approval: Approval) -> list[Entry]:
    """Returns everything that is known, the first thing first."""
    return list(_entries(approval))


def proved(proof: Proof | None, card: str | None = None) -> tuple[str, ...]:
    """Returns what the record says of how somebody was known, and of the card that they saw.

    Args:
        proof: As the record has it.
        card: The digest of the card as it is made from the record.
    """
    if proof is None:
        return ()
    known = words.known_by(proof).capitalize()
    if card is None or proof.card_digest is None:
        return (known,)
    return known, f"Had before them {words.card_seen(proof.card_digest, card)}"


def _entries(approval: Approval) -> Iterator[Entry]:
    asked_by = one_line(approval.agent or approval.requester or "a workflow")
    yield Entry(approval.requested_at, "Requested", asked_by, digest=approval.digest)
    for refused in approval.refused:
        why = CODES[refused.code].title if refused.code in CODES else one_line(refused.code)
        yield Entry(
            refused.at, f"A decision did not count: {why}", words.person(refused.by), proof=proved(refused.proof)
        )
    decision = approval.decision
    if decision is not None:
        note = lines(decision.message) if decision.message else ()
        what = words.status_words(approval).capitalize()
        shown = digest_of_card(approval, decision.args)
        at, who, proof = approval.ended_at or decision.received_at, words.person(decision.by), decision.proof
        yield Entry(at, what, who, note, decision.digest, proved(proof, shown))
    elif approval.ended_at is not None:
        yield Entry(approval.ended_at, words.status_words(approval).capitalize(), "")
    execution = approval.execution
    if execution is not None and execution.started_at is not None:
        yield Entry(execution.started_at, "The tool started", "", digest=execution.digest)
    if execution is not None and execution.ended_at is not None:
        yield Entry(execution.ended_at, f"The tool ended: {execution.status}", "")
