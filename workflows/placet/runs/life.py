"""What the lives of all runs have in common: a cancel lets finish what has started, and the end is told to Temporal."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from placet.contracts.runs import RunResult
from placet.runs import effects, story

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from temporalio.workflow import ActivityHandle

    from placet.contracts.runs import CloseInput, RunEnd, RunStart
    from placet.runs.stopping import Stopping

_Given = TypeVar("_Given", bound="RunStart")
_Result = TypeVar("_Result")


async def lived(life: Coroutine[Any, Any, RunResult | _Given], stopping: Stopping) -> RunResult:
    """Lets a run live to its end; with what it returns else it goes on in a new history.

    Temporal's own status says the same as the ledger's: a run that failed or was cancelled is not shown to an
    operator as completed.

    Args:
        life: Returns how the run ended, or with what it goes on.
        stopping: Is told of a cancel: what has started is let finish, and nothing more starts.
    """
    result = await _to_the_end(life, stopping)
    if not isinstance(result, RunResult):
        workflow.continue_as_new(result)
    if result.status == "failed":
        raise ApplicationError(result.error or "failed", type="run_failed", non_retryable=True)
    if result.status == "cancelled" and workflow.cancellation_reason() is not None:
        raise asyncio.CancelledError
    return result


async def _to_the_end(life: Coroutine[Any, Any, _Result], stopping: Stopping) -> _Result:
    living = asyncio.create_task(life)
    while True:
        try:
            return await asyncio.shield(living)
        except asyncio.CancelledError:
            if living.done():
                raise
            stopping.stop("cancelled", workflow.cancellation_reason() or None)


class Standing:
    """How a run stands, as operators are told."""

    def __init__(self, given: RunStart, *, changes_only: bool = False) -> None:
        """Tells of a run.

        Args:
            given: Its input.
            changes_only: That it is running is told once until it is not, and not again with every step.
        """
        self._given = given
        self._status = "running"
        self._changes_only = changes_only
        self._told = False

    def tell(self, turn: int, stopping: Stopping) -> None:
        """Shows operators how the run stands."""
        if self._status in {"running", "waiting"}:
            status = "waiting" if stopping.waiting else "running"
        else:
            status = self._status
        again = status == "running" and not (self._changes_only and self._told)
        if status != self._status or again:
            self._status, self._told = status, True
            story.show_status(status)
        workflow.set_current_details(story.run_details(self._given, status, turn, stopping.waiting))

    async def close(self, given: CloseInput, stopping: Stopping) -> RunResult:
        """Writes the run's end, shows it to operators, and returns it as Temporal has it."""
        await effects.close(given, f"close · {given.status}")
        self._status = given.status
        self.tell(given.turn, stopping)
        return RunResult(status=given.status, message_id=given.message_id, error=given.error)


def end_of(stopping: Stopping) -> RunEnd:
    """Returns how a run ends that was stopped."""
    return "expired" if stopping.end == "expired" else "cancelled"


async def answer_of(call: ActivityHandle[_Result]) -> _Result | str:
    """Returns the result of an activity, or what went wrong for good."""
    try:
        return await call
    except ActivityError as error:
        cause = error.cause
        return str(cause) if cause is not None else str(error)
