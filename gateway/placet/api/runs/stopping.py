"""Asking a run to stop: who started it, or an admin; what has started is let finish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from placet.api.authorisation import TAKES_BACK
from placet.api.errors import ProblemError, UnreachableError
from placet.contracts.reach import reaches

if TYPE_CHECKING:
    from placet.api.identity import Caller
    from placet.api.services import Services
    from placet.contracts.runs import Run


def may_stop(caller: Caller, run: Run) -> bool:
    """Returns whether the caller may stop a run that they may see."""
    return reaches(TAKES_BACK, caller.roles, ("own",) if run.requester == caller.id else ())


async def stop_run(services: Services, caller: Caller, run: Run, reason: str | None) -> None:
    """Asks a run to stop, on the record.

    Raises:
        ProblemError: `not_allowed`, `run_ended`, `unavailable`.
        ClosedError: It has ended, and the ledger has not heard yet.
    """
    if not may_stop(caller, run):
        raise ProblemError(code="not_allowed", detail="Who started a run, or an admin, cancels it.")
    if run.ended_at is not None:
        raise ended(run)
    try:
        await services.temporal.cancel_run(run.id, reason)
    except UnreachableError as error:
        raise ProblemError(
            code="unavailable", detail=f"Cancel it again: {error}.", maybe_recorded=error.sent
        ) from error
    await services.ledger.request_cancel(run.id, caller.id, reason, services.clock())


def ended(run: Run) -> ProblemError:
    """Returns the answer for a run that has ended."""
    return ProblemError(code="run_ended", detail=f"The run {run.id} has ended: {run.status}.", run=run)
