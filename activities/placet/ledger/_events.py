"""The event log: appended to, never changed, followed by its cursor.

An event's id is given under a lock that is held until commit, so ids become visible in their order:
who has read up to an id has missed nothing before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, Table, func, literal, or_, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from placet.contracts._base import Message
from placet.contracts.events import RUN_ENDS, Event, EventType
from placet.ledger._shapes import Viewer
from placet.ledger._tables import approvals, approvers, events, runs
from placet.ledger.errors import InvalidCursorError

_LOCK: Final = 7117
_LONGEST_CURSOR: Final = 18
CHANNEL: Final = "placet_events"


@dataclass(frozen=True)
class NewEvent:
    """An event that is not in the log yet.

    Attributes:
        once: What makes it unique: the same event twice is written once.
    """

    type: EventType
    at: datetime
    data: Message
    once: str | None = None
    run_id: str | None = None
    approval_id: str | None = None
    call_id: str | None = None
    actor: str | None = None


async def append(connection: AsyncConnection, new: Sequence[NewEvent]) -> None:
    """Appends events; it must be the last thing that a transaction does.

    What belongs to a run that has ended is kept without its run id: a run's stream ends with the run.
    """
    if not new:
        return
    on_sqlite = connection.dialect.name == "sqlite"
    if not on_sqlite:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    over = await _ended_runs(connection, {event.run_id for event in new if event.run_id})
    for event in new:
        await insert_once(connection, events, _row(event, over))
    if not on_sqlite:
        await connection.execute(text(f"NOTIFY {CHANNEL}"))


async def insert_once(connection: AsyncConnection, table: Table, row: dict[str, Any]) -> bool:
    """Inserts a row and returns True, or leaves the one that is there and returns False."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).values(row).on_conflict_do_nothing().returning(literal(1))
    return (await connection.execute(statement)).first() is not None


def after(cursor: int, run_id: str | None, types: Sequence[str], limit: int) -> Select[Any]:
    """Returns the query for the events behind a cursor, in the order of the log."""
    query = select(events).where(events.c.id > cursor).order_by(events.c.id).limit(limit)
    if run_id is not None:
        query = query.where(events.c.run_id == run_id)
    if types:
        query = query.where(events.c.type.in_(types))
    return query


def as_event(row: Row[Any]) -> Event:
    """Returns a row as every stream shows it."""
    return Event(
        id=str(row.id),
        type=row.type,
        at=row.at,
        run_id=row.run_id,
        approval_id=row.approval_id,
        call_id=row.call_id,
        actor=row.actor,
        data=row.data,
    )


async def run_has_ended(connection: AsyncConnection, run_id: str) -> bool:
    """Returns whether the run's terminal event is in the log."""
    return bool(await _ended_runs(connection, {run_id}))


async def _ended_runs(connection: AsyncConnection, run_ids: set[str]) -> set[str]:
    if not run_ids:
        return set()
    query = select(events.c.run_id).where(events.c.run_id.in_(run_ids), events.c.type.in_(RUN_ENDS))
    return {row.run_id for row in await connection.execute(query)}


def _row(event: NewEvent, over: set[str]) -> dict[str, Any]:
    return {
        "once": event.once,
        "type": event.type,
        "at": event.at,
        "run_id": None if event.run_id in over else event.run_id,
        "approval_id": event.approval_id,
        "call_id": event.call_id,
        "actor": event.actor,
        "data": event.data.model_dump(mode="json"),
    }


async def read(
    connection: AsyncConnection,
    cursor: str | None,
    limit: int,
    *,
    run_id: str | None,
    types: Sequence[str],
    viewer: Viewer | None,
) -> list[Event]:
    """Returns the next events of the log that the viewer may see."""
    statement = after(_number(cursor), run_id, types, limit)
    if viewer is not None:
        statement = statement.where(_visible(viewer))
    return [as_event(row) for row in await connection.execute(statement)]


async def tail(connection: AsyncConnection) -> str:
    """Returns the id of the last event."""
    return str((await connection.execute(select(func.max(events.c.id)))).scalar() or 0)


def _number(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isascii() or not cursor.isdecimal() or len(cursor) > _LONGEST_CURSOR:
        raise InvalidCursorError(cursor)
    return int(cursor)


def _visible(viewer: Viewer) -> ColumnElement[bool]:
    own = select(approvals.c.id).where(approvals.c.requester == viewer.user_id)
    own_runs = select(runs.c.id).where(runs.c.requester == viewer.user_id)
    ways = [events.c.approval_id.in_(own), events.c.run_id.in_(own_runs)]
    if "approver" in viewer.roles:
        named = select(approvers.c.approval_id).where(approvers.c.name.in_(viewer.names))
        named_runs = select(approvals.c.run_id).where(approvals.c.id.in_(named))
        ways += [events.c.approval_id.in_(named), events.c.run_id.in_(named_runs)]
    return or_(*ways)
