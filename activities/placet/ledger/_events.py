"""The event log: appended to, never changed, followed by its cursor.

An event's id is given under a lock that is held until commit, so ids become visible in their order:
who has read up to an id has missed nothing before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Table, func, literal, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from placet.contracts._base import Message
from placet.contracts.events import RUN_ENDS, Event, EventType
from placet.ledger._locks import LOG, hold
from placet.ledger._shapes import Viewer
from placet.ledger._tables import events, runs
from placet.ledger._visibility import event_is_seen_by
from placet.ledger._waking import CHANNEL
from placet.ledger.errors import InvalidCursorError

_ID_WIDTH: Final = 16


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
    await hold(connection, LOG)
    over = await _ended_runs(connection, {event.run_id for event in new if event.run_id})
    for event in new:
        over_now = event.run_id in over and event.type not in RUN_ENDS
        await insert_once(connection, events, _row(event, None if over_now else event.run_id))
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"NOTIFY {CHANNEL}"))


async def insert_once(connection: AsyncConnection, table: Table, row: dict[str, Any]) -> bool:
    """Inserts a row and returns True, or leaves the one that is there and returns False."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(table).values(row).on_conflict_do_nothing().returning(literal(1))
    return (await connection.execute(statement)).first() is not None


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
    statement = select(events).where(events.c.id > _number(cursor)).order_by(events.c.id).limit(limit)
    if run_id is not None:
        statement = statement.where(events.c.run_id == run_id)
    if types:
        statement = statement.where(events.c.type.in_(types))
    if viewer is not None:
        statement = statement.where(event_is_seen_by(viewer))
    return [_event(row) for row in await connection.execute(statement)]


async def seen_between(connection: AsyncConnection, after: str, until: str, viewer: Viewer) -> frozenset[str]:
    """Returns which events behind the one cursor, and up to the other, the viewer may see."""
    between = (events.c.id > _number(after), events.c.id <= _number(until))
    found = await connection.execute(select(events.c.id).where(*between, event_is_seen_by(viewer)))
    return frozenset(_id(number) for number in found.scalars())


async def tail(connection: AsyncConnection) -> str:
    """Returns the id of the last event."""
    return _id((await connection.execute(select(func.max(events.c.id)))).scalar() or 0)


async def position(connection: AsyncConnection, cursor: str | None) -> str:
    """Returns the cursor, where the log has come that far; the id of the last event where none is given."""
    last = await tail(connection)
    if cursor is not None and _number(cursor) > _number(last):
        raise InvalidCursorError(cursor)
    return cursor or last


async def run_has_ended(connection: AsyncConnection, run_id: str) -> bool:
    """Returns whether the run has ended; where it has not, it does not end before this transaction."""
    query = select(runs.c.ended_at).where(runs.c.id == run_id).with_for_update(read=True)
    row = (await connection.execute(query)).first()
    return row is not None and row.ended_at is not None


async def _ended_runs(connection: AsyncConnection, run_ids: set[str]) -> set[str]:
    """Returns which runs have ended. A run ends in one transaction with its event: the lock decides."""
    if not run_ids:
        return set()
    query = select(runs.c.id).where(runs.c.id.in_(run_ids), runs.c.ended_at.is_not(None))
    return set((await connection.execute(query)).scalars())


def _row(event: NewEvent, run_id: str | None) -> dict[str, Any]:
    return {
        "once": event.once,
        "type": event.type,
        "at": event.at,
        "run_id": run_id,
        "approval_id": event.approval_id,
        "call_id": event.call_id,
        "actor": event.actor,
        "data": event.data.model_dump(mode="json"),
    }


def _event(row: Row[Any]) -> Event:
    return Event(
        id=_id(row.id),
        type=row.type,
        at=row.at,
        run_id=row.run_id,
        approval_id=row.approval_id,
        call_id=row.call_id,
        actor=row.actor,
        data=row.data,
    )


def _id(number: int) -> str:
    """Returns an event's id: of one width, so that ids sort as text as they do as numbers."""
    return f"{number:0{_ID_WIDTH}}"


def _number(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) == _ID_WIDTH):
        raise InvalidCursorError(cursor)
    return int(cursor)
