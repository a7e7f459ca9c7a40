"""The workflow `GraphRun`: supersteps of one LangGraph graph until it has nothing more to run.

Nothing of LangGraph is here, and nothing of it is replayed: a run waits for weeks, and meanwhile both may change.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from temporalio import workflow

from placet.contracts.graphs import Answered, GraphInput, StepInput, StepResult
from placet.contracts.runs import CloseInput, RunEnd, RunResult
from placet.runs import effects
from placet.runs.life import Standing, answer_of, end_of, lived
from placet.runs.stopping import Stopping
from placet.runs.waits import Waits

WORKFLOW_TYPE: Final = "GraphRun"
_TELLS_CHANGES: Final = "graph-tells-changes"
"""Runs of before showed their status anew after every superstep: an event, and a write to the list of workflows."""


@workflow.defn(name=WORKFLOW_TYPE)
class GraphRun:
    """One run of a graph."""

    @workflow.init
    def __init__(self, given: GraphInput) -> None:
        """Keeps what the run was started with."""
        self._given = given
        self._stopping = Stopping(tell=self._tell)
        self._waits = Waits(given, self._stopping)
        self._head = given.head
        self._last_turn = given.last_turn or given.input_turn
        self._stop_at = given.stop_at
        self._step = given.step
        self._says = given.says
        self._next: tuple[str, ...] = ()
        self._standing = Standing(given, changes_only=workflow.patched(_TELLS_CHANGES))

    @workflow.run
    async def run(self, given: GraphInput) -> RunResult:
        """Runs supersteps to the end; a cancel lets what has started finish and starts nothing more."""
        del given
        return await lived(self._live(), self._stopping)

    async def _live(self) -> RunResult | GraphInput:
        """Returns how the run ended, or with what it goes on in a new history."""
        self._tell()
        answers: tuple[Answered, ...] = ()
        while True:
            step = await self._superstep(answers)
            if isinstance(step, str):
                return await self._broken_off(step)
            self._take(step)
            if step.status == "ended" and not self._stopping.asked_for:
                return await self._close("completed", message_id=step.message_id, output_ref=step.output_ref)
            await self._waits.take(step, self._step - 1, self._says)
            answers = await self._waits.answers() if step.status == "waits" else ()
            if self._stopping.asked_for:
                await self._waits.end()
                return await self._close(end_of(self._stopping), reason=self._stopping.reason)
            denied = _denied_for_good(step, answers)
            if denied is not None:
                return await self._broken_off(denied)
            if step.status == "drained" and self._wants_a_new_history():
                return self._carried_on()

    async def _broken_off(self, why: str) -> RunResult:
        """Ends a run that cannot go on."""
        await self._waits.end()
        if self._stopping.asked_for:
            return await self._close(end_of(self._stopping), reason=self._stopping.reason)
        return await self._close("failed", error=why)

    def _take(self, step: StepResult) -> None:
        """Goes on from where a superstep ended: what it names is all that counts of it."""
        self._head, self._last_turn, self._stop_at = step.head, step.turn_row, step.stop_at
        self._next = step.next
        self._says = step.message_id or self._says
        self._step += 1
        self._tell()

    def _wants_a_new_history(self) -> bool:
        """Returns whether this superstep is the last of its history: between supersteps no approval is open."""
        limit = self._given.steps_a_history
        full = limit is not None and self._step - self._given.step >= limit
        return full or workflow.info().is_continue_as_new_suggested()

    def _carried_on(self) -> GraphInput:
        carried = {"step": self._step, "head": self._head, "last_turn": self._last_turn}
        return self._given.model_copy(update={**carried, "stop_at": self._stop_at, "says": self._says})

    async def _superstep(self, answers: tuple[Answered, ...]) -> StepResult | str:
        """Returns what became of a superstep, or what went wrong for good."""
        first = self._step == 0
        given = StepInput(
            run_id=self._given.run_id,
            agent=self._given.agent,
            thread_id=self._given.thread_id,
            step=self._step,
            requester=self._given.requester,
            parent_turn=self._last_turn,
            input_turn=self._given.input_turn if first else None,
            input_ref=self._given.input_ref if first else None,
            started_at=workflow.info().workflow_start_time if first else None,
            head=self._head,
            stop_at=self._stop_at,
            answers=answers,
            context_ref=self._given.context_ref,
        )
        limit = timedelta(seconds=self._given.tool_timeout_seconds)
        call = effects.start_superstep(given, limit, f"graph · {', '.join(self._next) or 'input'}")
        await workflow.wait_condition(lambda: call.done() or self._stopping.asked_for)
        if not call.done():
            call.cancel()
        return await answer_of(call)

    async def _close(
        self,
        status: RunEnd,
        *,
        message_id: str | None = None,
        output_ref: str | None = None,
        error: str | None = None,
        reason: str | None = None,
    ) -> RunResult:
        """Writes the run's end; the checkpoint that its last turn names is what a thread goes on from."""
        given = CloseInput(
            run_id=self._given.run_id,
            agent=self._given.agent,
            thread_id=self._given.thread_id,
            status=status,
            message_id=message_id,
            output_ref=output_ref,
            error=error,
            reason=reason,
            last_turn=self._last_turn,
            turn=self._step,
            actor=self._stopping.by,
        )
        return await self._standing.close(given, self._stopping)

    def _tell(self) -> None:
        """Shows operators how the run stands."""
        self._standing.tell(self._step, self._stopping)


def _denied_for_good(step: StepResult, answers: tuple[Answered, ...]) -> str | None:
    """Returns why the graph cannot go on: policy forbids what it asks, and the graph takes no no for an answer."""
    answered = {one.interrupt for one in answers}
    for pending in step.pending:
        for ask in pending.asks:
            if pending.id in answered and ask.verdict.effect == "deny" and not ask.refusable:
                return f"Policy does not let {pending.node} ask: {ask.verdict.reason}"
    return None
