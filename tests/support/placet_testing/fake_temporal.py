"""Temporal in memory, for tests of the gateway: the real gate, and a worker that can be away."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from placet.api.errors import ClosedError, NoAnswerError, UnreachableError
from placet.api.ports import Poller, Started, Taken
from placet.contracts.approvals import ApprovalInput, ApprovalState, Asked, Outcome
from placet.contracts.decisions import DecideInput, DecideResult, Decision, WithdrawInput
from placet.contracts.errors import Refusal, RefusedError
from placet.contracts.records import EndedEntry, Entry, RefusedEntry
from placet.contracts.runs import RunStart
from placet.ledger import Ledger, LedgerError
from placet.runs import gate
from placet.runs.asking import asked
from placet.runs.inbox import CANCEL, DECIDE, Arrival, Unreadable, read

EPOCH = datetime(2026, 11, 22, 12, tzinfo=UTC)


class FakeClock:
    """A clock that goes only when a test says so."""

    def __init__(self, now: datetime = EPOCH) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Returns the time."""
        return self.now

    def advance(self, **length: float) -> None:
        """Lets time pass, as `timedelta` spells it."""
        self.now += timedelta(**length)


@dataclass
class FakeApproval:
    """One workflow `Approval`: what was asked, its gate, and the Signals that wait for a worker."""

    asked: Asked
    gate: gate.Gate
    written: int = 1
    signals: list[tuple[Arrival, datetime]] = field(default_factory=list[tuple[Arrival, datetime]])
    terminated: bool = False

    @property
    def is_closed(self) -> bool:
        """Whether the workflow has ended."""
        return self.gate.ended is not None or self.terminated


@dataclass
class FakeRun:
    """One workflow `AgentRun`."""

    given: RunStart
    started: Started
    ticket: str
    is_open: bool = True
    cancelled: str | None = None


class FakeTemporal:
    """Every port of the gateway.

    Attributes:
        reachable: Whether Temporal answers at all.
        connected: Whether a call leaves the process before it fails.
        full: Whether the ten places of Updates are taken.
        writes: Whether ends reach the ledger.
        pause: Seconds that a worker takes to answer.
        updates: Ids of the Updates that were sent, in order.
        together: The most Updates that were under way at once.
    """

    def __init__(self, clock: FakeClock, ledger: Ledger | None = None) -> None:
        self.clock = clock
        self.ledger = ledger
        self._worker = asyncio.Event()
        self._worker.set()
        self.reachable = True
        self.connected = True
        self.full = False
        self.writes = True
        self.pause = 0.0
        self.approvals: dict[str, FakeApproval] = {}
        self.runs: dict[str, FakeRun] = {}
        self.updates: list[str | None] = []
        self.stored: list[str | None] = []
        self.polling: list[Poller] = []
        self.together = 0
        self._under_way = 0
        self._answering: set[asyncio.Task[DecideResult]] = set()

    @property
    def worker_up(self) -> bool:
        """Whether Updates and Queries are answered, and Signals looked at."""
        return self._worker.is_set()

    @worker_up.setter
    def worker_up(self, up: bool) -> None:
        if up:
            self._worker.set()
        else:
            self._worker.clear()

    async def close(self) -> None:
        """Does nothing."""

    async def start(self, approval_id: str, given: ApprovalInput) -> Started:
        """Starts an approval, once."""
        self._reach()
        found = self.approvals.get(approval_id)
        if found is None:
            row = asked(
                approval_id,
                ApprovalInput.model_validate_json(given.model_dump_json()),
                workflow_id=f"approval-{approval_id}",
                workflow_run_id="first",
                requested_at=self.clock(),
            )
            found = self.approvals[approval_id] = FakeApproval(row, gate.gate_of(row))
        return Started(found.asked.workflow_id, "first", found.asked.requested_at)

    async def decide(self, approval_id: str, given: DecideInput) -> DecideResult:
        """Answers as the workflow's Update does."""
        return await self._update(approval_id, DECIDE, given, given.decision_id)

    async def store_decision(self, approval_id: str, given: DecideInput) -> None:
        """Stores a Signal."""
        await self._signal(approval_id, DECIDE, given, given.decision_id)

    async def withdraw(self, approval_id: str, given: WithdrawInput) -> DecideResult:
        """Answers as the workflow's Update does."""
        return await self._update(approval_id, CANCEL, given, given.id)

    async def store_withdrawal(self, approval_id: str, given: WithdrawInput) -> None:
        """Stores a Signal."""
        await self._signal(approval_id, CANCEL, given, given.id)

    async def state(self, approval_id: str) -> ApprovalState:
        """Answers as the workflow's Query does."""
        self._reach()
        found = self._found(approval_id)
        if not self.worker_up:
            message = "no worker"
            raise NoAnswerError(message)
        ended = found.gate.ended
        return ApprovalState(
            asked=found.asked,
            status=ended.status if ended else "pending",
            decision=ended.decision if ended else None,
            winner=ended.winner if ended else None,
            ended_at=ended.at if ended else None,
        )

    async def outcome(self, approval_id: str) -> Outcome | None:
        """Returns the result of a workflow that has ended."""
        self._reach()
        found = self.approvals.get(approval_id)
        if found is None or found.terminated:
            return None
        ended = found.gate.ended
        if ended is None:
            message = "it has not ended"
            raise NoAnswerError(message)
        return Outcome(status=ended.status, decision=ended.decision, digest=found.gate.digest, ended_at=ended.at)

    async def start_run(self, given: RunStart, ticket: str) -> Started | Taken:
        """Starts a run, or finds it."""
        self._reach()
        found = await self.find_run(given.run_id)
        if found is not None:
            return found
        started = Started(given.run_id, "first", self.clock())
        self.runs[given.run_id] = FakeRun(given, started, ticket)
        return started

    async def find_run(self, run_id: str) -> Taken | None:
        """Returns a run, open or closed."""
        self._reach()
        run = self.runs.get(run_id)
        return Taken(run.started, run.is_open, run.ticket) if run else None

    async def cancel_run(self, run_id: str, reason: str | None) -> None:
        """Notes that the run was asked to stop."""
        self._reach()
        run = self.runs.get(run_id)
        if run is None or not run.is_open:
            raise ClosedError(run_id)
        run.cancelled = reason or ""

    async def pollers(self) -> list[Poller]:
        """Returns who polls."""
        self._reach()
        return self.polling

    async def return_worker(self) -> None:
        """A worker is there again: it reads what was stored, in the order of the record."""
        self.worker_up = True
        for found in self.approvals.values():
            await self._read_signals(found)

    async def pass_deadlines(self) -> None:
        """Fires the timers that are due."""
        for found in self.approvals.values():
            before = found.gate.ended
            found.gate = gate.pass_deadline(found.gate, self.clock())
            if before is None and found.gate.ended is not None:
                await self._write(found, _ended(found.gate.ended))

    def _reach(self) -> None:
        if not self.reachable:
            message = "Temporal is down"
            raise UnreachableError(message, sent=self.connected)

    def _found(self, approval_id: str) -> FakeApproval:
        found = self.approvals.get(approval_id)
        if found is None:
            raise ClosedError(approval_id)
        return found

    async def _update(
        self, approval_id: str, name: str, given: DecideInput | WithdrawInput, update_id: str | None
    ) -> DecideResult:
        self.updates.append(update_id)
        self._under_way += 1
        self.together = max(self.together, self._under_way)
        try:
            self._reach()
            if self.full:
                message = "ten Updates wait already"
                raise NoAnswerError(message)
            await asyncio.sleep(self.pause)
            await self._worker.wait()
            answering = asyncio.create_task(self._answer(self._found(approval_id), _arrival(name, given, update_id)))
            self._answering.add(answering)
            answering.add_done_callback(self._answering.discard)
            # What a workflow has begun it ends, also where the caller waits no longer.
            return await asyncio.shield(answering)
        finally:
            self._under_way -= 1

    async def _answer(self, found: FakeApproval, arrival: Arrival) -> DecideResult:
        """Answers a repeated Update from the record, also where the workflow has ended; as Temporal does."""
        seen = found.gate.seen.get(arrival.id or "")
        if found.is_closed and (seen is None or isinstance(seen.answer, Refusal)):
            raise ClosedError(found.asked.id)
        await self._read_signals(found)
        answer = seen.answer if seen else await self._pass(found, arrival, self.clock(), signal=False)
        if isinstance(answer, Refusal):
            raise RefusedError(answer)
        ended = answer.ended
        return DecideResult(
            status=ended.status,
            decision=ended.decision,
            winner=ended.winner,
            digest=found.gate.digest,
            ended_at=ended.at,
            fingerprint=ended.winner.fingerprint if ended.winner else None,
        )

    async def _signal(
        self, approval_id: str, name: str, given: DecideInput | WithdrawInput, signal_id: str | None
    ) -> None:
        self._reach()
        found = self._found(approval_id)
        if found.is_closed:
            raise ClosedError(approval_id)
        self.stored.append(signal_id)
        found.signals.append((_arrival(name, given, signal_id), self.clock()))
        if self.worker_up:
            await self._read_signals(found)

    async def _read_signals(self, found: FakeApproval) -> None:
        signals, found.signals = found.signals, []
        for arrival, at in signals:
            await self._pass(found, arrival, at, signal=True)

    async def _pass(self, found: FakeApproval, arrival: Arrival, at: datetime, *, signal: bool) -> gate.Answer:
        before = found.gate
        if isinstance(arrival, gate.Withdrawal):
            found.gate, answer = gate.withdraw(before, arrival, at)
        elif isinstance(arrival, Decision):
            found.gate, answer = gate.decide(before, arrival, at)
            if signal and isinstance(answer, Refusal) and arrival.id not in before.seen:
                await self._write(found, RefusedEntry(decision=arrival, code=answer.code, at=at))
        else:
            return arrival.refusal
        if before.ended is None and found.gate.ended is not None:
            await self._write(found, _ended(found.gate.ended))
        if isinstance(answer, Refusal) and not signal:
            # A validator's refusal leaves nothing in history.
            found.gate = before
        return answer

    async def _write(self, found: FakeApproval, entry: Entry) -> None:
        if self.ledger is None or not self.writes:
            return
        try:
            await self.ledger.record(found.asked, found.written, (entry,))
        except LedgerError:
            return
        found.written += 1


def _arrival(name: str, given: DecideInput | WithdrawInput, update_id: str | None) -> Arrival:
    """Reads the payload as the workflow does."""
    arrival = read(name, given.model_dump_json().encode(), update_id or "")
    if isinstance(arrival, Unreadable):
        raise RefusedError(arrival.refusal)
    return arrival


def _ended(ended: gate.Ended) -> EndedEntry:
    return EndedEntry(
        status=ended.status,
        winner=ended.winner,
        decision=ended.decision,
        by=ended.by,
        reason=ended.reason,
        at=ended.at,
    )
