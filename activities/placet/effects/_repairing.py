"""How what vanished is put right in the ledger, in the words of whoever ended it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from placet.contracts.approvals import Outcome
from placet.contracts.decisions import Person, WithdrawInput, withdrawal_fingerprint
from placet.contracts.events import OPERATOR, SYSTEM_RECONCILER, RunReset
from placet.contracts.reconciling import RECONCILER
from placet.contracts.records import EndedEntry, RequestedEntry
from placet.contracts.runs import CallRef, CloseInput, ModelCall, RunResult, SettleInput, SettleReason
from placet.contracts.seal import seal
from placet.effects._messages import new_id, tool_message
from placet.effects._texts import settle_text
from placet.effects._whereabouts import Closing, Execution, Status, Temporal
from placet.ledger import Ledger, OpenApproval, OpenRun, Unfinished
from placet.runs import approval

SUPERSEDED: Final = "The run that asked was reset; nobody waits for an answer."
NOT_THERE: Final = "Temporal does not know its workflow any more."
_LONGEST_CHAIN: Final = 100
_BY_OPERATORS: Final = frozenset({Status.TERMINATED, Status.CANCELED})


class Repairing:
    """Writes what nobody else can write any more."""

    def __init__(self, ledger: Ledger, temporal: Temporal) -> None:
        """Writes to this ledger what this Temporal knows."""
        self._ledger = ledger
        self._temporal = temporal

    async def approval(self, row: OpenApproval, here: Execution | None, now: datetime) -> None:
        """Ends an approval: in the ledger, or, where its workflow still waits for nobody, through its gate."""
        if here is not None and here.is_open:
            await self._supersede(row)
            return
        asked = await self._ledger.asked(row.id)
        if asked is not None:
            closing = await self._temporal.closing(here, Outcome) if here else None
            await self._ledger.repairs.end_approval(asked, _end(row, here, closing, now))

    async def child(self, approval_id: str) -> None:
        """Writes again what an approval asks whose row the ledger has lost: nobody could see it otherwise."""
        state = await self._temporal.state(approval.ID_PREFIX + approval_id)
        if state is not None and state.status == "pending":
            await self._ledger.record(state.asked, 0, (RequestedEntry(),))

    async def follow(self, row: OpenRun, here: Execution, now: datetime, *, reset: bool) -> bool:
        """Notes under which of its ids Temporal goes on with a run; returns whether that is news."""
        told = RunReset(turn=await self._temporal.turn_after_reset(here)) if reset else None
        return await self._ledger.repairs.follow(row, here.run_id, told, now)

    async def run(self, row: OpenRun, here: Execution | None, now: datetime) -> None:
        """Closes a run whose workflow has ended without a word, and answers its open calls.

        Providers refuse a transcript in which a call has no result: without this the thread is dead.
        """
        left = await self._ledger.repairs.unfinished(row.id)
        for call, again in left.running:
            await self._ledger.mark_uncertain(call, again)
        results = await self._answered(row, left)
        closing = await self._temporal.closing(here, RunResult) if here else None
        close = _close(row, here, closing).model_copy(
            update={"last_turn": left.turn.id if left.turn else None, "results": results}
        )
        await self._ledger.close_run(close, at=closing.at if closing else now)

    async def _answered(self, row: OpenRun, left: Unfinished) -> dict[int, str]:
        """Returns the message that answers each call of the last turn; what has none gets one."""
        results: dict[int, str] = {}
        if left.turn is not None:
            for call in left.turn.calls:
                known = call.problem or left.answers.get(call.index)
                reason: SettleReason = "uncertain" if call.index in left.uncertain else "cancelled"
                results[call.index] = known or await self._answer(_ref(row, left.turn.turn, call), reason)
        return results

    async def _answer(self, ref: CallRef, reason: SettleReason) -> str:
        message_id = new_id()
        text = settle_text(SettleInput(call=ref, reason=reason))
        await self._ledger.settle_call(ref, message_id, tool_message(ref, message_id, text, failed=True))
        return message_id

    async def _supersede(self, row: OpenApproval) -> None:
        """Sends the withdrawal the way of a person's, so that it comes before or after a decision, not beside it."""
        given = WithdrawInput(id=f"superseded-{row.id}", status="superseded", by=RECONCILER, reason=SUPERSEDED)
        mark = withdrawal_fingerprint(given.status, given.reason)
        proof = seal(await self._ledger.seal_key(), row.id, given.id or "", mark, RECONCILER)
        await self._temporal.withdraw(row.workflow_id, given.model_copy(update={"seal": proof}))


async def has_been_reset(temporal: Temporal, run_id: str | None, here: Execution) -> bool:
    """Returns whether an operator's reset lies between a run of Temporal's and the latest one.

    A continue-as-new gives a new run too. It says so in the old run's last event; anything else that has
    a run after it was reset, for the ids of runs are never used again.
    """
    for _ in range(_LONGEST_CHAIN):
        if run_id is None or run_id == here.run_id:
            return False
        then = await temporal.look_at_run(here.id, run_id)
        if then is None:
            return False
        if then.status != Status.CONTINUED_AS_NEW:
            return True
        run_id = (await temporal.closing(then, RunResult)).successor
    return False


def _end(row: OpenApproval, here: Execution | None, closing: Closing | None, now: datetime) -> EndedEntry:
    if closing is not None and isinstance(closing.result, Outcome):
        return _end_of(closing.result, closing.at)
    at = closing.at if closing else now
    if row.expires_at is not None and at >= row.expires_at:
        # So it was shown to everybody since then.
        return EndedEntry(status="expired", at=row.expires_at)
    by = None if here is not None and here.status in _BY_OPERATORS else RECONCILER
    return EndedEntry(status="cancelled", by=by, reason=_why(here, closing), at=at)


def _end_of(outcome: Outcome, closed: datetime) -> EndedEntry:
    """Returns the end that a workflow has told its parent: the ledger has lost it since."""
    by: Person | None = RECONCILER if outcome.status == "superseded" else None
    return EndedEntry(
        status=outcome.status,
        decision=outcome.decision,
        by=None if outcome.decision else by,
        reason=outcome.reason,
        at=outcome.ended_at or closed,
    )


def _close(row: OpenRun, here: Execution | None, closing: Closing | None) -> CloseInput:
    close = CloseInput(run_id=row.id, agent=row.agent, thread_id=row.thread_id, status="failed")
    why = _why(here, closing)
    if closing is not None and isinstance(closing.result, RunResult):
        done = closing.result
        told = {"status": done.status, "message_id": done.message_id, "error": done.error}
        return close.model_copy(update=told)
    if here is not None and here.status in _BY_OPERATORS:
        actor = OPERATOR if here.status == Status.TERMINATED else None
        return close.model_copy(update={"status": "cancelled", "reason": why, "actor": actor})
    return close.model_copy(update={"error": why, "actor": SYSTEM_RECONCILER})


def _why(here: Execution | None, closing: Closing | None) -> str:
    if here is None:
        return NOT_THERE
    how = here.status.name.lower().replace("_", " ").replace("canceled", "cancelled")
    said = f": {closing.reason}" if closing and closing.reason else ""
    return f"{how} in Temporal{said}"


def _ref(row: OpenRun, turn: int, call: ModelCall) -> CallRef:
    return CallRef(
        run_id=row.id,
        agent=row.agent,
        thread_id=row.thread_id,
        turn=turn,
        index=call.index,
        call_id=call.call_id,
        tool=call.tool,
        requester=row.requester,
    )
