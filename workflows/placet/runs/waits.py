"""What a graph waits for: each interrupt with its approvals, and what becomes of it when they have ended."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from temporalio import workflow

from placet.contracts.approvals import ApprovalInput, Outcome
from placet.contracts.calls import Terms
from placet.contracts.graphs import BREAKPOINT, STOP_HERE, Answered, Permit, Released
from placet.contracts.questions import ASK_HUMAN
from placet.contracts.runs import ModelCall
from placet.runs.asks import STOP, Asks, what_happened, who_decided
from placet.runs.opening import Opened, open_approval

if TYPE_CHECKING:
    from placet.contracts.graphs import Ask, GraphInput, Pending, StepResult
    from placet.runs.stopping import Stopping


@dataclass(frozen=True)
class _Wait:
    """One interrupt that waits.

    Attributes:
        number: The superstep after which it was asked about.
        opened: Its approvals, in the order of its calls; None where policy has said all and nobody is asked.
    """

    pending: Pending
    number: int
    opened: tuple[Opened | None, ...]
    outcomes: asyncio.Task[tuple[Outcome, ...]]


class Waits:
    """The interrupts of a graph that wait for people; each is answered as soon as its own approvals have ended."""

    def __init__(self, run: GraphInput, stopping: Stopping) -> None:
        """Waits for a run."""
        self._run = run
        self._stopping = stopping
        self._open: dict[str, _Wait] = {}

    async def take(self, step: StepResult, number: int, says: str | None) -> None:
        """Asks about what waits and was not asked about yet; withdraws what waits no more, or is not what was shown."""
        here = {pending.id: pending for pending in step.pending}
        for known in list(self._open):
            now = here.get(known)
            if now is None or now.digests != self._open[known].pending.digests:
                await self._withdraw(self._open.pop(known))
        for pending in step.pending:
            if pending.id not in self._open and not self._stopping.asked_for:
                self._open[pending.id] = await self._ask(pending, number, says)

    async def answers(self) -> tuple[Answered, ...]:
        """Waits until one interrupt or more can be answered; an empty answer means that the run stops."""
        if self._open and not self._stopping.asked_for:
            waiting = [wait.outcomes for wait in self._open.values()]
            await workflow.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        done = [known for known, wait in self._open.items() if wait.outcomes.done()]
        answered = [self._answered(self._open.pop(known)) for known in done]
        if self._stopping.asked_for:
            await self.end()
            return ()
        return tuple(answered)

    async def end(self) -> None:
        """Withdraws everything that waits."""
        for known in list(self._open):
            await self._withdraw(self._open.pop(known))

    async def _ask(self, pending: Pending, number: int, says: str | None) -> _Wait:
        number = number if pending.turn is None else pending.turn
        opened: list[Opened | None] = []
        for place, ask in enumerate(pending.asks):
            if ask.verdict.effect != "ask":
                opened.append(None)
                continue
            given = _approval(Asks(self._run, number, says), pending, place, ask)
            opened.append(await open_approval(given, self._run, number, self._stopping))
        return _Wait(pending, number, tuple(opened), asyncio.create_task(_outcomes(pending, opened)))

    async def _withdraw(self, wait: _Wait) -> None:
        for one in wait.opened:
            if one is not None and one.id in self._stopping.waiting:
                one.handle.cancel()
        await wait.outcomes

    def _answered(self, wait: _Wait) -> Answered:
        """Returns what the graph is told; where nothing that it takes for an answer says so, the run stops."""
        outcomes = wait.outcomes.result()
        for ask, outcome in zip(wait.pending.asks, outcomes, strict=True):
            terms = ask.verdict.terms or Terms()
            if outcome.status == "expired" and (terms.on_expiry == "abort" or not ask.refusable):
                self._stopping.stop("expired", f"nobody decided on {_named(wait.pending, ask)} in time")
            elif outcome.status in {"cancelled", "superseded"} and not ask.refusable:
                self._stopping.stop("cancelled", f"what {_named(wait.pending, ask)} asked was withdrawn")
        if wait.pending.id == BREAKPOINT and chosen(outcomes[0]) == STOP_HERE:
            self._stopping.stop("cancelled", f"stopped at {wait.pending.node}", who_decided(outcomes[0]))
        if wait.pending.form == "uncertain" and what_happened(outcomes[0]) == STOP:
            reason = f"stopped after {wait.pending.asks[0].tool} was left uncertain"
            self._stopping.stop("cancelled", reason, who_decided(outcomes[0]))
        released = zip(wait.pending.asks, wait.opened, outcomes, strict=True)
        calls = tuple(_released(wait, ask, opened, outcome) for ask, opened, outcome in released)
        known = wait.pending
        where = {"node": known.node, "namespace": known.namespace}
        return Answered(interrupt=known.id, task=known.task, calls=calls, **where)


async def _outcomes(pending: Pending, opened: list[Opened | None]) -> tuple[Outcome, ...]:
    return tuple(
        [
            await one.outcome() if one is not None else _of_policy(ask)
            for ask, one in zip(pending.asks, opened, strict=True)
        ]
    )


def _released(wait: _Wait, ask: Ask, opened: Opened | None, outcome: Outcome) -> Released:
    if outcome.status != "approved":
        return Released(tool=ask.tool, outcome=outcome)
    return Released(tool=ask.tool, outcome=outcome, args=ask.args, permit=_permit(wait, ask, opened, outcome))


def _permit(wait: _Wait, ask: Ask, opened: Opened | None, outcome: Outcome) -> Permit | None:
    """Returns what lets a call run that the graph runs behind a row of the ledger."""
    if wait.pending.form != "policy" or ask.index is None:
        return None
    decision = outcome.decision
    return Permit(
        turn=wait.number,
        index=ask.index,
        release=opened.id if opened else wait.pending.id,
        digest=decision.digest if decision else ask.args.digest,
        approval_id=opened.id if opened else None,
        approver=decision.by.id if decision else None,
    )


def _of_policy(ask: Ask) -> Outcome:
    status = "approved" if ask.verdict.effect == "allow" else "rejected"
    return Outcome(status=status, digest=ask.verdict.digest, reason=ask.verdict.reason)


def chosen(outcome: Outcome) -> str | None:
    """Returns the option that somebody chose, or None where nobody did."""
    answers = outcome.decision.answers if outcome.decision else None
    options = next((answer.options for answer in (answers or {}).values()), ())
    return options[0] if options else None


def _approval(asks: Asks, pending: Pending, place: int, ask: Ask) -> ApprovalInput:
    call = ModelCall(
        index=place if ask.index is None else ask.index,
        call_id=pending.id,
        tool=ask.tool,
        args=ask.args,
        schema_ref=ask.schema_ref,
        allow_skip=ask.allow_skip,
        context=ask.context,
    )
    if pending.form == "uncertain":
        given = asks.what_happened(call, ask.verdict, ask.args)
    elif ask.tool == ASK_HUMAN:
        given = asks.questions(call, ask.verdict)
    else:
        given = asks.call(call, ask.verdict, ask.context)
    return given.model_copy(update={"metadata": {"graph": _where(pending, place)}})


def _where(pending: Pending, place: int) -> dict[str, Any]:
    """Returns what tells the calls of a graph apart: its node, and which call of which interrupt."""
    where: dict[str, Any] = {"node": pending.node, "interrupt_id": pending.id, "form": pending.form}
    if pending.namespace:
        where["namespace"] = pending.namespace
    if len(pending.asks) > 1:
        where |= {"position": place, "of": len(pending.asks)}
    return where


def _named(pending: Pending, ask: Ask) -> str:
    return pending.node if ask.tool == ASK_HUMAN else ask.tool
