"""Runs as they are read: waiting as soon as one approval is pending, with what they wait for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Row, Select, and_, exists, not_, or_, select, tuple_, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from placet.contracts.approvals import Approval, WorkflowLink
from placet.contracts.runs import RUN_STATUSES, Run
from placet.ledger import _transcripts as transcripts
from placet.ledger._approval_lists import is_pending
from placet.ledger._approval_views import COLUMNS
from placet.ledger._approval_views import views as approval_views
from placet.ledger._cursor import decode, encode
from placet.ledger._shapes import MessageDict, Page, RunQuery, Viewer, page_size
from placet.ledger._tables import approvals, runs
from placet.ledger._visibility import approval_is_seen_by, run_is_seen_by

_ORDER: Final = "-started_at"
_EVERY_STATUS: Final = frozenset(RUN_STATUSES)


async def one(connection: AsyncConnection, run_id: str, now: datetime, viewer: Viewer | None) -> Run | None:
    """Returns the run as it is at that time, to whom may see it."""
    statement = select(runs).where(runs.c.id == run_id)
    if viewer is not None:
        statement = statement.where(run_is_seen_by(viewer))
    found = await _views(connection, (await connection.execute(statement)).all(), now, viewer)
    return found[0] if found else None


async def page(connection: AsyncConnection, query: RunQuery, now: datetime) -> Page[Run]:
    """Returns one page of runs, the newest first."""
    rows = (await connection.execute(listing(query, now))).all()
    shown = rows[: page_size(query.limit)]
    last = shown[-1] if len(rows) > len(shown) else None
    cursor = encode(_ORDER, last.started_at, last.id) if last else None
    return Page(tuple(await _views(connection, shown, now, query.visible_to)), cursor)


def listing(query: RunQuery, now: datetime) -> Select[Any]:
    """Returns the statement that reads a page, and one row behind it."""
    statement = select(runs).where(*_filters(query, now))
    if query.cursor is not None:
        here = tuple_(type_coerce(runs.c.started_at, BigInteger), runs.c.id)
        statement = statement.where(here < tuple_(*decode(_ORDER, query.cursor)))
    return statement.order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(page_size(query.limit) + 1)


async def run_messages(connection: AsyncConnection, run_id: str) -> list[MessageDict]:
    """Returns the transcript to the run's head, with the results that are known so far."""
    row = (await connection.execute(select(runs).where(runs.c.id == run_id))).first()
    head_id = (row.head or row.input_turn) if row else None
    head = await transcripts.turn(connection, head_id) if head_id else None
    if row is None or head is None:
        return []
    said = await transcripts.transcript(connection, head.id)
    if row.ended_at is not None:
        return said + await transcripts.by_ids(connection, row.results)
    return said + await transcripts.results_so_far(connection, head)


def _filters(query: RunQuery, now: datetime) -> list[ColumnElement[bool]]:
    exact = (
        (runs.c.agent, query.agent),
        (runs.c.thread_id, query.thread_id),
        (runs.c.requester, query.requester),
    )
    conditions = [column == value for column, value in exact if value is not None]
    wanted = frozenset(query.statuses)
    if wanted and not wanted >= _EVERY_STATUS:
        conditions.append(or_(*(_has_status(status, now) for status in sorted(wanted))))
    if query.visible_to is not None:
        conditions.append(run_is_seen_by(query.visible_to))
    return conditions


def _has_status(status: str, now: datetime) -> ColumnElement[bool]:
    if status not in {"running", "waiting"}:
        return runs.c.status == status
    waits = exists().where(approvals.c.run_id == runs.c.id, is_pending(now))
    return and_(runs.c.status == "running", waits if status == "waiting" else not_(waits))


async def _views(
    connection: AsyncConnection, rows: Sequence[Row[Any]], now: datetime, viewer: Viewer | None
) -> list[Run]:
    """Returns rows as REST shows them; who sees a run sees of its approvals those that they may see."""
    waiting = await _waiting(connection, [row.id for row in rows if row.ended_at is None], now)
    shown = {approval.id for approval in waiting}
    if viewer is not None:
        query = select(approvals.c.id).where(approvals.c.id.in_(shown), approval_is_seen_by(viewer))
        shown = set((await connection.execute(query)).scalars())
    of_run: dict[str, list[Approval]] = {}
    for approval in waiting:
        of_run.setdefault(approval.run_id or "", []).append(approval)
    return [_view(row, of_run.get(row.id, []), shown) for row in rows]


async def _waiting(connection: AsyncConnection, run_ids: Sequence[str], now: datetime) -> list[Approval]:
    if not run_ids:
        return []
    query = (
        select(*COLUMNS)
        .where(approvals.c.run_id.in_(run_ids), is_pending(now))
        .order_by(approvals.c.turn, approvals.c.call_index, approvals.c.requested_at, approvals.c.id)
    )
    return await approval_views(connection, (await connection.execute(query)).all(), now)


def _view(row: Row[Any], waiting: Sequence[Approval], shown: set[str]) -> Run:
    return Run(
        id=row.id,
        agent=row.agent,
        thread_id=row.thread_id,
        status="waiting" if waiting else row.status,
        requester=row.requester,
        input=row.input,
        output=row.output,
        error=row.error,
        pending=tuple(approval for approval in waiting if approval.id in shown),
        started_at=row.started_at,
        ended_at=row.ended_at,
        cancel_requested_at=row.cancel_requested_at,
        metadata=row.metadata or {},
        temporal=WorkflowLink(workflow_id=row.workflow_id or row.id, run_id=row.workflow_run_id),
    )
