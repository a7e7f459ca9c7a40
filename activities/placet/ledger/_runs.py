"""Runs as they are written: opened, asked to stop, closed, each once."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from placet.contracts.events import (
    OPERATOR,
    SYSTEM_TIMEOUT,
    EventType,
    RunCancelRequested,
    RunEnded,
    RunStarted,
)
from placet.contracts.runs import CloseInput, RunEnd
from placet.ledger import _transcripts as transcripts
from placet.ledger._events import NewEvent, append, insert_once
from placet.ledger._shapes import RunRow
from placet.ledger._tables import runs
from placet.ledger._threads import note_run

_ENDS: Final[dict[RunEnd, EventType]] = {
    "completed": "run.completed",
    "failed": "run.failed",
    "cancelled": "run.cancelled",
    "expired": "run.expired",
}


async def open_run(connection: AsyncConnection, run: RunRow) -> None:
    """Writes a run's row and `run.started`, once; what the row lacks is filled in."""
    known: dict[str, Any] = {
        "requester": run.requester,
        "input": run.input,
        "input_turn": run.input_turn,
        "metadata": dict(run.metadata) if run.metadata is not None else None,
        "workflow_id": run.workflow_id,
        "workflow_run_id": run.workflow_run_id,
    }
    named = {"id": run.id, "agent": run.agent, "thread_id": run.thread_id, "started_at": run.started_at}
    if await insert_once(connection, runs, named | known | {"status": "running", "results": []}):
        await note_run(connection, run)
        data = RunStarted(agent=run.agent, thread_id=run.thread_id, requester=run.requester)
        await append(connection, [_event(run.id, "run.started", run.started_at, data, run.requester)])
        return
    lacking = {
        name: func.coalesce(runs.c[name], bindparam(None, value, type_=runs.c[name].type))
        for name, value in known.items()
        if value is not None
    }
    if lacking:
        await connection.execute(update(runs).where(runs.c.id == run.id).values(lacking))


async def request_cancel(
    connection: AsyncConnection, run_id: str, actor: str, reason: str | None, at: datetime
) -> None:
    """Notes once that somebody wants the run to stop."""
    open_row = runs.c.id == run_id, runs.c.ended_at.is_(None), runs.c.cancel_requested_at.is_(None)
    change = {"cancel_requested_at": at, "cancel_actor": actor}
    done = await connection.execute(update(runs).where(*open_row).values(change))
    if done.rowcount == 1:
        data = RunCancelRequested(reason=reason)
        await append(connection, [_event(run_id, "run.cancel_requested", at, data, actor)])


async def close_run(
    connection: AsyncConnection, close: CloseInput, output: str | None, at: datetime, execution: str | None = None
) -> None:
    """Writes a run's end, once; a row that was lost is made, so that the end is not lost too."""
    query = select(runs).where(runs.c.id == close.run_id).with_for_update()
    row = (await connection.execute(query)).first()
    if row is None:
        lost = RunRow(id=close.run_id, agent=close.agent, thread_id=close.thread_id, started_at=at)
        await open_run(connection, lost)
    elif row.ended_at is not None:
        return
    output = output if output is not None else await _said(connection, close.message_id)
    change: dict[str, Any] = {
        "status": close.status,
        "ended_at": at,
        "output": output,
        "error": close.error,
        "results": [close.results[index] for index in sorted(close.results)],
    }
    if close.last_turn is not None:
        change["head"] = close.last_turn
    if execution is not None:
        change["workflow_run_id"] = execution
    await connection.execute(update(runs).where(runs.c.id == close.run_id).values(change))
    data = RunEnded(output=output, error=close.error, reason=close.reason)
    await append(connection, [_event(close.run_id, _ENDS[close.status], at, data, _closer(close, row))])


def _closer(close: CloseInput, row: Row[Any] | None) -> str:
    """Returns who ended the run."""
    if close.actor is not None:
        return close.actor
    if close.status == "cancelled":
        return (row.cancel_actor if row else None) or OPERATOR
    return SYSTEM_TIMEOUT if close.status == "expired" else f"agent:{close.agent}"


async def _said(connection: AsyncConnection, message_id: str | None) -> str | None:
    found = await transcripts.by_ids(connection, [message_id] if message_id else [])
    return transcripts.text_of(found[0]) if found else None


def _event(
    run_id: str,
    kind: EventType,
    at: datetime,
    data: RunStarted | RunCancelRequested | RunEnded,
    actor: str | None,
) -> NewEvent:
    return NewEvent(type=kind, at=at, data=data, once=f"{kind}:{run_id}", run_id=run_id, actor=actor)
