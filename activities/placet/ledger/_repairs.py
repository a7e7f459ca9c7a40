"""What the reconciler reads and writes: open rows in order, what it has sighted, what it puts right."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    Table,
    delete,
    insert,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from placet.contracts.approvals import Asked
from placet.contracts.events import OPERATOR, RunReset
from placet.contracts.records import EndedEntry
from placet.contracts.runs import CallRef
from placet.ledger import _approvals as approval_writes
from placet.ledger import _transcripts as transcripts
from placet.ledger._cursor import decode, encode
from placet.ledger._database import Database
from placet.ledger._events import NewEvent, append
from placet.ledger._shapes import Page, TurnRow, page_size
from placet.ledger._tables import approvals, calls, decisions, messages, micros, namespaces, runs, sightings

RECONCILED: Final = -1
"""The number of the entry that the reconciler writes: a workflow counts its own from 0."""

Subject = Literal["approval", "run", "child"]

OLDEST_FIRST: Final = "reconcile"


@dataclass(frozen=True, kw_only=True)
class OpenApproval:
    """An approval that the ledger shows as pending."""

    id: str
    workflow_id: str
    run_id: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class OpenRun:
    """A run that the ledger shows as running.

    Attributes:
        workflow_run_id: Temporal's run, as far as the ledger has heard.
    """

    id: str
    agent: str
    thread_id: str
    requester: str | None = None
    workflow_id: str
    workflow_run_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """The last turn of a run, and what its calls have come to.

    Attributes:
        turn: The turn; None where the model has never answered.
        answers: The latest message that answers a call, by the call's index.
        running: Calls of any turn that have started and have no result, and how often they were run again.
        uncertain: Indexes of the turn's calls of which nobody knows whether they ran.
    """

    turn: TurnRow | None = None
    answers: Mapping[int, str]
    running: Sequence[tuple[CallRef, int]] = ()
    uncertain: frozenset[int] = frozenset()


class Repairs:
    """The part of the ledger that belongs to the reconciler."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_approvals(self, before: datetime, after: str | None, limit: int) -> Page[OpenApproval]:
        """Returns one page of pending approvals that were asked before a moment, the oldest first."""
        columns = (approvals.c.id, approvals.c.run_id, approvals.c.expires_at, approvals.c.requested_at)
        still = approvals.c.status == "pending"
        async with self._database.read() as connection:
            rows = (await connection.execute(oldest(approvals, columns, still, before, after, limit))).all()
        shown = tuple(
            OpenApproval(id=row.id, workflow_id=f"approval-{row.id}", run_id=row.run_id, expires_at=row.expires_at)
            for row in rows[: page_size(limit)]
        )
        return Page(shown, _behind(rows, limit, "requested_at"))

    async def open_runs(self, before: datetime, after: str | None, limit: int) -> Page[OpenRun]:
        """Returns one page of runs that were started before a moment and have not ended, the oldest first."""
        still = runs.c.status == "running"
        async with self._database.read() as connection:
            rows = (await connection.execute(oldest(runs, tuple(runs.c), still, before, after, limit))).all()
        shown = tuple(
            OpenRun(
                id=row.id,
                agent=row.agent,
                thread_id=row.thread_id,
                requester=row.requester,
                workflow_id=row.workflow_id or row.id,
                workflow_run_id=row.workflow_run_id,
            )
            for row in rows[: page_size(limit)]
        )
        return Page(shown, _behind(rows, limit, "started_at"))

    async def unknown_approvals(self, ids: Collection[str]) -> frozenset[str]:
        """Returns which of these approvals have no row."""
        if not ids:
            return frozenset()
        async with self._database.read() as connection:
            found = await connection.execute(select(approvals.c.id).where(approvals.c.id.in_(ids)))
            return frozenset(ids) - set(found.scalars())

    async def sight(
        self, subject: Subject, marks: Mapping[str, str | None], now: datetime, apart: timedelta
    ) -> frozenset[str]:
        """Notes what was seen and returns the ids of what was seen so before, long enough ago.

        What is returned is forgotten: should its repair fail, it takes two sightings again.

        Args:
            subject: What the ids are of.
            marks: What is wrong with each; None where nothing is, which takes an earlier sighting back.
            now: The time of this sighting.
            apart: How long ago the first must be.
        """
        async with self._database.read() as connection:
            known = await _sighted(connection, subject, marks)
        if not known and not any(marks.values()):
            return frozenset()
        async with self._database.write() as connection:
            known = await _sighted(connection, subject, marks)
            due = {row_id for row_id, (mark, seen) in known.items() if marks[row_id] == mark and seen <= now - apart}
            over = due | {row_id for row_id in known if marks[row_id] is None}
            await connection.execute(delete(sightings).where(sightings.c.kind == subject, sightings.c.id.in_(over)))
            for row_id, mark in marks.items():
                if mark is not None and known.get(row_id, ("", now))[0] != mark:
                    await _note(connection, subject, row_id, mark, now)
        return frozenset(due)

    async def namespace(self) -> str | None:
        """Returns the id of the Temporal namespace that this ledger belongs to, as far as that is known."""
        async with self._database.read() as connection:
            return (await connection.execute(select(namespaces.c.id).limit(1))).scalar()

    async def belongs_to(self, namespace_id: str, now: datetime) -> None:
        """Remembers the Temporal namespace in which the ledger's open rows were found."""
        async with self._database.write() as connection:
            await connection.execute(delete(namespaces))
            await connection.execute(insert(namespaces).values(id=namespace_id, known=now))

    async def end_approval(self, asked: Asked, entry: EndedEntry) -> None:
        """Writes the end of an approval whose workflow can no longer do so; one that has ended stays as it is."""
        async with self._database.write() as connection:
            pending = approvals.c.id == asked.id, approvals.c.status == "pending"
            query = select(approvals.c.id).where(*pending).with_for_update()
            if (await connection.execute(query)).first() is None:
                return
            await _answer_what_waits(connection, asked.id, entry)
            await approval_writes.record(connection, asked, RECONCILED, (entry,))

    async def follow(self, run: OpenRun, workflow_run_id: str, reset: RunReset | None, at: datetime) -> bool:
        """Notes that a run goes on as another run of Temporal's, and `run.reset` where an operator did that.

        Returns:
            Whether this call noted it.
        """
        as_known = runs.c.workflow_run_id.is_not_distinct_from(run.workflow_run_id)
        async with self._database.write() as connection:
            change = update(runs).where(runs.c.id == run.id, runs.c.ended_at.is_(None), as_known)
            done = await connection.execute(change.values(workflow_run_id=workflow_run_id))
            if done.rowcount == 1 and reset is not None:
                name = f"run.reset:{run.id}:{workflow_run_id}"
                await append(connection, [_reset(run.id, name, reset, at)])
            return done.rowcount == 1

    async def unfinished(self, run_id: str) -> Unfinished:
        """Returns what a run leaves behind that has vanished."""
        async with self._database.read() as connection:
            run = (await connection.execute(select(runs).where(runs.c.id == run_id))).one()
            turn = await transcripts.turn(connection, run.head) if run.head else None
            query = select(calls).where(calls.c.run_id == run_id).order_by(calls.c.started_at, calls.c.again)
            rows = (await connection.execute(query)).all()
            running = tuple((_call(run, row), row.again) for row in rows if row.state == "started")
            if turn is None or turn.run_id != run_id:
                return Unfinished(answers={}, running=running)
            latest = {row.call_index: row.state for row in rows if row.turn == turn.turn}
            uncertain = {index for index, state in latest.items() if state in {"started", "uncertain"}}
            answers = await _answers(connection, turn)
            return Unfinished(turn=turn, answers=answers, running=running, uncertain=frozenset(uncertain))


def oldest(
    table: Table,
    columns: Sequence[ColumnElement[Any]],
    still: ColumnElement[bool],
    before: datetime,
    after: str | None,
    limit: int,
) -> Select[Any]:
    """Returns the statement that reads a page of open rows, and one row behind it."""
    begun = table.c.requested_at if table is approvals else table.c.started_at
    query = select(*columns).where(still, begun < before)
    if after is not None:
        here = tuple_(type_coerce(begun, BigInteger), table.c.id)
        query = query.where(here > tuple_(*decode(OLDEST_FIRST, after)))
    return query.order_by(begun, table.c.id).limit(page_size(limit) + 1)


def _behind(rows: Sequence[Any], limit: int, key: str) -> str | None:
    if len(rows) <= page_size(limit):
        return None
    last = rows[page_size(limit) - 1]
    return encode(OLDEST_FIRST, micros(getattr(last, key)), last.id)


async def _sighted(
    connection: AsyncConnection, subject: Subject, marks: Mapping[str, str | None]
) -> dict[str, tuple[str, datetime]]:
    query = select(sightings).where(sightings.c.kind == subject, sightings.c.id.in_(marks))
    return {row.id: (row.mark, row.seen) for row in await connection.execute(query)}


async def _note(connection: AsyncConnection, subject: Subject, row_id: str, mark: str, now: datetime) -> None:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    new = dialect.insert(sightings).values(kind=subject, id=row_id, mark=mark, seen=now)
    changed = {"mark": new.excluded.mark, "seen": new.excluded.seen}
    key = [sightings.c.kind, sightings.c.id]
    await connection.execute(new.on_conflict_do_update(index_elements=key, set_=changed))


async def _answer_what_waits(connection: AsyncConnection, approval_id: str, entry: EndedEntry) -> None:
    """Tells decisions that were answered 202, and that no workflow will answer, what became of them."""
    waiting = decisions.c.approval_id == approval_id, decisions.c.state == "recorded"
    winner = entry.decision.id if entry.decision else ""
    won = update(decisions).where(*waiting, decisions.c.id == winner)
    await connection.execute(won.values(state="won"))
    code = "already_decided" if entry.decision else entry.status
    await connection.execute(update(decisions).where(*waiting).values(state="refused", code=code))


async def _answers(connection: AsyncConnection, turn: TurnRow) -> dict[int, str]:
    query = (
        select(messages.c.call_index, messages.c.id)
        .where(messages.c.run_id == turn.run_id, messages.c.turn == turn.turn, messages.c.call_index.is_not(None))
        .order_by(messages.c.kept)
    )
    return {row.call_index: row.id for row in await connection.execute(query)}


def _call(run: Row[Any], row: Row[Any]) -> CallRef:
    return CallRef(
        run_id=run.id,
        agent=run.agent,
        thread_id=run.thread_id,
        turn=row.turn,
        index=row.call_index,
        call_id=row.call_id,
        tool=row.tool,
        requester=run.requester,
        release=row.release,
    )


def _reset(run_id: str, name: str, data: RunReset, at: datetime) -> NewEvent:
    return NewEvent(type="run.reset", at=at, data=data, once=name, run_id=run_id, actor=OPERATOR)
