"""Who may see and decide what: pure rules over a caller and a thing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placet.api.authorisation import TAKES_BACK
from placet.contracts.errors import Refusal
from placet.contracts.reach import SEES, reaches

if TYPE_CHECKING:
    from placet.api.identity import Caller
    from placet.contracts.approvals import Approval
    from placet.contracts.reach import Relation


def may_see(caller: Caller, approval: Approval) -> bool:
    """Returns whether the caller may see the approval: all, their own, or what names them."""
    return reaches(SEES, caller.roles, relation_to(caller, approval))


def relation_to(caller: Caller, approval: Approval) -> frozenset[Relation]:
    """Returns what the approval is to the caller."""
    found: set[Relation] = set()
    if approval.requester == caller.id:
        found.add("own")
    if is_named(caller, approval):
        found.add("named")
    return frozenset(found)


def is_named(caller: Caller, approval: Approval) -> bool:
    """Returns whether the approval's list of approvers names the caller."""
    return caller.standing.is_named(approval.approvers, approval.requester)


def check_may_decide(caller: Caller, approval: Approval, *, local: bool) -> Refusal | None:
    """Returns why the caller may not decide on an approval that they may see.

    An admin has every role and decides on everything; nobody decides on a call that they asked for
    themselves, unless the rule allows it or the machine knows only one person.

    Args:
        caller: Who wants to decide.
        approval: What to decide on.
        local: Whether this is local mode.
    """
    if caller.agent:
        # Not even where it is the requester that an approval names: it would answer itself.
        return Refusal(code="not_allowed", message=f"{caller.id} is an agent, and agents do not decide.")
    asked_themselves = approval.requester == caller.id
    if not caller.standing.may_decide(approval.approvers, approval.requester):
        return _not_entitled(caller, approval)
    if approval.kind == "tool_call" and asked_themselves and not approval.self_approval and not local:
        return Refusal(
            code="self_approval",
            message=f"{caller.id} asked for this call; somebody else has to decide on it.",
            details={"requester": approval.requester},
        )
    return None


def check_may_withdraw(caller: Caller, approval: Approval) -> Refusal | None:
    """Returns why the caller may not withdraw an approval that they may see."""
    if reaches(TAKES_BACK, caller.roles, relation_to(caller, approval)):
        return None
    return Refusal(code="not_allowed", message="Who asked, or an admin, withdraws an approval.")


def _not_entitled(caller: Caller, approval: Approval) -> Refusal:
    named = {"approvers": list(approval.approvers)}
    if caller.has("approver"):
        listed = ", ".join(approval.approvers)
        return Refusal(
            code="not_an_approver",
            message=f"{caller.id} is not one of the approvers: {listed}.",
            details=named,
        )
    message = f"{caller.id} has not the role approver."
    return Refusal(code="not_allowed", message=message, details=named)
