"""Calls: what policy said of them, and the one row that lets a tool run once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from placet.contracts._base import Message
from placet.contracts.calls import Source
from placet.contracts.events import CallFinished, CallStarted, CallUncertain, EventType
from placet.contracts.runs import CallRef
from placet.ledger._events import NewEvent, append, insert_once, run_has_ended
from placet.ledger._shapes import CallClaim, CallEnd, Judged, MessageDict
from placet.ledger._tables import calls
from placet.ledger._transcripts import put_message
from placet.ledger.errors import RunEndedError

_ENDS = frozenset({"succeeded", "failed", "refused"})


@dataclass(frozen=True)
class Claim:
    """The wish to run a call.

    Attributes:
        again: How often a person said "run it again".
        owner: Names the attempt; only the row's owner may write its result.
        idempotent: Whether the tool may be run again after a crash.
    """

    call: CallRef
    digest: str
    again: int
    owner: str
    approval_id: str | None = None
    idempotent: bool = False


@dataclass(frozen=True)
class CallEnding:
    """How a call ended, and the message that says so."""

    status: CallEnd
    message_id: str
    message: MessageDict


async def judged(
    connection: AsyncConnection,
    run_id: str | None,
    source: Source | None,
    entries: Sequence[Judged],
    at: datetime,
) -> None:
    """Appends `call.allowed` and `call.denied`, once each."""
    await append(connection, [_judged(run_id, source, entry, at) for entry in entries])


async def started(connection: AsyncConnection, call: CallRef, again: int) -> bool:
    """Returns whether the call has its row."""
    query = select(calls.c.state).where(_is(call, again))
    return (await connection.execute(query)).first() is not None


async def start(connection: AsyncConnection, claim: Claim, at: datetime) -> CallClaim:
    """Inserts the call's one row, or says what the row that is there means."""
    if await run_has_ended(connection, claim.call.run_id):
        raise RunEndedError(claim.call.run_id)
    row = _row(claim, "started", at)
    if await insert_once(connection, calls, row):
        await append(connection, [_started(claim, claim.again + 1, at)])
        return CallClaim("mine")
    query = select(calls).where(_is(claim.call, claim.again)).with_for_update()
    found = (await connection.execute(query)).one()
    if found.owner == claim.owner and found.state == "started":
        return CallClaim("mine")
    if found.state in _ENDS:
        return CallClaim("finished", found.state, found.message_id)
    nobodys = found.owner is None
    if found.state != "started" or not (claim.idempotent or nobodys):
        return CallClaim("uncertain")
    attempt = found.attempt + 1
    taken = update(calls).where(_is(claim.call, claim.again)).values(owner=claim.owner, attempt=attempt)
    await connection.execute(taken)
    await append(connection, [_started(claim, attempt, at)])
    return CallClaim("taken_over")


async def let_go(connection: AsyncConnection, claim: Claim) -> None:
    """Leaves the row of a call that has not ended to whoever comes next."""
    mine = and_(_is(claim.call, claim.again), calls.c.owner == claim.owner, calls.c.state == "started")
    await connection.execute(update(calls).where(mine).values(owner=None))


async def finish(connection: AsyncConnection, claim: Claim, ending: CallEnding, at: datetime) -> bool:
    """Writes the result of the row's owner; False where the row is no longer its own.

    A result that comes too late is kept beside the row as evidence and appended nowhere.
    """
    query = select(calls).where(_is(claim.call, claim.again)).with_for_update()
    row = (await connection.execute(query)).first()
    if row is None:
        return False
    mine = row.owner == claim.owner
    if mine and row.message_id == ending.message_id:
        # The answer to the commit was lost, and the owner says it again.
        return True
    this_row = update(calls).where(_is(claim.call, claim.again))
    if not mine or row.state != "started":
        evidence = {"status": ending.status, "message": ending.message}
        await connection.execute(this_row.values(late_result=evidence))
        return False
    change = {"state": ending.status, "message_id": ending.message_id, "ended_at": at}
    await connection.execute(this_row.values(change))
    await _answer(connection, claim.call, ending)
    await _append_finished(connection, claim.call, claim.again, at)
    return True


async def refuse(
    connection: AsyncConnection,
    claim: Claim,
    message_id: str,
    message: MessageDict,
    at: datetime,
) -> CallClaim:
    """Writes that the call was stopped at the door, unless its row is there."""
    row = _row(claim, "refused", at) | {"owner": None, "message_id": message_id, "ended_at": at}
    if await insert_once(connection, calls, row):
        await _answer(connection, claim.call, CallEnding("refused", message_id, message))
        await _append_finished(connection, claim.call, claim.again, at)
        return CallClaim("finished", "refused", message_id)
    found = (await connection.execute(select(calls).where(_is(claim.call, claim.again)))).one()
    if found.state in _ENDS:
        return CallClaim("finished", found.state, found.message_id)
    return CallClaim("uncertain")


async def give_up(connection: AsyncConnection, call: CallRef, again: int, at: datetime) -> None:
    """Writes that it is open whether the call ran, once."""
    open_row = and_(_is(call, again), calls.c.state == "started")
    done = await connection.execute(update(calls).where(open_row).values(state="uncertain"))
    if done.rowcount == 1:
        row = (await connection.execute(select(calls).where(_is(call, again)))).one()
        data = CallUncertain(tool=call.tool, digest=row.digest, turn=call.turn, index=call.index)
        await append(connection, [_event(call, "call.uncertain", at, data, row.approval_id)])


async def settle(
    connection: AsyncConnection, call: CallRef, message_id: str, message: MessageDict, *, ran: bool, at: datetime
) -> None:
    """Keeps the message of a call that did not run here; `ran`: a person has checked that it had."""
    await put_message(connection, message_id, call.run_id, message, call)
    if ran:
        await _close_uncertain(connection, call, message_id, at)


async def _close_uncertain(connection: AsyncConnection, call: CallRef, message_id: str, at: datetime) -> None:
    row = and_(_of(call), calls.c.state == "uncertain")
    change = {"state": "succeeded", "message_id": message_id, "ended_at": at}
    done = await connection.execute(update(calls).where(row).values(change))
    if done.rowcount > 0:
        query = select(calls.c.again).where(_of(call), calls.c.message_id == message_id)
        again = (await connection.execute(query)).scalars().first() or 0
        await _append_finished(connection, call, again, at)


async def _answer(connection: AsyncConnection, call: CallRef, ending: CallEnding) -> None:
    await put_message(connection, ending.message_id, call.run_id, ending.message, call)


async def _append_finished(connection: AsyncConnection, call: CallRef, again: int, at: datetime) -> None:
    row = (await connection.execute(select(calls).where(_is(call, again)))).one()
    data = CallFinished(
        tool=call.tool,
        digest=row.digest,
        turn=call.turn,
        index=call.index,
        status=row.state,
        message_id=row.message_id,
    )
    await append(connection, [_event(call, "call.finished", at, data, row.approval_id)])


def _of(call: CallRef) -> ColumnElement[bool]:
    return and_(
        calls.c.run_id == call.run_id,
        calls.c.turn == call.turn,
        calls.c.call_index == call.index,
        calls.c.release == call.release,
    )


def _is(call: CallRef, again: int) -> ColumnElement[bool]:
    return and_(_of(call), calls.c.again == again)


def _row(claim: Claim, state: str, at: datetime) -> dict[str, Any]:
    call = claim.call
    return {
        "run_id": call.run_id,
        "turn": call.turn,
        "call_index": call.index,
        "release": call.release,
        "again": claim.again,
        "call_id": call.call_id,
        "tool": call.tool,
        "digest": claim.digest,
        "state": state,
        "owner": claim.owner,
        "attempt": claim.again + 1,
        "approval_id": claim.approval_id,
        "started_at": at,
    }


def _started(claim: Claim, attempt: int, at: datetime) -> NewEvent:
    call = claim.call
    data = CallStarted(tool=call.tool, digest=claim.digest, turn=call.turn, index=call.index, attempt=attempt)
    return _event(call, "call.started", at, data, claim.approval_id)


def _event(call: CallRef, kind: EventType, at: datetime, data: Message, approval_id: str | None) -> NewEvent:
    return NewEvent(
        type=kind,
        at=at,
        data=data,
        run_id=call.run_id,
        approval_id=approval_id,
        call_id=call.call_id,
        actor=f"agent:{call.agent}",
    )


def _judged(run_id: str | None, source: Source | None, entry: Judged, at: datetime) -> NewEvent:
    return NewEvent(
        type=entry.type,
        at=at,
        data=entry.data,
        once=_once(run_id, source, entry),
        run_id=run_id,
        call_id=entry.call_id,
        actor=entry.actor,
    )


def _once(run_id: str | None, source: Source | None, entry: Judged) -> str | None:
    """Returns what makes a verdict unique; told twice is better than taken for another's."""
    data = entry.data
    if run_id is not None and entry.interrupt is not None:
        return _short(f"{entry.type}:{run_id}:{entry.interrupt}:{data.digest}")
    if run_id is not None:
        return _short(f"{entry.type}:{run_id}:{data.turn}:{data.index}:{data.digest}")
    if source is None or source.workflow_id is None or entry.once is None:
        return None
    return _short(f"{entry.type}:{source.workflow_id}:{source.run_id}:{entry.once}:{data.digest}")


def _short(name: str) -> str:
    # Each event carries it, and the index over it once more.
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:32]
