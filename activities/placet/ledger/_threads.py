"""Threads as clients of LangGraph know them: with an owner and metadata, made before any run, hidden, never erased."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import JsonValue
from sqlalchemy import ColumnElement, Select, and_, case, exists, func, not_, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from placet.contracts.events import APPROVAL_ENDS
from placet.contracts.reach import sees_all
from placet.ledger._approval_lists import is_pending
from placet.ledger._database import Database
from placet.ledger._events import insert_once
from placet.ledger._shapes import RunRow, Viewer, page_size
from placet.ledger._tables import approvals, events, runs, segments, shown, threads
from placet.ledger._visibility import run_is_seen_by

ThreadStatus = Literal["idle", "busy", "interrupted", "error"]
ThreadOrder = Literal["created_at", "updated_at", "thread_id"]


@dataclass(frozen=True, kw_only=True)
class ThreadRow:
    """A thread.

    Attributes:
        owner: Who made it, `user:…`.
        agent: Of its latest run, or the one that it was made for.
        metadata: What a client says of it.
        deleted_at: When its owner wanted to see it no more; its runs and approvals stay.
    """

    id: str
    owner: str | None
    agent: str | None = None
    metadata: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ThreadQuery:
    """Which threads, in which order; what is None or empty filters nothing.

    Attributes:
        status: By the latest run, as `idle`, `busy`, `interrupted` (an approval is pending) or `error`.
    """

    ids: Sequence[str] = ()
    agent: str | None = None
    status: ThreadStatus | None = None
    order: ThreadOrder = "updated_at"
    ascending: bool = False
    limit: int = 10
    offset: int = 0
    visible_to: Viewer | None = None


@dataclass(frozen=True, kw_only=True)
class SegmentRow:
    """A part of a run, from an answer to the next wait or to the end.

    Attributes:
        id: As the client knows it, a UUID.
        run_id: The run that it is a part of.
        caller: Who gave the answer, `user:…`.
    """

    id: str
    thread_id: str
    run_id: str
    caller: str
    metadata: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    began_at: datetime


@dataclass(frozen=True)
class Shown:
    """What somebody was last shown to wait on a thread: which approvals, under which id."""

    interrupt_id: str
    approvals: tuple[str, ...]


@dataclass(frozen=True)
class Progress:
    """How far the log has come with a run.

    Attributes:
        first: The number of the run's first event in the log; 0 where it has none.
        last: That of its latest.
        answered: How many of its approvals have ended.
        went_on: The number of the event from which it goes on since: its first, or the end of the last of those.
    """

    first: int = 0
    last: int = 0
    answered: int = 0
    went_on: int = 0


class Threads:
    """What the surface for LangGraph's clients keeps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, thread: ThreadRow) -> bool:
        """Keeps a new thread; returns False where there is one of that id, also a deleted one."""
        async with self._database.write() as connection:
            return await insert_once(connection, threads, {**vars(thread), "metadata": dict(thread.metadata)})

    async def one(self, thread_id: str, viewer: Viewer | None = None) -> ThreadRow | None:
        """Returns a thread, deleted or not, to who may see it."""
        query = select(threads).where(threads.c.id == thread_id, _is_seen_by(viewer))
        async with self._database.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        return ThreadRow(**row) if row else None

    async def page(self, query: ThreadQuery, now: datetime) -> list[ThreadRow]:
        """Returns a page of threads that are not deleted."""
        async with self._database.read() as connection:
            found = (await connection.execute(listing(query, now))).mappings()
            return [ThreadRow(**row) for row in found]

    async def count(self, query: ThreadQuery, now: datetime) -> int:
        """Returns how many threads a query finds in all."""
        statement = select(func.count()).select_from(threads).where(*_conditions(query, now))
        async with self._database.read() as connection:
            return (await connection.execute(statement)).scalar_one()

    async def change(self, thread_id: str, metadata: Mapping[str, JsonValue], at: datetime) -> None:
        """Replaces what is said of a thread."""
        await self._update(thread_id, metadata=dict(metadata), updated_at=at)

    async def delete(self, thread_id: str, at: datetime) -> None:
        """Hides a thread for good; its runs, messages and approvals stay where they are."""
        await self._update(thread_id, deleted_at=at)

    async def begin_segment(self, segment: SegmentRow) -> None:
        """Keeps that an answer set a run going; a repeat of the answer keeps nothing more."""
        async with self._database.write() as connection:
            await insert_once(connection, segments, {**vars(segment), "metadata": dict(segment.metadata)})

    async def progress(self, run_id: str) -> Progress:
        """Returns how far the log has come with a run."""
        ends = events.c.type.in_(APPROVAL_ENDS)
        query = select(
            func.coalesce(func.min(events.c.id), 0).label("first"),
            func.coalesce(func.max(events.c.id), 0).label("last"),
            func.count(case((ends, events.c.id))).label("answered"),
            func.coalesce(func.max(case((ends, events.c.id))), func.min(events.c.id), 0).label("went_on"),
        ).where(events.c.run_id == run_id)
        async with self._database.read() as connection:
            return Progress(**(await connection.execute(query)).mappings().one())

    async def first_end(self, run_id: str, approval_ids: Collection[str]) -> int:
        """Returns the number of the first event by which one of these approvals of a run ended; 0 where none has."""
        ended = events.c.type.in_(APPROVAL_ENDS), events.c.approval_id.in_(approval_ids)
        query = select(func.min(events.c.id)).where(events.c.run_id == run_id, *ended)
        async with self._database.read() as connection:
            return (await connection.execute(query)).scalar() or 0

    async def segment(self, segment_id: str) -> SegmentRow | None:
        """Returns a part of a run."""
        query = select(segments).where(segments.c.id == segment_id)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).mappings().first()
        return SegmentRow(**row) if row else None

    async def segments(self, thread_id: str) -> list[SegmentRow]:
        """Returns the parts of a thread's runs that answers began, the newest first."""
        newest = (segments.c.began_at.desc(), segments.c.id.desc())
        query = select(segments).where(segments.c.thread_id == thread_id).order_by(*newest)
        async with self._database.read() as connection:
            return [SegmentRow(**row) for row in (await connection.execute(query)).mappings()]

    async def show(self, reader: str, what: Mapping[str, Shown]) -> None:
        """Notes what a reader is shown to wait, by thread."""
        rows = [
            {"reader": reader, "thread_id": thread, "interrupt_id": one.interrupt_id, "approvals": list(one.approvals)}
            for thread, one in what.items()
        ]
        async with self._database.write() as connection:
            for row in rows:
                await _note(connection, row)

    async def shown(self, reader: str, thread_id: str) -> Shown | None:
        """Returns what a reader was last shown to wait on a thread."""
        query = select(shown).where(shown.c.reader == reader, shown.c.thread_id == thread_id)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).first()
        return Shown(row.interrupt_id, tuple(row.approvals)) if row else None

    async def _update(self, thread_id: str, **change: object) -> None:
        statement = update(threads).where(threads.c.id == thread_id, threads.c.deleted_at.is_(None))
        async with self._database.write() as connection:
            await connection.execute(statement.values(change))


async def note_run(connection: AsyncConnection, run: RunRow) -> None:
    """Keeps the thread of a run that begins: made where it is not there yet."""
    made: dict[str, Any] = {
        "id": run.thread_id,
        "owner": run.requester,
        "agent": run.agent,
        "metadata": {},
        "created_at": run.started_at,
        "updated_at": run.started_at,
    }
    if not await insert_once(connection, threads, made):
        change = update(threads).where(threads.c.id == run.thread_id)
        await connection.execute(change.values(agent=run.agent, updated_at=run.started_at))


def listing(query: ThreadQuery, now: datetime) -> Select[Any]:
    """Returns the statement that reads a page."""
    columns = {"created_at": threads.c.created_at, "updated_at": threads.c.updated_at, "thread_id": threads.c.id}
    ways = [column.asc() if query.ascending else column.desc() for column in (columns[query.order], threads.c.id)]
    found = select(threads).where(*_conditions(query, now))
    return found.order_by(*ways).limit(page_size(query.limit)).offset(max(query.offset, 0))


def _conditions(query: ThreadQuery, now: datetime) -> list[ColumnElement[bool]]:
    conditions = [threads.c.deleted_at.is_(None), _is_seen_by(query.visible_to)]
    if query.ids:
        conditions.append(threads.c.id.in_(query.ids))
    if query.agent is not None:
        conditions.append(threads.c.agent == query.agent)
    if query.status is not None:
        conditions.append(_has_status(query.status, now))
    return conditions


def _is_seen_by(viewer: Viewer | None) -> ColumnElement[bool]:
    """Returns the condition on a thread: one's own, or one with a run that one may see."""
    if viewer is None or sees_all(viewer.roles):
        return true()
    of_run = exists().where(runs.c.thread_id == threads.c.id, run_is_seen_by(viewer))
    return or_(threads.c.owner == viewer.user_id, of_run)


def _has_status(status: ThreadStatus, now: datetime) -> ColumnElement[bool]:
    other = runs.alias()
    newest = (other.c.started_at.desc(), other.c.id.desc())
    latest = select(other.c.id).where(other.c.thread_id == threads.c.id).order_by(*newest).limit(1)
    of_latest = exists().where(runs.c.id == latest.correlate(threads).scalar_subquery())
    waits = exists().where(approvals.c.run_id == runs.c.id, is_pending(now))
    going_on = runs.c.status == "running"
    match status:
        case "interrupted":
            return of_latest.where(going_on, waits)
        case "busy":
            return of_latest.where(going_on, not_(waits))
        case "error":
            return of_latest.where(runs.c.status == "failed")
        case "idle":
            return not_(of_latest.where(runs.c.status.in_(("running", "failed"))))


async def _note(connection: AsyncConnection, row: dict[str, Any]) -> None:
    same = and_(shown.c.reader == row["reader"], shown.c.thread_id == row["thread_id"])
    if not await insert_once(connection, shown, row):
        await connection.execute(update(shown).where(same).values(row))
