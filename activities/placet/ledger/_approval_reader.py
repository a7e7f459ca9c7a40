"""Approvals as they are read: with the deadline applied, whatever has not been written yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, Select, and_, func, or_, select, tuple_, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from placet.contracts.approvals import (
    Approval,
    Asked,
    DecisionView,
    Execution,
    RefusedDecision,
    WorkflowLink,
)
from placet.contracts.canonical import parse_object
from placet.contracts.decisions import DecisionRecord, Person
from placet.ledger._cursor import Position, decode, encode
from placet.ledger._shapes import ApprovalQuery, Page, StoredDecision, Viewer
from placet.ledger._tables import approvals, approvers, blobs, calls, decisions, micros

REFUSED_SHOWN = 20
_EXECUTIONS = {
    "started": "running",
    "succeeded": "succeeded",
    "failed": "failed",
    "uncertain": "uncertain",
    "refused": "refused",
}


async def one(
    connection: AsyncConnection, approval_id: str, now: datetime, viewer: Viewer | None = None
) -> Approval | None:
    """Returns one approval as it is at that time, to whom may see it."""
    statement = select(approvals).where(approvals.c.id == approval_id)
    seen = visible(viewer)
    rows = await connection.execute(statement if seen is None else statement.where(seen))
    found = await views(connection, rows.all(), now)
    return found[0] if found else None


async def page(connection: AsyncConnection, query: ApprovalQuery, now: datetime) -> Page[Approval]:
    """Returns one page of approvals."""
    rows = (await connection.execute(listing(query, now))).all()
    shown = rows[: query.limit]
    more = encode(_position(query, shown[-1])) if len(rows) > query.limit else None
    return Page(tuple(await views(connection, shown, now)), more)


def listing(query: ApprovalQuery, now: datetime) -> Select[Any]:
    """Returns the query of a page, and of one row behind it."""
    statement = select(approvals)
    for condition in _conditions(query, now):
        statement = statement.where(condition)
    key = approvals.c.expires_order if query.sort == "expires_at" else approvals.c.requested_at
    falling = query.sort == "-requested_at"
    if query.cursor is not None:
        position = decode(query.cursor)
        here = tuple_(_as_number(key), approvals.c.id)
        there = tuple_(position.key, position.id)
        statement = statement.where(here < there if falling else here > there)
    order = (key.desc(), approvals.c.id.desc()) if falling else (key, approvals.c.id)
    return statement.order_by(*order).limit(query.limit + 1)


def is_pending(now: datetime) -> ColumnElement[bool]:
    """Returns the condition of being decidable: not past the deadline, unless a decision is on its way."""
    in_time = or_(approvals.c.expires_at.is_(None), approvals.c.expires_at > now, approvals.c.on_its_way > 0)
    return and_(approvals.c.status == "pending", in_time)


def visible(viewer: Viewer | None) -> ColumnElement[bool] | None:
    """Returns the condition of being seen by somebody; None where everything is."""
    if viewer is None:
        return None
    named = select(approvers.c.approval_id).where(approvers.c.name.in_(viewer.names))
    ways: list[ColumnElement[bool]] = [approvals.c.requester == viewer.user_id]
    if "approver" in viewer.roles:
        ways.append(approvals.c.id.in_(named))
    return or_(*ways)


async def views(connection: AsyncConnection, rows: Sequence[Row[Any]], now: datetime) -> list[Approval]:
    """Returns rows as REST shows them."""
    ids = [row.id for row in rows]
    if not ids:
        return []
    refused = await _refused(connection, ids)
    ran = await _executions(connection, ids)
    texts = await _texts(connection, [Asked.model_validate(row.asked) for row in rows])
    return [_view(row, now, refused.get(row.id, ()), ran.get(row.id), texts) for row in rows]


def _conditions(query: ApprovalQuery, now: datetime) -> list[ColumnElement[bool]]:
    table = approvals.c
    exact = (
        (table.kind, query.kind),
        (table.tool, query.tool),
        (table.agent, query.agent),
        (table.risk, query.risk),
        (table.run_id, query.run_id),
        (table.thread_id, query.thread_id),
        (table.source_type, query.source_type),
    )
    conditions = [column == value for column, value in exact if value is not None]
    if query.statuses:
        conditions.append(or_(*(_has_status(status, now) for status in query.statuses)))
    words = (query.q or "").casefold().split()
    conditions += [table.search.contains(word, autoescape=True) for word in words]
    seen = visible(query.visible_to)
    if seen is not None:
        conditions.append(seen)
    return conditions


def _has_status(status: str, now: datetime) -> ColumnElement[bool]:
    if status == "pending":
        return is_pending(now)
    if status == "expired":
        lapsed = and_(approvals.c.expires_at <= now, approvals.c.on_its_way <= 0)
        return or_(approvals.c.status == "expired", and_(approvals.c.status == "pending", lapsed))
    return approvals.c.status == status


def _as_number(key: ColumnElement[Any]) -> ColumnElement[Any]:
    """Returns the sort key compared as the number that is stored."""
    return type_coerce(key, BigInteger)


def _position(query: ApprovalQuery, row: Row[Any]) -> Position:
    key = row.expires_order if query.sort == "expires_at" else micros(row.requested_at)
    return Position(key, row.id)


async def _refused(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, tuple[RefusedDecision, ...]]:
    query = (
        select(decisions)
        .where(decisions.c.approval_id.in_(ids), decisions.c.state == "refused")
        .order_by(decisions.c.at)
    )
    grouped: dict[str, list[RefusedDecision]] = {}
    for row in await connection.execute(query):
        entry = RefusedDecision(decision_id=row.id, code=row.code, by=Person.model_validate(row.by), at=row.at)
        grouped.setdefault(row.approval_id, []).append(entry)
    return {key: tuple(entries[-REFUSED_SHOWN:]) for key, entries in grouped.items()}


async def _executions(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Execution]:
    query = select(calls).where(calls.c.approval_id.in_(ids)).order_by(calls.c.again)
    return {row.approval_id: execution(row) for row in await connection.execute(query)}


def execution(row: Row[Any]) -> Execution:
    """Returns what became of a call."""
    return Execution.model_validate(
        {
            "status": _EXECUTIONS[row.state],
            "digest": row.digest,
            "started_at": row.started_at,
            "ended_at": row.ended_at,
        }
    )


async def _texts(connection: AsyncConnection, asked: Sequence[Asked]) -> dict[str, str]:
    """Returns what the ledger keeps of these approvals under a reference: arguments, schemas."""
    refs = {ref for one in asked for ref in (one.args.ref, one.args_schema_ref) if ref}
    if not refs:
        return {}
    rows = await connection.execute(select(blobs).where(blobs.c.ref.in_(refs)))
    return {row.ref: row.body for row in rows}


def _view(
    row: Row[Any],
    now: datetime,
    refused: tuple[RefusedDecision, ...],
    ran: Execution | None,
    texts: dict[str, str],
) -> Approval:
    asked = Asked.model_validate(row.asked)
    late = asked.expires_at is not None and asked.expires_at <= now
    lapsed = row.status == "pending" and late and row.on_its_way <= 0
    shared = asked.model_dump(exclude={"args", "args_schema_ref", "says", "workflow_id", "workflow_run_id"})
    schema = texts.get(asked.args_schema_ref or "")
    return Approval.model_validate(
        {
            **shared,
            "status": "expired" if lapsed else row.status,
            "args": parse_object(asked.args.text or texts.get(asked.args.ref or "", "{}")),
            "args_schema": parse_object(schema) if schema else asked.args_schema,
            "digest": asked.args.digest,
            "says": row.says,
            "decision": decision_view(DecisionRecord.model_validate(row.decision)) if row.decision else None,
            "refused": refused,
            "recorded": row.status == "pending" and row.on_its_way > 0,
            "ended_at": asked.expires_at if lapsed else row.ended_at,
            "execution": ran,
            "temporal": WorkflowLink(workflow_id=asked.workflow_id, run_id=asked.workflow_run_id),
        }
    )


def decision_view(record: DecisionRecord) -> DecisionView:
    """Returns a recorded decision as REST shows it."""
    args = parse_object(record.args_text) if record.args_text is not None else None
    return DecisionView.model_validate({**record.model_dump(exclude={"args_text"}), "args": args})


async def stored_decision(connection: AsyncConnection, approval_id: str, decision_id: str) -> StoredDecision | None:
    """Returns what became of a decision."""
    query = select(decisions).where(decisions.c.approval_id == approval_id, decisions.c.id == decision_id)
    row = (await connection.execute(query)).first()
    return StoredDecision(row.state, row.fingerprint, row.code) if row else None


async def on_its_way(connection: AsyncConnection, approval_id: str) -> bool:
    """Returns whether a pending approval has a decision that was answered 202."""
    query = select(approvals.c.id).where(
        approvals.c.id == approval_id, approvals.c.status == "pending", approvals.c.on_its_way > 0
    )
    return (await connection.execute(query)).first() is not None


async def asked(connection: AsyncConnection, approval_id: str) -> Asked | None:
    """Returns the approval as it was asked."""
    query = select(approvals.c.asked).where(approvals.c.id == approval_id)
    row = (await connection.execute(query)).first()
    return Asked.model_validate(row.asked) if row else None


async def count(connection: AsyncConnection, query: ApprovalQuery, now: datetime) -> int:
    """Returns how many approvals a query finds in all."""
    statement = select(func.count()).select_from(approvals)
    for condition in _conditions(query, now):
        statement = statement.where(condition)
    return (await connection.execute(statement)).scalar_one()
