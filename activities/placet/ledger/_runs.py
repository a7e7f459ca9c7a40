"""Runs: their rows, their end, and how they look from outside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, and_, exists, or_, select, tuple_, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncConnection

from placet.contracts.approvals import Approval, WorkflowLink
from placet.contracts.events import EventType, RunCancelRequested, RunEnded, RunStarted
from placet.contracts.runs import CloseInput, Run
from placet.ledger import _approval_reader as approval_reader
from placet.ledger import _transcripts as transcripts
from placet.ledger._cursor import Position, decode, encode
from placet.ledger._events import NewEvent, append, insert_once
from placet.ledger._shapes import MessageDict, Page, RunQuery, RunRow, Viewer
from placet.ledger._tables import approvals, approvers, micros, runs

_ENDS: dict[str, EventType] = {
    "completed": "run.completed",
    "failed": "run.failed",
    "cancelled": "run.cancelled",
    "expired": "run.expired",
}


async def open_run(connection: AsyncConnection, run: RunRow) -> None:
    """Writes a run's row and `run.started`, once; what the row lacks is filled in."""
    known = {
        "requester": run.requester,
        "input": run.input,
        "input_turn": run.input_turn,
        "metadata": dict(run.metadata) if run.metadata is not None else None,
        "workflow_run_id": run.workflow_run_id,
    }
    row: dict[str, Any] = known | {
        "id": run.id,
        "agent": run.agent,
        "thread_id": run.thread_id,
        "status": "running",
        "results": [],
        "started_at": run.started_at,
    }
    done = await insert_once(connection, runs, row)
    if done:
        data = RunStarted(agent=run.agent, thread_id=run.thread_id, requester=run.requester)
        started = NewEvent(
            type="run.started",
            at=run.started_at,
            data=data,
            once=f"run.started:{run.id}",
            run_id=run.id,
            actor=run.requester,
        )
        await append(connection, [started])
        return
    for name, value in known.items():
        if value is not None:
            lacks = runs.c.id == run.id, runs.c[name].is_(None)
            await connection.execute(update(runs).where(*lacks).values({name: value}))


async def request_cancel(
    connection: AsyncConnection, run_id: str, actor: str, reason: str | None, at: datetime
) -> None:
    """Notes once that somebody wants the run to stop."""
    open_row = runs.c.id == run_id, runs.c.ended_at.is_(None), runs.c.cancel_requested_at.is_(None)
    done = await connection.execute(update(runs).where(*open_row).values(cancel_requested_at=at))
    if done.rowcount == 1:
        data = RunCancelRequested(reason=reason)
        event = NewEvent(type="run.cancel_requested", at=at, data=data, run_id=run_id, actor=actor)
        await append(connection, [event])


async def close_run(connection: AsyncConnection, close: CloseInput, output: str | None, at: datetime) -> None:
    """Writes a run's end, once."""
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
    open_row = runs.c.id == close.run_id, runs.c.ended_at.is_(None)
    done = await connection.execute(update(runs).where(*open_row).values(change))
    if done.rowcount == 1:
        data = RunEnded(output=output, error=close.error, reason=close.reason)
        actor = close.actor or f"agent:{close.agent}"
        kind = _ENDS[close.status]
        event = NewEvent(type=kind, at=at, data=data, run_id=close.run_id, actor=actor)
        await append(connection, [event])


async def one(connection: AsyncConnection, run_id: str, now: datetime, viewer: Viewer | None) -> Run | None:
    """Returns the run as it is at that time, to whom may see it."""
    statement = select(runs).where(runs.c.id == run_id)
    seen = _visible(viewer)
    rows = await connection.execute(statement if seen is None else statement.where(seen))
    found = await _views(connection, rows.all(), now)
    return found[0] if found else None


async def page(connection: AsyncConnection, query: RunQuery, now: datetime) -> Page[Run]:
    """Returns one page of runs, the newest first."""
    statement = select(runs)
    for condition in _conditions(query, now):
        statement = statement.where(condition)
    if query.cursor is not None:
        position = decode(query.cursor)
        here = tuple_(type_coerce(runs.c.started_at, BigInteger), runs.c.id)
        statement = statement.where(here < tuple_(position.key, position.id))
    statement = statement.order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(query.limit + 1)
    rows = (await connection.execute(statement)).all()
    shown = rows[: query.limit]
    last = shown[-1] if len(rows) > query.limit else None
    cursor = encode(Position(micros(last.started_at), last.id)) if last else None
    return Page(tuple(await _views(connection, shown, now)), cursor)


async def run_messages(connection: AsyncConnection, run_id: str) -> list[MessageDict]:
    """Returns the transcript to the run's head, with the results that are known so far."""
    row = (await connection.execute(select(runs).where(runs.c.id == run_id))).first()
    head_id = (row.head or row.input_turn) if row else None
    head = await transcripts.turn(connection, head_id) if head_id else None
    if row is None or head is None:
        return []
    said = await transcripts.transcript(connection, head.id)
    if row.results:
        return said + await transcripts.by_ids(connection, row.results)
    return said + await transcripts.results_so_far(connection, head)


async def _said(connection: AsyncConnection, message_id: str | None) -> str | None:
    found = await transcripts.by_ids(connection, [message_id] if message_id else [])
    return transcripts.text_of(found[0]) if found else None


def _visible(viewer: Viewer | None) -> ColumnElement[bool] | None:
    if viewer is None:
        return None
    ways: list[ColumnElement[bool]] = [runs.c.requester == viewer.user_id]
    if "approver" in viewer.roles:
        named = (
            select(approvals.c.run_id)
            .join(approvers, approvers.c.approval_id == approvals.c.id)
            .where(approvers.c.name.in_(viewer.names))
        )
        ways.append(runs.c.id.in_(named))
    return or_(*ways)


def _conditions(query: RunQuery, now: datetime) -> list[ColumnElement[bool]]:
    exact = (
        (runs.c.agent, query.agent),
        (runs.c.thread_id, query.thread_id),
        (runs.c.requester, query.requester),
    )
    conditions = [column == value for column, value in exact if value is not None]
    if query.statuses:
        conditions.append(or_(*(_has_status(status, now) for status in query.statuses)))
    seen = _visible(query.visible_to)
    return conditions if seen is None else [*conditions, seen]


def _has_status(status: str, now: datetime) -> ColumnElement[bool]:
    pending = exists().where(approvals.c.run_id == runs.c.id, approval_reader.is_pending(now))
    if status == "waiting":
        return and_(runs.c.status == "running", pending)
    if status == "running":
        return and_(runs.c.status == "running", ~pending)
    return runs.c.status == status


async def _views(connection: AsyncConnection, rows: Sequence[Row[Any]], now: datetime) -> list[Run]:
    ids = [row.id for row in rows if row.ended_at is None]
    pending: dict[str, list[Approval]] = {}
    if ids:
        query = (
            select(approvals)
            .where(approvals.c.run_id.in_(ids), approval_reader.is_pending(now))
            .order_by(approvals.c.turn, approvals.c.call_index, approvals.c.requested_at)
        )
        waiting = (await connection.execute(query)).all()
        for approval in await approval_reader.views(connection, waiting, now):
            pending.setdefault(approval.run_id or "", []).append(approval)
    return [_view(row, tuple(pending.get(row.id, ()))) for row in rows]


def _view(row: Row[Any], pending: tuple[Approval, ...]) -> Run:
    return Run(
        id=row.id,
        agent=row.agent,
        thread_id=row.thread_id,
        status="waiting" if pending and row.status == "running" else row.status,
        requester=row.requester,
        input=row.input,
        output=row.output,
        error=row.error,
        pending=pending,
        started_at=row.started_at,
        ended_at=row.ended_at,
        cancel_requested_at=row.cancel_requested_at,
        metadata=row.metadata or {},
        temporal=WorkflowLink(workflow_id=row.id, run_id=row.workflow_run_id),
    )
