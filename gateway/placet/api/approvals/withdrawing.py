"""Withdrawing: who asked does not want an answer any more. It goes the way of a decision."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Literal

from placet.api.decisions.deciding import Recorded, lost, not_found
from placet.api.decisions.delivery import Envelope, Stored
from placet.api.errors import ClosedError, ProblemError, UnreachableError
from placet.api.rights import check_may_withdraw, may_see
from placet.api.views import conflict
from placet.contracts.decisions import Decision, WithdrawInput, withdrawal_fingerprint
from placet.contracts.errors import RefusedError
from placet.contracts.seal import seal

if TYPE_CHECKING:
    from placet.api.decisions.delivery import Delivery
    from placet.api.identity import Caller
    from placet.api.lookup import Lookup
    from placet.api.ports import Approvals
    from placet.contracts.approvals import Approval


class Withdrawing:
    """Takes approvals back."""

    def __init__(self, approvals: Approvals, delivery: Delivery, lookup: Lookup) -> None:
        self._approvals = approvals
        self._delivery = delivery
        self._lookup = lookup

    async def withdraw(
        self,
        caller: Caller,
        approval_id: str,
        reason: str | None,
        status: Literal["cancelled", "superseded"] = "cancelled",
    ) -> Approval | Recorded:
        """Returns the withdrawn approval, or that the withdrawal is recorded.

        Raises:
            ProblemError: `not_found`, `unavailable`.
            RefusedError: The caller may not, or it has ended.
        """
        withdrawal_id = uuid.uuid4().hex
        try:
            approval = await self._open(caller, approval_id)
            wanted = WithdrawInput(id=withdrawal_id, status=status, by=caller.person(), reason=reason)
            given = await self._sealed(caller, approval_id, wanted)
            return await self._send(caller, approval, given)
        except UnreachableError as error:
            detail = f"Withdraw it again: {error}."
            raise ProblemError(
                code="unavailable", detail=detail, maybe_recorded=error.sent, decision_id=withdrawal_id
            ) from error

    async def _sealed(self, caller: Caller, approval_id: str, given: WithdrawInput) -> WithdrawInput:
        mark = withdrawal_fingerprint(given.status, given.reason)
        proof = seal(await self._lookup.seal_key(), approval_id, given.id or "", mark, caller.person())
        return given.model_copy(update={"seal": proof})

    async def _open(self, caller: Caller, approval_id: str) -> Approval:
        approval = await self._lookup.known(approval_id)
        if approval is None or not may_see(caller, approval):
            raise not_found(approval_id)
        refusal = check_may_withdraw(caller, approval)
        approval = approval if refusal else await self._lookup.referred(approval)
        if refusal is None and approval.status != "pending":
            refusal = conflict(approval)
        if refusal is not None:
            raise RefusedError(refusal)
        return approval

    async def _send(self, caller: Caller, approval: Approval, given: WithdrawInput) -> Approval | Recorded:
        # For those who look: past its deadline the approval is not expired, the withdrawal is on its way.
        noted = Decision(id=given.id or "", fingerprint="", type="", digest="", by=caller.person())
        envelope = Envelope(
            approval_id=approval.id,
            expires_at=approval.expires_at,
            update=lambda: self._approvals.withdraw(approval.id, given),
            store=lambda: self._approvals.store_withdrawal(approval.id, given),
            note=lambda: self._lookup.note(approval.id, noted),
        )
        try:
            answer = await self._delivery.deliver(envelope)
        except RefusedError as error:
            raise RefusedError(await lost(self._lookup, approval, error.refusal)) from error
        except ClosedError as error:
            raise RefusedError(conflict(await self._lookup.ended(approval))) from error
        if isinstance(answer, Stored):
            return Recorded(decision_id=given.id or "")
        return await self._lookup.answered(approval, answer)
