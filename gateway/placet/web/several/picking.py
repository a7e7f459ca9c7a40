"""Which approvals may be decided on together, and why not the others."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from placet.api.approvals.endpoints import visible
from placet.api.errors import ProblemError
from placet.api.rights import check_may_decide
from placet.cards import words
from placet.cards.rows import changes
from placet.cards.view import ApprovalView, view
from placet.cards.visible import one_line
from placet.web.inbox.rows import EASY, may_be_picked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from placet.api.identity import Caller
    from placet.api.services import Services
    from placet.contracts.approvals import Approval

MOST: Final = 100
DECISIONS: Final = ("approve", "reject")


@dataclass(frozen=True)
class Picked:
    """An approval that somebody picked, as it was shown to them.

    Attributes:
        why_not: Why it is left out; None where it is not.
        differs: What is not as in the first one that was picked: name and value here.
    """

    approval: Approval
    card: ApprovalView
    why_not: str | None
    differs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Pick:
    """What a list sends for a row: the approval, and the digest of what it showed."""

    approval_id: str
    digest: str

    @classmethod
    def of(cls, text: str) -> Pick:
        """Returns the pick that a field holds."""
        approval_id, _, digest = text.partition(" ")
        return cls(approval_id, digest)


async def picked(services: Services, caller: Caller, picks: Sequence[Pick], kind: str) -> list[Picked]:
    """Returns what was picked, in its order, with what keeps any of it from being decided on together."""
    found = [one for one in await asyncio.gather(*(_read(services, caller, pick) for pick in picks)) if one]
    first = next((approval for approval, _ in found if approval.kind == "tool_call"), None)
    return [_picked(services, caller, approval, pick, first, kind) for approval, pick in found]


async def seen(services: Services, caller: Caller, approval_id: str) -> Approval | None:
    """Returns an approval; None where there is no such one that the caller may see."""
    try:
        return await visible(services, caller, approval_id)
    except ProblemError:
        return None


async def _read(services: Services, caller: Caller, pick: Pick) -> tuple[Approval, Pick] | None:
    found = await seen(services, caller, pick.approval_id)
    return None if found is None else (found, pick)


def _picked(
    services: Services, caller: Caller, approval: Approval, pick: Pick, first: Approval | None, kind: str
) -> Picked:
    card = view(approval)
    refusal = check_may_decide(caller, approval, local=services.directory.local)
    why_not = _why_not(approval, card, pick, first, kind) or (refusal and refusal.message)
    differing = () if first is None else changes(first.args, approval.args, approval.args_schema)
    told = tuple((name, after) for name, _, after in differing)
    return Picked(approval, card, why_not, (*told, *_asked_otherwise(first or approval, approval)))


def _asked_otherwise(first: Approval, approval: Approval) -> Iterator[tuple[str, str]]:
    """Yields who asks where somebody else asks than for the first one."""
    for name, before, here in (
        ("of the agent", first.agent, approval.agent),
        ("asked by", first.requester, approval.requester),
    ):
        if before != here:
            yield name, one_line((here or "nobody").removeprefix("user:"))


def _why_not(approval: Approval, card: ApprovalView, pick: Pick, first: Approval | None, kind: str) -> str | None:
    reasons = (
        (approval.status != "pending", words.outcome(approval)),
        (approval.digest != pick.digest, "It has changed since the list was shown."),
        (approval.risk not in EASY, f"It needs individual review: its risk is {approval.risk}."),
        (not may_be_picked(approval, card), "It needs individual review: not all of it fits into a list."),
        (first is not None and approval.tool != first.tool, "It calls another tool."),
        (kind not in approval.allowed_decisions, f"It does not take {kind}."),
    )
    return next((reason for holds, reason in reasons if holds), None)
