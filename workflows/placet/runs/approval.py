"""The workflow `Approval`: one thing that a person must decide, and its one end.

Decisions come as Updates, answered at once, or as Signals, which Temporal stores even where no worker
is up. Temporal may hand a Signal over before a timer or a cancel that it recorded earlier. So Signals
are only queued, and the workflow asks its own history in which order everything was recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError
from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from placet.contracts.approvals import ApprovalInput, ApprovalState, Asked, Outcome
from placet.contracts.canonical import parse_object
from placet.contracts.decisions import DecideResult, Decision, Person
from placet.contracts.errors import Refusal
from placet.contracts.records import EndedEntry, Entry, RecordInput, RefusedEntry, RequestedEntry
from placet.runs import effects, gate, story
from placet.runs.asking import asked as asked_for
from placet.runs.inbox import CANCEL, DECIDE, Arrival, Inbox, Unreadable, in_order, read

if TYPE_CHECKING:
    from datetime import datetime

WORKFLOW_TYPE: Final = "Approval"
ID_PREFIX: Final = "approval-"
"""A workflow's id is this and the approval's 32 hex characters."""

_WAITING_ENDS: Final = ("expired",)
"""Refusals that a Signal still in the queue may overtake: then somebody won, not the clock."""


@workflow.defn(name=WORKFLOW_TYPE)
class ApprovalWorkflow:
    """One approval, from the request to its one end."""

    @workflow.init
    def __init__(self, given: RawValue) -> None:
        """Reads the input here: handlers may run before `run` does."""
        self._inbox = Inbox()
        self._outbox: list[Entry] = [RequestedEntry()]
        self._written = 0
        self._decider: Person | None = None
        self._cancelled = False
        self._asked = _read_input(given)
        self._gate = None if isinstance(self._asked, str) else gate.gate_of(self._asked)

    @workflow.run
    async def run(self, given: RawValue) -> Outcome:
        """Waits for the one end, write it to the ledger, and return it.

        A cancel of the workflow is an arrival like any other; it never interrupts the record.
        """
        del given
        life = asyncio.create_task(self._live(self._open_asked()))
        while True:
            try:
                return await asyncio.shield(life)
            except asyncio.CancelledError:
                if life.done():
                    raise
                self._cancelled = True

    @workflow.update(name=DECIDE, description="Decide: {type, digest, args?, message?, answers?, by?}")
    async def decide(self, given: RawValue) -> DecideResult:
        """Answers with the end that this decision gave, or refuse."""
        return await self._answer(DECIDE, self._read_update(DECIDE, given))

    @decide.validator
    def check_decide(self, given: RawValue) -> None:
        """Refuses what cannot count before it is in history."""
        self._check(self._read_update(DECIDE, given))

    @workflow.update(name=CANCEL, description="Withdraw the approval: {by?, reason?}")
    async def cancel(self, given: RawValue) -> DecideResult:
        """Answers with the end that this withdrawal gave, or refuse."""
        return await self._answer(CANCEL, self._read_update(CANCEL, given))

    @cancel.validator
    def check_cancel(self, given: RawValue) -> None:
        """Refuses what cannot count before it is in history."""
        self._check(self._read_update(CANCEL, given))

    @workflow.signal(dynamic=True, description="`decide` and `cancel`, stored with no worker up")
    def stored(self, name: str, given: Sequence[RawValue]) -> None:
        """Queues a decision or withdrawal that came as a Signal.

        A handler for any name and any number of arguments: a typed one would drop what it cannot
        decode, and then the Signals counted here would not be those of the history.
        """
        if name in {DECIDE, CANCEL}:
            self._inbox.add_signal(name, given[0].payload.data if given else b"")

    @workflow.query(name="state", description="The approval as its workflow knows it")
    def state(self) -> ApprovalState:
        """Returns what was asked and how it stands."""
        ended = self._open_gate().ended
        return ApprovalState(
            asked=self._open_asked(),
            status=ended.status if ended else "pending",
            decision=ended.decision if ended else None,
            ended_at=ended.at if ended else None,
            reason=ended.reason if ended else None,
        )

    async def _live(self, asked: Asked) -> Outcome:
        story.show_approval(asked)
        workflow.set_current_details(story.approval_details(asked))
        recorder = asyncio.create_task(self._keep_record(asked))
        while self._open_gate().ended is None:
            if self._inbox.items or self._cancelled:
                await self._put_in_order()
            else:
                await self._wait(asked)
        outcome = self._outcome(asked)
        story.show_status(outcome.status)
        while not self._may_close():
            self._answer_latecomers()
            await workflow.wait_condition(lambda: bool(self._inbox.items) or self._may_close())
        recorder.cancel()
        return self._outcome(asked)

    async def _wait(self, asked: Asked) -> None:
        left = asked.expires_at - workflow.now() if asked.expires_at else None
        if left is None or left.total_seconds() > 0:
            with contextlib.suppress(TimeoutError):
                await workflow.wait_condition(
                    self._something_came, timeout=left, timeout_summary=story.timer_summary(asked)
                )
        if not self._inbox.items and not self._cancelled:
            self._advance(gate.pass_deadline(self._open_gate(), workflow.now()))

    def _something_came(self) -> bool:
        return bool(self._inbox.items) or self._cancelled or self._open_gate().ended is not None

    async def _put_in_order(self) -> None:
        """Lets the queue and a cancel through the gate as Temporal recorded them.

        What arrives meanwhile stays queued for the next round: it was recorded later.
        """
        batch = tuple(self._inbox.items)
        recorded = await effects.when_recorded()
        for item, at in in_order(batch, recorded.moments):
            item.answer = self._pass(item.arrival, at, came_as_signal=item.at is None)
        del self._inbox.items[: len(batch)]
        self._cancelled = False

    def _answer_latecomers(self) -> None:
        for item in self._inbox.items:
            item.answer = self._pass(item.arrival, workflow.now(), came_as_signal=item.at is None)
        self._inbox.items.clear()

    def _pass(self, arrival: Arrival, at: datetime, *, came_as_signal: bool) -> gate.Answer:
        """Puts one arrival before the gate; a Signal that is refused is an event, never silence."""
        if isinstance(arrival, gate.Withdrawal):
            after, answer = gate.withdraw(self._open_gate(), arrival, at)
            self._advance(after)
            return answer
        if isinstance(arrival, Unreadable):
            answer, decision, repeated = arrival.refusal, arrival.as_decision(), False
        else:
            decision = arrival
            earlier = self._open_gate().seen.get(arrival.id)
            repeated = earlier is not None and earlier.fingerprint == arrival.fingerprint
            after, answer = gate.decide(self._open_gate(), arrival, at)
            self._advance(after)
        if came_as_signal and isinstance(answer, Refusal) and not repeated:
            self._outbox.append(RefusedEntry(decision=decision, code=answer.code, message=answer.message, at=at))
        return answer

    def _advance(self, after: gate.Gate) -> None:
        """Takes the gate's new state; where it ended just now, that is the next entry of the record."""
        before = self._open_gate()
        self._gate = after
        if before.ended is None and after.ended is not None:
            self._outbox.append(_ended_entry(after.ended))
            workflow.set_current_details(story.ended_details(self._open_asked(), after.ended))

    async def _keep_record(self, asked: Asked) -> None:
        """Writes the outbox to the ledger, in order, for as long as the workflow lives."""
        carried: Asked | None = asked
        while True:
            await workflow.wait_condition(lambda: bool(self._outbox))
            batch = tuple(self._outbox)
            given = RecordInput(approval_id=asked.id, asked=carried, first=self._written, entries=batch)
            result = await effects.record(given, f"ledger: {batch[-1].type}")
            carried = asked if result.missing else None
            if not result.missing:
                self._written += len(batch)
                self._decider = result.by or self._decider
                del self._outbox[: len(batch)]

    def _may_close(self) -> bool:
        return not self._inbox.items and not self._outbox and workflow.all_handlers_finished()

    def _read_update(self, name: str, given: RawValue) -> Arrival:
        info = workflow.current_update_info()
        return read(name, given.payload.data, info.id if info else "")

    def _check(self, arrival: Arrival) -> None:
        """Raises what the gate would refuse now, unless the queue may still change that."""
        current = self._open_gate()
        if isinstance(arrival, Unreadable):
            raise _refused(arrival.refusal)
        if self._inbox.holds(arrival.id):
            return
        if isinstance(arrival, Decision):
            answer = gate.judge(current, arrival, workflow.now())
        else:
            _, answer = gate.withdraw(current, arrival, workflow.now())
        if isinstance(answer, Refusal):
            if answer.code in _WAITING_ENDS and current.ended is None and self._inbox.items:
                return
            raise _refused(answer)

    async def _answer(self, name: str, arrival: Arrival) -> DecideResult:
        if self._open_gate().ended is None and (self._inbox.items or self._cancelled):
            queued = self._inbox.add_update(name, arrival, workflow.now())
            await workflow.wait_condition(lambda: queued.answer is not None)
            answer = queued.answer
        else:
            answer = self._pass(arrival, workflow.now(), came_as_signal=False)
        if isinstance(answer, gate.Accepted):
            return _result(answer.ended, self._open_gate().digest)
        raise _refused(answer)

    def _outcome(self, asked: Asked) -> Outcome:
        ended = self._open_gate().ended
        if ended is None:
            message = "an approval that has not ended has no outcome"
            raise RuntimeError(message)
        decision = ended.decision
        if decision is not None and self._decider is not None:
            decision = decision.model_copy(update={"by": self._decider})
        return Outcome(
            status=ended.status,
            decision=decision,
            digest=asked.args.digest,
            ended_at=ended.at,
            reason=ended.reason,
        )

    def _open_asked(self) -> Asked:
        if isinstance(self._asked, str):
            raise _wrong_input(self._asked)
        return self._asked

    def _open_gate(self) -> gate.Gate:
        if self._gate is None:
            raise _wrong_input(str(self._asked))
        return self._gate


def _read_input(given: RawValue) -> Asked | str:
    """Returns the approval that the input asks for, or what is wrong with the input."""
    info = workflow.info()
    try:
        return asked_for(
            info.workflow_id.removeprefix(ID_PREFIX),
            ApprovalInput.model_validate(parse_object(given.payload.data)),
            workflow_id=info.workflow_id,
            workflow_run_id=info.run_id,
            requested_at=info.workflow_start_time,
        )
    except (ValidationError, ValueError) as error:
        return f"The input of {WORKFLOW_TYPE} is wrong: {error}"


def _wrong_input(problem: str) -> ApplicationError:
    return ApplicationError(problem, type="invalid_request", non_retryable=True)


def _ended_entry(ended: gate.Ended) -> EndedEntry:
    return EndedEntry(
        status=ended.status,
        winner=ended.winner,
        decision=ended.decision,
        by=ended.by,
        reason=ended.reason,
        at=ended.at,
    )


def _result(ended: gate.Ended, digest: str) -> DecideResult:
    return DecideResult(
        status=ended.status,
        decision=ended.decision,
        digest=digest,
        ended_at=ended.at,
        fingerprint=ended.winner.fingerprint if ended.winner else None,
    )


def _refused(refusal: Refusal | None) -> ApplicationError:
    """Returns the error that carries a refusal to the caller of an Update."""
    if refusal is None:
        return ApplicationError("no answer", type="unavailable", non_retryable=True)
    return ApplicationError(
        refusal.message,
        refusal.model_dump(mode="json"),
        type=refusal.code,
        non_retryable=True,
    )
