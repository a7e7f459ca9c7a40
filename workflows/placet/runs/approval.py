"""The workflow `Approval`: one thing that a person must decide, and its one end.

Decisions come as Updates, answered at once, or as Signals, which Temporal stores even where no worker
is up. Temporal may hand a Signal over before a timer or a cancel that it recorded earlier. So Signals
are only queued, and the workflow asks its own history in which order everything was recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar, cast

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from placet.contracts.approvals import ApprovalInput, ApprovalState, Asked, Outcome
from placet.contracts.canonical import parse_object
from placet.contracts.decisions import DecideResult, Decision, DecisionRecord, without_content
from placet.contracts.errors import Refusal
from placet.contracts.records import EndedEntry, RefusedEntry
from placet.runs import effects, gate, story
from placet.runs.asking import asked as asked_for
from placet.runs.inbox import CANCEL, DECIDE, Arrival, Inbox, Step, StoredSignal, Unreadable, in_order, read
from placet.runs.recorder import Recorder

if TYPE_CHECKING:
    from datetime import datetime

WORKFLOW_TYPE: Final = "Approval"
ID_PREFIX: Final = "approval-"
"""A workflow's id is this and the approval's 32 hex characters."""

READ_AT_ONCE: Final = 1024 * 1024
"""Bytes of Signals that one workflow task reads, at most, unless a single one is larger: a task that
takes two seconds is given up and tried again, for ever."""

_ID: Final = re.compile(ID_PREFIX + "([0-9a-f]{32})")
_LONGEST_PROBLEM: Final = 2_000
_NOTHING: Final = cast("RawValue", None)
_TELLS_WITHDRAWALS: Final = "tells of withdrawals that did not count"
"""Approvals that were open before do not: their histories go on as they began."""
_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def _takes_anything(method: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Makes the SDK believe that a method takes one raw value.

    The SDK calls it with whatever count of arguments was sent: where it cannot, it fails the workflow's task
    for ever, and refuses an Update in words of Python. Were the method's real signature seen, not even a single
    argument would come raw.
    """
    seen = inspect.signature(method)
    vars(method)["__signature__"] = seen.replace(parameters=list(seen.parameters.values())[:2])
    return method


@workflow.defn(name=WORKFLOW_TYPE)
class ApprovalWorkflow:
    """One approval, from the request to its one end."""

    @workflow.init
    @_takes_anything
    def __init__(self, given: RawValue = _NOTHING, *surplus: object) -> None:
        """Reads the input here: handlers may run before `run` does."""
        self._inbox = Inbox()
        self._told: set[tuple[str, str]] = set()
        self._recorder = Recorder()
        self._cancel_placed = False
        self._asked = _read_input(given, surplus)
        self._gate = None if isinstance(self._asked, str) else gate.gate_of(self._asked)

    @workflow.run
    @_takes_anything
    async def run(self, given: RawValue = _NOTHING, *surplus: object) -> Outcome:
        """Waits for the one end, writes it to the ledger, and returns it.

        A cancel of the workflow is an arrival like any other; it never interrupts the record.
        """
        del given, surplus
        life = asyncio.create_task(self._live(self._open_asked()))
        while True:
            try:
                return await asyncio.shield(life)
            except asyncio.CancelledError:
                if life.done():
                    # A cancel that comes with the last record's completion: what was decided stands.
                    return life.result()

    @workflow.update(name=DECIDE, description="Decide: {type, digest, args?, message?, answers?, by?}")
    @_takes_anything
    async def decide(self, given: RawValue = _NOTHING, *surplus: object) -> DecideResult:
        """Answers with the end that this decision gave, or refuse."""
        return await self._answer(self._read_update(DECIDE, given, surplus))

    @decide.validator
    @_takes_anything
    def check_decide(self, given: RawValue = _NOTHING, *surplus: object) -> None:
        """Refuses what cannot count before it is in history."""
        self._check(self._read_update(DECIDE, given, surplus))

    @workflow.update(name=CANCEL, description="Withdraw the approval: {by?, reason?}")
    @_takes_anything
    async def cancel(self, given: RawValue = _NOTHING, *surplus: object) -> DecideResult:
        """Answers with the end that this withdrawal gave, or refuse."""
        return await self._answer(self._read_update(CANCEL, given, surplus))

    @cancel.validator
    @_takes_anything
    def check_cancel(self, given: RawValue = _NOTHING, *surplus: object) -> None:
        """Refuses what cannot count before it is in history."""
        self._check(self._read_update(CANCEL, given, surplus))

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
            decision=self._decided(),
            winner=without_content(ended.winner) if ended and ended.winner else None,
            ended_at=ended.at if ended else None,
            reason=ended.reason if ended else None,
        )

    async def _live(self, asked: Asked) -> Outcome:
        story.show_approval(asked)
        workflow.set_current_details(story.approval_details(asked))
        recorder = asyncio.create_task(self._recorder.keep(asked))
        while not self._may_close():
            if self._inbox.items or (self._cancel_waits() and not self._ended()):
                await self._put_in_order()
            elif self._ended():
                await workflow.wait_condition(lambda: bool(self._inbox.items) or self._may_close())
            else:
                await self._wait(asked)
        recorder.cancel()
        return self._outcome(asked)

    async def _wait(self, asked: Asked) -> None:
        left = asked.expires_at - workflow.now() if asked.expires_at else None
        if left is None or left.total_seconds() > 0:
            with contextlib.suppress(TimeoutError):
                await workflow.wait_condition(
                    self._something_came, timeout=left, timeout_summary=story.timer_summary(asked)
                )
        if not self._inbox.items and not self._cancel_waits():
            self._advance(gate.pass_deadline(self._open_gate(), workflow.now()))

    def _something_came(self) -> bool:
        return bool(self._inbox.items) or self._cancel_waits() or self._ended()

    def _cancel_waits(self) -> bool:
        """Whether Temporal has handed over a cancel that has no place in the order yet.

        By its reason and not by `CancelledError`, which reaches `run` some steps later: with a cancel that
        came in the very first task the clock would go before it.
        """
        return workflow.cancellation_reason() is not None and not self._cancel_placed

    def _ended(self) -> bool:
        return self._open_gate().ended is not None

    async def _put_in_order(self) -> None:
        """Lets the queue and a cancel through the gate as Temporal recorded them.

        What cannot be placed yet, and what is too much for one task, waits for the next reading.
        """
        known = len(self._inbox.items)
        recorded = await effects.when_recorded()
        bytes_read = 0
        for step, at in in_order(self._inbox.items, recorded.moments, known):
            bytes_read += self._take(step, at)
            if bytes_read > READ_AT_ONCE:
                break

    def _take(self, step: Step, at: datetime) -> int:
        """Lets one thing through the gate whose turn it is, and returns the bytes that were read."""
        if isinstance(step, gate.Withdrawal):
            # Only here: a cancel that comes while the history is read may not be in what was read.
            self._cancel_placed = True
            self._pass(step, at, came_as_signal=False)
            return 0
        self._inbox.items.remove(step)
        if isinstance(step, StoredSignal):
            self._pass(step.read(), at, came_as_signal=True)
            return len(step.data)
        step.answer = self._pass(step.arrival, at, came_as_signal=False)
        return 0

    def _pass(self, arrival: Arrival, at: datetime, *, came_as_signal: bool) -> gate.Answer:
        """Puts one arrival before the gate; a Signal that is refused is an event, never silence."""
        if isinstance(arrival, gate.Withdrawal):
            after, answer = gate.withdraw(self._open_gate(), arrival, at)
            self._advance(after)
            if came_as_signal and isinstance(answer, Refusal) and workflow.patched(_TELLS_WITHDRAWALS):
                self._tell_refused(arrival.as_decision(), answer, at)
            return answer
        if isinstance(arrival, Unreadable):
            answer, decision = arrival.refusal, arrival.as_decision()
        else:
            decision = arrival
            after, answer = gate.decide(self._open_gate(), arrival, at)
            self._advance(after)
        if came_as_signal and isinstance(answer, Refusal):
            self._tell_refused(decision, answer, at)
        return answer

    def _tell_refused(self, decision: Decision, refusal: Refusal, at: datetime) -> None:
        told = (decision.id, decision.fingerprint)
        if told not in self._told:
            self._told.add(told)
            bare = without_content(decision)
            self._recorder.add(RefusedEntry(decision=bare, code=refusal.code, message=refusal.message, at=at))

    def _advance(self, after: gate.Gate) -> None:
        """Takes the gate's new state; where it ended just now, that is the next entry of the record."""
        before = self._open_gate()
        self._gate = after
        if before.ended is None and after.ended is not None:
            self._recorder.add(_ended_entry(after.ended))
            story.show_status(after.ended.status)
            workflow.set_current_details(story.ended_details(self._open_asked(), after.ended))

    def _may_close(self) -> bool:
        return self._ended() and self._recorder.done and not self._inbox.items and workflow.all_handlers_finished()

    def _read_update(self, name: str, given: RawValue, surplus: tuple[object, ...]) -> Arrival:
        info = workflow.current_update_info()
        update_id = info.id if info else ""
        if given is _NOTHING or surplus:
            return Unreadable(update_id, Refusal(code="invalid_decision", message=f"{name} takes one argument."))
        return read(name, given.payload.data, update_id)

    def _check(self, arrival: Arrival) -> None:
        """Raises what the gate would refuse now, unless the queue may still change that."""
        current = self._open_gate()
        if isinstance(arrival, Unreadable):
            raise _refused(arrival.refusal)
        if isinstance(arrival, Decision):
            answer = gate.judge(current, arrival, workflow.now())
        else:
            _, answer = gate.withdraw(current, arrival, workflow.now())
        if isinstance(answer, Refusal):
            if answer.code == "expired" and not self._ended() and self._inbox.items:
                # A Signal in the queue may have come in time, this Update's twin or another's: then
                # somebody won, not the clock.
                return
            raise _refused(answer)

    async def _answer(self, arrival: Arrival) -> DecideResult:
        if not self._ended() and (self._inbox.items or self._cancel_waits()):
            after = workflow.info().get_current_history_length()
            waiting = self._inbox.add_update(arrival, workflow.now(), after)
            await workflow.wait_condition(lambda: waiting.answer is not None)
            answer = waiting.answer
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
        return Outcome(
            status=ended.status,
            decision=self._decided(),
            digest=asked.args.digest,
            ended_at=ended.at,
            reason=ended.reason,
        )

    def _decided(self) -> DecisionRecord | None:
        """Returns the decision that won; by whom, as the ledger's side has verified it by now."""
        ended = self._open_gate().ended
        decision = ended.decision if ended else None
        if decision is None or self._recorder.decider is None:
            return decision
        return decision.model_copy(update={"by": self._recorder.decider})

    def _open_asked(self) -> Asked:
        if isinstance(self._asked, str):
            raise _wrong_input(self._asked)
        return self._asked

    def _open_gate(self) -> gate.Gate:
        if self._gate is None:
            raise _wrong_input(str(self._asked))
        return self._gate


def _read_input(given: RawValue, surplus: tuple[object, ...]) -> Asked | str:
    """Returns the approval that the input asks for, or what is wrong with the input."""
    info = workflow.info()
    named = _ID.fullmatch(info.workflow_id)
    if named is None:
        return f"The id of an {WORKFLOW_TYPE} is {ID_PREFIX} and 32 hex characters, not {info.workflow_id!r}."
    if given is _NOTHING or surplus:
        return f"{WORKFLOW_TYPE} takes one input."
    try:
        return asked_for(
            named[1],
            ApprovalInput.model_validate(parse_object(given.payload.data)),
            workflow_id=info.workflow_id,
            workflow_run_id=info.run_id,
            requested_at=info.workflow_start_time,
        )
    except ValueError as error:  # of pydantic, of the strict reader, and of `asked_for`
        return f"The input of {WORKFLOW_TYPE} is wrong: {error}"[:_LONGEST_PROBLEM]


def _wrong_input(problem: str) -> ApplicationError:
    return ApplicationError(problem, type="invalid_request", non_retryable=True)


def _ended_entry(ended: gate.Ended) -> EndedEntry:
    return EndedEntry(
        status=ended.status,
        winner=without_content(ended.winner) if ended.winner else None,
        decision=ended.decision,
        by=ended.by,
        withdrawal_id=ended.withdrawal.id if ended.withdrawal else None,
        seal=ended.withdrawal.seal if ended.withdrawal else None,
        reason=ended.reason,
        at=ended.at,
    )


def _result(ended: gate.Ended, digest: str) -> DecideResult:
    return DecideResult(
        status=ended.status,
        decision=ended.decision,
        winner=without_content(ended.winner) if ended.winner else None,
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
