"""An edit makes another call: what policy would have laid down for that one counts too.

An approval carries the terms of the call that was asked for. Arguments that come under another rule must not borrow
them: a hundred that finance may release does not become a million that only the board may.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

from placet.contracts.calls import Risk
from placet.contracts.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placet.api.identity import Caller
    from placet.api.policy import EditPolicy
    from placet.contracts.approvals import Approval
    from placet.contracts.calls import Terms, Verdict

_GRAVER: Final[Mapping[Risk, int]] = {risk: place for place, risk in enumerate(get_args(Risk))}


def check_edit(
    approval: Approval, args: dict[str, Any], caller: Caller, policy: EditPolicy, *, local: bool
) -> Refusal | None:
    """Returns why the caller may not let the approval's call run with other arguments: `edit_denied`.

    Args:
        approval: What was asked for.
        args: The new arguments, which fit the tool's schema.
        caller: Who wants them; they may decide on what was asked for.
        policy: Judges the call again.
        local: Whether this is local mode, where the one person decides on what they asked for.
    """
    verdict = policy.judge_edit(approval, args)
    if verdict.effect == "deny":
        reason = verdict.reason or "Policy denies this call."
        return _denied(f"Policy denies the edited call: {reason}", verdict)
    terms = _other_terms(approval, verdict, policy)
    if terms is None:
        return None
    if not caller.standing.may_decide(terms.approvers, approval.requester):
        return _denied(f"The edited call is for others to decide: {', '.join(terms.approvers)}.", verdict)
    if approval.requester == caller.id and not terms.self_approval and not local:
        return _denied("Who asked may not decide on the edited call; somebody else has to.", verdict)
    return None


def risk_of_edit(approval: Approval, args: dict[str, Any], policy: EditPolicy) -> Risk:
    """Returns how grave the edited call is: as grave as what was asked for at least."""
    terms = _other_terms(approval, policy.judge_edit(approval, args), policy)
    if terms is None:
        return approval.risk
    return max(approval.risk, terms.risk, key=lambda risk: _GRAVER[risk])


def _other_terms(approval: Approval, verdict: Verdict, policy: EditPolicy) -> Terms | None:
    """Returns the terms of the edited call, where they are not those that policy has for the one asked for.

    An approval may have been asked for with terms of its own, outside policy; those hold as long as the edit comes
    under the same rule.
    """
    if verdict.terms is None or verdict.terms == policy.judge_edit(approval, approval.args).terms:
        return None
    return verdict.terms


def _denied(message: str, verdict: Verdict) -> Refusal:
    return Refusal(
        code="edit_denied", message=message, details={"rule": verdict.rule, "reason": verdict.reason or message}
    )
