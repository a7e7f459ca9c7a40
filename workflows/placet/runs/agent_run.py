"""The workflow `AgentRun`: turns of one agent until it has nothing more to call."""

from __future__ import annotations

from typing import Final

from temporalio import workflow

from placet.contracts.runs import CloseInput, ModelInput, ModelResult, RunEnd, RunInput, RunResult
from placet.runs import effects
from placet.runs.life import Standing, answer_of, end_of, lived
from placet.runs.stopping import Stopping
from placet.runs.turn import Turn

WORKFLOW_TYPE: Final = "AgentRun"
ID_PREFIX: Final = "run-"


@workflow.defn(name=WORKFLOW_TYPE)
class AgentRun:
    """One run of an agent."""

    @workflow.init
    def __init__(self, given: RunInput) -> None:
        """Keeps what the run was started with."""
        self._given = given
        self._stopping = Stopping(tell=self._tell)
        self._head = given.head or given.input_turn
        self._results = given.results
        self._turn = given.turn
        self._standing = Standing(given)

    @workflow.run
    async def run(self, given: RunInput) -> RunResult:
        """Runs turns to the end; a cancel lets what has started finish and starts nothing more."""
        del given
        return await lived(self._live(), self._stopping)

    async def _live(self) -> RunResult | RunInput:
        """Returns how the run ended, or with what it goes on in a new history."""
        self._tell()
        while self._turn < self._given.max_turns:
            answer = await self._ask_model()
            if answer is None:
                return await self._close("cancelled")
            if isinstance(answer, str):
                return await self._close("failed", error=answer)
            self._head, self._results = answer.turn_row, ()
            if not answer.calls:
                return await self._close("completed", message_id=answer.message_id, error=_unfinished(answer.cut))
            turn = Turn(self._given, self._turn, answer, self._stopping)
            self._results = await turn.settle_all()
            self._turn += 1
            if self._stopping.asked_for:
                return await self._close(end_of(self._stopping), reason=self._stopping.reason)
            if self._wants_a_new_history():
                return self._carried_on()
        limit = self._given.max_turns
        return await self._close("failed", error=f"The run took more than {limit} turns.")

    def _wants_a_new_history(self) -> bool:
        """Returns whether this turn is the last of its history: between turns no approval is open."""
        limit = self._given.turns_a_history
        full = limit is not None and self._turn - self._given.turn >= limit
        return (full or workflow.info().is_continue_as_new_suggested()) and self._turn < self._given.max_turns

    def _carried_on(self) -> RunInput:
        return self._given.model_copy(update={"turn": self._turn, "head": self._head, "results": self._results})

    async def _ask_model(self) -> ModelResult | str | None:
        """Returns what the model answered, what went wrong for good, or None once cancelled."""
        given = ModelInput(
            run_id=self._given.run_id,
            agent=self._given.agent,
            thread_id=self._given.thread_id,
            turn=self._turn,
            parent_turn=self._head,
            results=self._results,
            requester=self._given.requester,
            started_at=workflow.info().workflow_start_time if self._turn == 0 else None,
        )
        call = effects.start_model(given, f"model · {self._given.agent} · turn {self._turn + 1}")
        await workflow.wait_condition(lambda: call.done() or self._stopping.asked_for)
        if self._stopping.asked_for:
            call.cancel()
            return None
        return await answer_of(call)

    async def _close(
        self,
        status: RunEnd,
        *,
        message_id: str | None = None,
        error: str | None = None,
        reason: str | None = None,
    ) -> RunResult:
        """Writes the run's end; what the ledger holds then is what a thread goes on from."""
        given = CloseInput(
            run_id=self._given.run_id,
            agent=self._given.agent,
            thread_id=self._given.thread_id,
            status=status,
            message_id=message_id,
            error=error,
            reason=reason,
            last_turn=self._head,
            turn=self._turn,
            results=dict(enumerate(self._results)),
            actor=self._stopping.by,
        )
        return await self._standing.close(given, self._stopping)

    def _tell(self) -> None:
        """Shows operators how the run stands."""
        self._standing.tell(self._turn, self._stopping)


def _unfinished(cut: str | None) -> str | None:
    """Returns what the record says of a last answer that stops in the middle."""
    return None if cut is None else f"The last answer is not whole: the provider stopped it ({cut})."
