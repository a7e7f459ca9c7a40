"""Finding out what an approval is now: from the ledger, and from Temporal where the ledger cannot say."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, cast

import structlog

from placet.api.errors import ClosedError, NoAnswerError, TemporalError, UnreachableError
from placet.api.views import approval_of, overlaid, view_of
from placet.contracts.seal import attested
from placet.ledger import LedgerError

if TYPE_CHECKING:
    from datetime import datetime

    from placet.api.decisions.delivery import Clock
    from placet.api.links import Links
    from placet.api.ports import Approvals
    from placet.contracts.approvals import Approval, DecisionView, End
    from placet.contracts.decisions import DecideResult, Decision, DecisionRecord
    from placet.ledger import StoredDecision

LEDGER_LIMIT: Final = 2.0
"""Seconds for one look into the ledger while somebody waits for an answer."""
NOTE_LIMIT: Final = 0.5
"""Seconds to note in the ledger what Temporal has stored: it is durable already."""

_UNSURE: Final = frozenset({"pending", "expired"})
"""What the ledger shows also while it lags behind the end."""

_log = structlog.stdlib.get_logger(__name__)


class Records(Protocol):
    """What deciding needs of the ledger."""

    async def approval(self, approval_id: str, now: datetime) -> Approval | None:
        """Returns the approval as it is now."""
        ...

    async def stored_decision(self, approval_id: str, decision_id: str) -> StoredDecision | None:
        """Returns what became of a decision, where it was recorded."""
        ...

    async def note_recorded(self, approval_id: str, decision: Decision) -> None:
        """Remembers that a decision was answered with "recorded"."""
        ...

    async def seal_key(self) -> bytes:
        """Returns the key that seals who decides."""
        ...


class Lookup:
    """Says what an approval is."""

    def __init__(self, records: Records, approvals: Approvals, clock: Clock, links: Links) -> None:
        self._records = records
        self._approvals = approvals
        self._clock = clock
        self._links = links

    async def known(self, approval_id: str) -> Approval | None:
        """Returns the approval; None where there is none.

        Raises:
            UnreachableError: Neither the ledger nor a worker can say.
        """
        try:
            return await self._read(approval_id)
        except (LedgerError, TimeoutError) as error:
            _log.warning("ledger_unavailable", approval_id=approval_id, error=str(error))
        return await self._described(approval_id)

    async def again(self, approval: Approval) -> Approval:
        """Returns the approval as the ledger has it now, or as it was known where the ledger is down."""
        try:
            return await self._read(approval.id) or approval
        except (LedgerError, TimeoutError):
            return approval

    async def referred(self, approval: Approval) -> Approval:
        """Returns an approval that the ledger shows as expired as pending again, where its workflow knows better.

        Somebody may have decided right before the deadline, and the ledger has not heard yet. Without a worker
        nobody can say, and the ledger's word stands.
        """
        if approval.status != "expired":
            return approval
        try:
            state = await self._approvals.state(approval.id)
        except TemporalError:
            return approval
        if state.status == "expired":
            return approval
        return approval.model_copy(update={"status": "pending", "ended_at": None})

    async def ended(self, approval: Approval) -> Approval:
        """Returns an approval whose workflow has ended, with its end.

        Raises:
            UnreachableError: Temporal says that it has ended and that it has not, or nothing.
        """
        now = await self.again(approval)
        if now.status not in _UNSURE:
            return now
        try:
            outcome = await self._approvals.outcome(approval.id)
        except TemporalError as error:
            if now.status == "expired":
                return now
            message = f"nobody can say how the approval ended: {error}"
            raise UnreachableError(message, sent=True) from error
        if outcome is None and now.status == "expired":
            return now
        if outcome is None:
            # Somebody ended the workflow from outside, or it is gone: so the reconciler will record it.
            return overlaid(now, "cancelled", None, self._clock())
        decision = view_of(outcome.decision) if outcome.decision else None
        return overlaid(now, outcome.status, decision, outcome.ended_at)

    async def earlier(self, approval_id: str, decision_id: str) -> StoredDecision | None:
        """Returns what became of a decision of that id; None where it is new, or the ledger is down."""
        try:
            async with asyncio.timeout(LEDGER_LIMIT):
                return await self._records.stored_decision(approval_id, decision_id)
        except (LedgerError, TimeoutError):
            return None

    async def seal_key(self) -> bytes:
        """Returns the key that proves who acts.

        Raises:
            UnreachableError: The ledger does not answer, and this process has not read it before.
        """
        try:
            async with asyncio.timeout(LEDGER_LIMIT):
                return await self._records.seal_key()
        except (LedgerError, TimeoutError) as error:
            message = "the ledger's key, which proves who decides, cannot be read"
            raise UnreachableError(message, sent=False) from error

    async def vouched(
        self, approval_id: str, decision: DecisionRecord | None, winner: Decision | None
    ) -> DecisionView | None:
        """Returns what a workflow says of the decision that won, with who decided as far as it is verified.

        The ledger tells only what the record activity has verified; until then anybody may claim any name.

        Args:
            approval_id: Of the approval.
            decision: As the outcome will carry it.
            winner: As it was sent, with its seal.
        """
        if decision is None:
            return None
        by, proof = decision.by.model_copy(update={"via": "temporal"}), None
        if winner is not None and winner.id == decision.id:
            with suppress(UnreachableError):
                known = attested(await self.seal_key(), approval_id, winner)
                by, proof = known.by, known.proof
        return view_of(decision).model_copy(update={"by": by, "proof": proof})

    async def answered(self, approval: Approval, result: DecideResult) -> Approval:
        """Returns the approval with the end that its Update answered."""
        decision = await self.vouched(approval.id, result.decision, result.winner)
        return overlaid(approval, cast("End", result.status), decision, result.ended_at)

    async def note(self, approval_id: str, decision: Decision) -> None:
        """Remembers what Temporal has stored and nobody has answered yet; until its end the approval is pending."""
        try:
            async with asyncio.timeout(NOTE_LIMIT):
                await self._records.note_recorded(approval_id, decision)
        except (LedgerError, TimeoutError) as error:
            _log.warning("decision_not_noted", approval_id=approval_id, error=str(error))

    async def _read(self, approval_id: str) -> Approval | None:
        async with asyncio.timeout(LEDGER_LIMIT):
            found = await self._records.approval(approval_id, self._clock())
        return self._links.on_approval(found) if found else None

    async def _described(self, approval_id: str) -> Approval | None:
        try:
            state = await self._approvals.state(approval_id)
            decision = await self.vouched(approval_id, state.decision, state.winner)
            return self._links.on_approval(approval_of(state, decision))
        except ClosedError:
            return None
        except (NoAnswerError, UnreachableError) as error:
            message = "neither the ledger nor a worker can say what the approval is"
            raise UnreachableError(message, sent=False) from error
