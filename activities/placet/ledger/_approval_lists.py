"""Lists of approvals: which, in which order, page by page.

A page is read from the index that has its order, from where the page before ended. The indexes begin
with the status that is stored; the status that is seen differs from it where a deadline has passed.
So a list is put together from branches, each of which is one range of one index.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    tuple_,
    type_coerce,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from placet.contracts.approvals import APPROVAL_STATUSES, Approval
from placet.ledger._approval_views import COLUMNS, views
from placet.ledger._cursor import decode, encode
from placet.ledger._shapes import ApprovalQuery, Page, page_size
from placet.ledger._tables import Words, approvals, decisions, micros
from placet.ledger._visibility import approval_is_seen_by, approval_names

_EVERY_STATUS: Final = frozenset(APPROVAL_STATUSES)
SOON: Final = timedelta(minutes=15)
"""A critical approval whose deadline is nearer than this comes first by urgency."""
_A_RANK: Final = 2**53
"""More microseconds than lie between 1970 and any request: the rank of a risk outweighs the age."""


class _Decider(FunctionElement[str]):
    """Who decided, `user:…`, from the decision that is kept as JSON."""

    inherit_cache = True
    type = Words()
    name = "decider"


@compiles(_Decider, "sqlite")
def _decider_in_sqlite(element: _Decider, compiler: SQLCompiler, **options: object) -> str:
    return f"json_extract({compiler.process(element.clauses, **options)}, '$.by.id')"


@compiles(_Decider, "postgresql")
def _decider_in_postgresql(element: _Decider, compiler: SQLCompiler, **options: object) -> str:
    return f"(CAST({compiler.process(element.clauses, **options)} AS json) #>> '{{by,id}}')"


async def page(connection: AsyncConnection, query: ApprovalQuery, now: datetime) -> Page[Approval]:
    """Returns one page of approvals as they are seen at `now`."""
    found = (await connection.execute(listing(query, now))).all()
    shown = found[: page_size(query.limit)]
    last = shown[-1] if len(found) > len(shown) else None
    cursor = encode(query.sort, last.key, last.id) if last else None
    ids = [row.id for row in shown]
    rows = {row.id: row for row in await connection.execute(select(*COLUMNS).where(approvals.c.id.in_(ids)))}
    return Page(tuple(await views(connection, [rows[row_id] for row_id in ids], now)), cursor)


async def count(connection: AsyncConnection, query: ApprovalQuery, now: datetime) -> int:
    """Returns how many approvals a query finds in all."""
    conditions = [or_(*_branches(query, now)), *_filters(query)]
    return (await connection.execute(select(func.count()).select_from(approvals).where(*conditions))).scalar_one()


def listing(query: ApprovalQuery, now: datetime) -> Select[Any, Any]:
    """Returns the statement that finds the ids and sort keys of a page, and of one row behind it."""
    branches = [_range(query, condition, now) for condition in _branches(query, now)]
    if len(branches) == 1:
        return branches[0]
    found = union_all(*(select(branch.subquery()) for branch in branches)).subquery()
    return _in_order(select(found.c.id, found.c.key), query, found.c.key, found.c.id)


def is_pending(now: datetime) -> ColumnElement[bool]:
    """Returns the condition of being decidable: in time, or with a decision on its way."""
    return and_(approvals.c.status == "pending", not_(_has_lapsed(now)))


def _has_lapsed(now: datetime) -> ColumnElement[bool]:
    on_its_way = exists().where(decisions.c.approval_id == approvals.c.id, decisions.c.state == "recorded")
    return and_(approvals.c.expires_order <= micros(now), not_(on_its_way))


def _branches(query: ApprovalQuery, now: datetime) -> list[ColumnElement[bool]]:
    """Returns a condition for each range that the wanted statuses lie in."""
    wanted = frozenset(query.statuses)
    if not wanted or wanted >= _EVERY_STATUS:
        return [true()]
    conditions = list(_by_status(wanted, now))
    # One run or thread has few approvals: they are read by it, and sorted.
    return [or_(*conditions)] if query.run_id or query.thread_id else conditions


def _by_status(wanted: frozenset[str], now: datetime) -> Iterator[ColumnElement[bool]]:
    if "pending" in wanted:
        yield is_pending(now)
    if "expired" in wanted:
        yield and_(approvals.c.status == "pending", _has_lapsed(now))
    yield from (approvals.c.status == status for status in sorted(wanted - {"pending"}))


def _range(query: ApprovalQuery, condition: ColumnElement[bool], now: datetime) -> Select[Any, Any]:
    """Returns the first of what fulfils a condition behind the cursor."""
    key, row_id = _key(query, now), approvals.c.id
    statement = select(row_id, key.label("key")).where(condition, *_filters(query))
    if query.cursor is not None:
        here, there = tuple_(key, row_id), tuple_(*decode(query.sort, query.cursor))
        statement = statement.where(here < there if _is_falling(query) else here > there)
    return _in_order(statement, query, key, row_id)


def _filters(query: ApprovalQuery) -> list[ColumnElement[bool]]:
    table = approvals.c
    exact = (
        (table.kind, query.kind),
        (table.tool, query.tool),
        (table.agent, query.agent),
        (table.risk, query.risk),
        (table.run_id, query.run_id),
        (table.turn, query.turn),
        (table.thread_id, query.thread_id),
        (table.source_type, query.source_type),
    )
    conditions = [column == value for column, value in exact if value is not None]
    conditions += [table.search.contains(word, autoescape=True) for word in (query.q or "").casefold().split()]
    if query.decided_by is not None:
        conditions.append(_Decider(table.decision) == query.decided_by)
    if query.expires_before is not None:
        conditions.append(table.expires_order < micros(query.expires_before))
    if query.names is not None:
        conditions.append(approval_names(query.names))
    if query.visible_to is not None:
        conditions.append(approval_is_seen_by(query.visible_to))
    return conditions


def _in_order(
    statement: Select[Any, Any], query: ApprovalQuery, key: ColumnElement[Any], row_id: ColumnElement[str]
) -> Select[Any, Any]:
    order = (key.desc(), row_id.desc()) if _is_falling(query) else (key, row_id)
    return statement.order_by(*order).limit(page_size(query.limit) + 1)


def _is_falling(query: ApprovalQuery) -> bool:
    return query.sort.startswith("-")


def _key(query: ApprovalQuery, now: datetime) -> ColumnElement[int]:
    """Returns the sort key as a number: the one that is stored, or what urgency makes of several."""
    if query.sort == "urgency":
        return _urgency(now)
    column = approvals.c.expires_order if query.sort == "expires_at" else approvals.c.requested_at
    return type_coerce(column, BigInteger)


def _urgency(now: datetime) -> ColumnElement[int]:
    table = approvals.c
    soon = and_(table.risk == "critical", table.expires_order < micros(now + SOON))
    ranks = [(table.risk == risk, rank) for rank, risk in enumerate(("critical", "high", "medium"), 1)]
    rank = case((soon, 0), *ranks, else_=4)
    return rank * literal(_A_RANK, BigInteger) + type_coerce(table.requested_at, BigInteger)
