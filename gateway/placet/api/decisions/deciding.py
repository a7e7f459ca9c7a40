"""Deciding: one person's word on one approval, from the request to the answer.

Temporal is the referee. The ledger is read to refuse early and to tell losers who won; when it is down, the
approval is asked itself, and the decision goes through all the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import structlog
from pydantic import BaseModel

from placet.api.auth.freshness import check_confirmed, check_fresh
from placet.api.decisions.checks import check_content, decision_of
from placet.api.decisions.delivery import Envelope, Stored
from placet.api.decisions.edits import risk_of_edit
from placet.api.errors import ClosedError, ProblemError, UnreachableError
from placet.api.rights import check_may_decide, may_see
from placet.api.views import conflict, overlaid
from placet.contracts.approvals import Approval, End
from placet.contracts.canonical import parse_object
from placet.contracts.decisions import DecideInput, Decision, DecisionRecord
from placet.contracts.errors import Refusal, RefusedError
from placet.contracts.seal import seal

if TYPE_CHECKING:
    from placet.api.auth.limits import Limiter
    from placet.api.decisions.delivery import Clock, Delivery
    from placet.api.identity import Caller
    from placet.api.lookup import Lookup
    from placet.api.metrics.counting import GatewayMetrics
    from placet.api.policy import EditPolicy
    from placet.api.ports import Approvals
    from placet.contracts.calls import Risk
    from placet.contracts.decisions import DecisionBody
    from placet.contracts.errors import Code
    from placet.ledger import StoredDecision

ENDS: Final = frozenset({"already_decided", "expired", "cancelled", "superseded"})
"""The codes that say that an approval has ended."""

_log = structlog.stdlib.get_logger(__name__)


class Recorded(BaseModel):
    """Temporal has the decision, and no worker has said yet whether it counts."""

    status: Literal["recorded"] = "recorded"
    decision_id: str


@dataclass(frozen=True)
class DecisionRequest:
    """A decision that somebody wants to count.

    Attributes:
        key: The idempotency key, theirs or one made for them; the decision's id comes from it.
        may_repeat: Whether they sent the key: what goes under one that was made here has never been recorded.
        confirmed: Whether they were asked once more, where the risk is grave.
    """

    approval_id: str
    caller: Caller
    key: str
    decision: Decision
    may_repeat: bool = True
    confirmed: bool = False


def decision_request(
    approval_id: str, caller: Caller, body: DecisionBody, key: str | None, now: datetime, *, confirmed: bool = False
) -> DecisionRequest:
    """Returns the decision that a body holds, under the id that its key gives.

    Raises:
        RefusedError: `invalid_decision`.
    """
    used = key or uuid.uuid4().hex
    decision = decision_of(body, decision_id(approval_id, caller, used), caller, now)
    return DecisionRequest(approval_id, caller, used, decision, may_repeat=key is not None, confirmed=confirmed)


def decision_id(approval_id: str, caller: Caller, key: str) -> str:
    """Returns the id of a decision: the same for the same approval, caller and key."""
    return hashlib.sha256(f"{approval_id}\n{caller.id}\n{key}".encode()).hexdigest()[:32]


class _NamedEnd(BaseModel):
    """What the gate's refusal says about the end."""

    status: End = "expired"
    decision: DecisionRecord | None = None
    winner: Decision | None = None
    ended_at: datetime | None = None


class Deciding:
    """Decides on approvals."""

    def __init__(  # noqa: PLR0913 - each is a part of its own
        self,
        *,
        approvals: Approvals,
        delivery: Delivery,
        policy: EditPolicy,
        clock: Clock,
        lookup: Lookup,
        local: bool,
        metrics: GatewayMetrics,
        limiter: Limiter | None = None,
    ) -> None:
        self._approvals = approvals
        self._delivery = delivery
        self._policy = policy
        self._clock = clock
        self._local = local
        self._lookup = lookup
        self._metrics = metrics
        self._limiter = limiter

    def admit(self, caller: Caller, decisions: int = 1) -> None:
        """Counts decisions of somebody, before anything is looked up for them.

        Raises:
            ProblemError: `slow_down`.
        """
        if self._limiter is not None:
            self._limiter.take(caller.id, decisions)

    async def decide(self, wanted: DecisionRequest) -> Approval | Recorded:
        """Returns the approval that the decision ended, or that the decision is recorded.

        Raises:
            ProblemError: `not_found`, `slow_down`, or `unavailable` with what to repeat.
            RefusedError: Anything else of the contract.
        """
        self.admit(wanted.caller)
        return await self.apply(wanted)

    async def apply(self, wanted: DecisionRequest) -> Approval | Recorded:
        """Does as `decide`, for somebody who was admitted before."""
        return await self._metrics.decision(wanted.decision.type, self._decide(wanted), accepted=Approval)

    async def _decide(self, wanted: DecisionRequest) -> Approval | Recorded:
        try:
            approval = await self.entitled(wanted)
            earlier = await self._earlier(wanted)
            if earlier is not None:
                return await self._repeated(wanted, approval, earlier)
            approval = await self._lookup.referred(approval)
            await self.fitting(wanted, approval)
            if wanted.decision.args_text is not None:
                risk = await self.risk(approval, parse_object(wanted.decision.args_text))
                self._check_grave(wanted, approval.model_copy(update={"risk": risk}))
            return await self._send(wanted, approval)
        except UnreachableError as error:
            raise unavailable(wanted, str(error), maybe_recorded=error.sent) from error

    async def entitled(self, wanted: DecisionRequest) -> Approval:
        """Returns the approval, where the caller may decide on it.

        Raises:
            ProblemError: `not_found`.
            RefusedError: They may see it, not decide.
            ProblemError: `unauthenticated`: for this risk they have to prove again who they are; `not_allowed`: they
                have to be asked once more.
            UnreachableError: Neither the ledger nor a worker can say what it is.
        """
        approval = await self._lookup.known(wanted.approval_id)
        if approval is None or not may_see(wanted.caller, approval):
            raise not_found(wanted.approval_id)
        refusal = check_may_decide(wanted.caller, approval, local=self._local)
        if refusal is not None:
            raise RefusedError(refusal)
        self._check_grave(wanted, approval)
        return approval

    def _check_grave(self, wanted: DecisionRequest, approval: Approval) -> None:
        check_fresh(wanted.caller, approval, self._clock())
        check_confirmed(wanted.caller, approval, wanted.decision.type, confirmed=wanted.confirmed)

    async def fitting(self, wanted: DecisionRequest, approval: Approval) -> None:
        """Refuses what the approval would not take as it is known here.

        Where there are arguments to hold against a schema that anybody may have written, a thread does it.

        Raises:
            RefusedError: In the order of the contract: type, arguments, policy, ended, digest.
        """
        check = partial(
            check_content, approval, wanted.decision, wanted.caller, self._clock(), self._policy, local=self._local
        )
        refusal = await asyncio.to_thread(check) if wanted.decision.args_text is not None else check()
        if refusal is not None:
            raise RefusedError(refusal)

    async def risk(self, approval: Approval, args: dict[str, Any] | None) -> Risk:
        """Returns how grave it is to let the call run, as it was asked for or with other arguments."""
        if args is None:
            return approval.risk
        return await asyncio.to_thread(risk_of_edit, approval, args, self._policy)

    async def is_repeat(self, wanted: DecisionRequest) -> bool:
        """Returns whether a decision of that id has been recorded."""
        return await self._earlier(wanted) is not None

    async def _earlier(self, wanted: DecisionRequest) -> StoredDecision | None:
        if not wanted.may_repeat:
            return None
        return await self._lookup.earlier(wanted.approval_id, wanted.decision.id)

    async def _repeated(
        self, wanted: DecisionRequest, approval: Approval, earlier: StoredDecision
    ) -> Approval | Recorded:
        """Answers a repeat as the decision that was recorded under its id."""
        if earlier.fingerprint != wanted.decision.fingerprint:
            raise _reused(wanted)
        now = await self._lookup.again(approval)
        if earlier.state == "won":
            return now
        if now.status != "pending":
            raise RefusedError(conflict(now))
        if earlier.state == "recorded" or earlier.code is None:
            return Recorded(decision_id=wanted.decision.id)
        message = "This decision was recorded and did not count."
        raise RefusedError(Refusal(code=cast("Code", earlier.code), message=message))

    async def _send(self, wanted: DecisionRequest, approval: Approval) -> Approval | Recorded:
        payload = await self._payload(wanted)
        envelope = Envelope(
            approval_id=approval.id,
            expires_at=approval.expires_at,
            update=lambda: self._approvals.decide(approval.id, payload),
            store=lambda: self._approvals.store_decision(approval.id, payload),
            note=lambda: self._lookup.note(approval.id, wanted.decision),
        )
        try:
            answer = await self._delivery.deliver(envelope)
        except RefusedError as error:
            raise RefusedError(await lost(self._lookup, approval, error.refusal)) from error
        except ClosedError:
            return await self._after_the_end(wanted, approval)
        if isinstance(answer, Stored):
            return Recorded(decision_id=wanted.decision.id)
        if answer.fingerprint not in {None, wanted.decision.fingerprint}:
            raise _reused(wanted)
        return await self._lookup.answered(approval, answer)

    async def _after_the_end(self, wanted: DecisionRequest, approval: Approval) -> Approval:
        """Returns the approval if the decision had ended it already, else refuse with the winner."""
        now = await self._lookup.ended(approval)
        if now.decision is None or now.decision.id != wanted.decision.id:
            raise RefusedError(conflict(now))
        earlier = await self._lookup.earlier(approval.id, wanted.decision.id)
        if earlier is not None and earlier.fingerprint != wanted.decision.fingerprint:
            raise _reused(wanted)
        return now

    async def _payload(self, wanted: DecisionRequest) -> DecideInput:
        decision = wanted.decision
        key = await self._lookup.seal_key()
        return DecideInput(
            type=decision.type,
            digest=decision.digest,
            args_text=decision.args_text,
            message=decision.message,
            answers=decision.answers,
            decision_id=decision.id,
            by=decision.by,
            received_at=decision.received_at,
            proof=decision.proof,
            seal=seal(key, wanted.approval_id, decision.id, decision.fingerprint, decision.by, decision.proof),
        )


async def lost(lookup: Lookup, approval: Approval, refusal: Refusal) -> Refusal:
    """Returns the gate's refusal; where the approval has ended, with the approval as it is now."""
    if refusal.code not in ENDS:
        return refusal
    now = await lookup.again(approval)
    if now.status == "pending" or (now.status == "expired" and refusal.code != "expired"):
        # The ledger lags: it has no end yet, and past the deadline it shows that as expired.
        named = _NamedEnd.model_validate(refusal.details)
        decision = await lookup.vouched(approval.id, named.decision, named.winner)
        now = overlaid(now, named.status, decision, named.ended_at)
    return refusal.model_copy(update={"details": {"approval": now}})


def not_found(approval_id: str) -> ProblemError:
    """Returns the answer for an approval that is not there, or not for these eyes."""
    return ProblemError(code="not_found", detail=f"There is no approval {approval_id[:80]!r} that you may see.")


def unavailable(wanted: DecisionRequest, reason: str, *, maybe_recorded: bool) -> ProblemError:
    """Returns the answer that says what to repeat, and whether the decision may count already."""
    return ProblemError(
        code="unavailable",
        detail=f"Repeat the decision with the same Idempotency-Key: {reason}.",
        maybe_recorded=maybe_recorded,
        decision_id=wanted.decision.id,
        idempotency_key=wanted.key,
    )


def _reused(wanted: DecisionRequest) -> RefusedError:
    message = "The Idempotency-Key was used for another decision on this approval."
    details = {"decision_id": wanted.decision.id, "idempotency_key": wanted.key}
    return RefusedError(Refusal(code="idempotency_key_reused", message=message, details=details))
