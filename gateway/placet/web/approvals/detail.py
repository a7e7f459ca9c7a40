"""The page of one approval: the card, where its run stands, what happens next."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from placet.api.approvals.listing import viewer_of
from placet.api.auth.freshness import needs_sign_in, sign_in_again
from placet.api.errors import ProblemError
from placet.api.rights import check_may_decide
from placet.api.runs.endpoints import visible_run
from placet.cards.digest import card_digest
from placet.cards.rows import COLLAPSED_AT, changes
from placet.cards.view import view
from placet.ledger import ApprovalQuery, LedgerError
from placet.web.approvals.history import history
from placet.web.runs.steps import Step, goal, schemas_of, steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placet.api.identity import Caller
    from placet.api.services import Services
    from placet.contracts.approvals import Approval
    from placet.contracts.errors import Refusal
    from placet.contracts.runs import Run

LAST: Final = 5
"""Steps of the run that are shown beside an approval."""
BESIDE: Final = 20
"""Approvals that are listed beside the one that is open."""
QUICK_REASONS: Final = (
    "Not needed any more",
    "Wrong amount or recipient",
    "Ask the customer first",
    "Too risky",
    "Somebody else does it",
)


@dataclass(frozen=True)
class RunContext:
    """The run that asks, as an approver needs it."""

    run: Run
    goal: str
    model: str
    last: tuple[Step, ...]
    others: tuple[Approval, ...]


async def content(services: Services, caller: Caller, approval: Approval, *, whole: bool) -> dict[str, Any]:
    """Returns what the page of an approval shows.

    Args:
        services: Where to look.
        caller: Who reads it.
        approval: As it is now.
        whole: Whether long values are shown to their end.
    """
    card = view(approval, limit=None if whole else COLLAPSED_AT)
    queue, waiting = await _queue(services, caller)
    refusal = check_may_decide(caller, approval, local=services.directory.local)
    return {
        "approval": approval,
        "card": card,
        "whole": whole,
        "decidable": approval.status == "pending" and not approval.recorded and refusal is None,
        "why_not": why_not(refusal, approval) if approval.status == "pending" else None,
        "unread": card.collapsed if card.grave else (),
        "run_context": await _run_context(services, caller, approval),
        "history": history(approval),
        "ran": _what_ran(approval),
        "queue": queue,
        "count": waiting,
        "next_up": _next_up(queue, approval),
        "quick_reasons": QUICK_REASONS,
        "card_digest": card_digest(card),
        "fresh_sign_in": sign_in_again(approval) if needs_sign_in(caller, approval, services.clock()) else None,
    }


def _next_up(queue: Sequence[Approval], approval: Approval) -> Approval | None:
    """Returns what waits behind an approval, or the most urgent one where it is the last or waits no more."""
    places = [place for place, one in enumerate(queue) if one.id == approval.id]
    behind = queue[places[0] + 1 :] if places else ()
    return next((one for one in (*behind, *queue) if one.id != approval.id), None)


def why_not(refusal: Refusal | None, approval: Approval) -> str | None:
    """Returns why the reader may not decide, and who can; None where they may."""
    if refusal is None:
        return None
    who = ", ".join(approval.approvers)
    if refusal.code == "self_approval":
        asked = "started this run" if approval.run_id else "asked for this"
        return f"You {asked}, so somebody else decides: {who}."
    return f"You may look at this; deciding is for {who}."


def _what_ran(approval: Approval) -> tuple[tuple[str, str, str], ...]:
    """Returns what an edit changed: name, as it was asked, as it runs."""
    decision = approval.decision
    return (
        () if decision is None or decision.args is None else changes(approval.args, decision.args, approval.args_schema)
    )


async def _run_context(services: Services, caller: Caller, approval: Approval) -> RunContext | None:
    if approval.run_id is None:
        return None
    # The card stands without its context: the ledger may be away for a moment, or the run not be theirs to see.
    with suppress(ProblemError, LedgerError):
        run = await visible_run(services, caller, approval.run_id)
        messages = await services.ledger.run_messages(run.id)
        others = tuple(one for one in run.pending if one.id != approval.id and one.turn == approval.turn)
        agents = await services.ledger.agents()
        models = {agent.name: agent.model or "" for agent in agents}
        last = steps(messages, schemas_of(run.agent, agents, (approval,)))[-LAST:]
        return RunContext(run, goal(messages), models.get(run.agent, ""), tuple(last), others)
    return None


async def _queue(services: Services, caller: Caller) -> tuple[Sequence[Approval], int]:
    """Returns the most urgent of what waits, and how much waits."""
    query = ApprovalQuery(sort="urgency", limit=BESIDE, visible_to=viewer_of(caller))
    with suppress(LedgerError):
        now = services.clock()
        found = (await services.ledger.approvals(query, now)).items
        full = len(found) == BESIDE
        return found, await services.ledger.count_approvals(query, now) if full else len(found)
    return (), 0
