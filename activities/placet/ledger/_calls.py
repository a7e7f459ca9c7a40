"""Calls: what policy said of them, and the one row that lets a tool run once."""

from __future__ import annotations

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
from placet.ledger._shapes import CallClaim, CallEnd, Judged, LateResult, MessageDict
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
    late: bool = False


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
    row = _row(claim.call, claim.digest, claim.again, "started", at) | {
        "owner": claim.owner,
        "approval_id": claim.approval_id,
    }
    if await run_has_ended(connection, claim.call.run_id):
        raise RunEndedError(claim.call.run_id)
    done = await insert_once(connection, calls, row)
    if done:
        await append(connection, [_event(claim.call, "call.started", at, _started(claim))])
        return CallClaim("mine")
    found = (await connection.execute(select(calls).where(_is(claim.call, claim.again)))).one()
    if found.owner == claim.owner and found.state == "started":
        return CallClaim("mine")
    if found.state in _ENDS:
        return CallClaim("finished", found.state, found.message_id)
    if claim.idempotent and await _take_over(connection, claim, found.owner):
        return CallClaim("taken_over")
    return CallClaim("uncertain")


async def finish(connection: AsyncConnection, claim: Claim, ending: CallEnding, at: datetime) -> bool:
    """Writes the result of the row's owner; False where the row is no longer its own.

    A result that comes too late is kept beside the row as evidence and appended nowhere.
    """
    mine = and_(_is(claim.call, claim.again), calls.c.owner == claim.owner)
    change = {"state": ending.status, "message_id": ending.message_id, "ended_at": at}
    open_row = and_(mine, calls.c.state == "started")
    if not ending.late:
        done = await connection.execute(update(calls).where(open_row).values(change))
        if done.rowcount == 1:
            await _answer(connection, claim.call, ending)
            await _append_finished(connection, claim.call, claim.again, at)
            return True
    evidence = {"status": ending.status, "message": ending.message}
    await connection.execute(update(calls).where(_is(claim.call, claim.again)).values(late_result=evidence))
    return False


async def refuse(
    connection: AsyncConnection,
    claim: Claim,
    message_id: str,
    message: MessageDict,
    at: datetime,
) -> CallClaim:
    """Writes that the call was stopped at the door, unless its row is there."""
    row = _row(claim.call, claim.digest, claim.again, "refused", at) | {
        "approval_id": claim.approval_id,
        "message_id": message_id,
        "ended_at": at,
    }
    done = await insert_once(connection, calls, row)
    if done:
        await _answer(connection, claim.call, CallEnding("refused", message_id, message))
        await _append_finished(connection, claim.call, claim.again, at)
        return CallClaim("finished", "refused", message_id)
    found = (await connection.execute(select(calls).where(_is(claim.call, claim.again)))).one()
    if found.state in _ENDS:
        return CallClaim("finished", found.state, found.message_id)
    return CallClaim("uncertain")


async def give_up(connection: AsyncConnection, call: CallRef, again: int, at: datetime) -> None:
    """Writes that it is open whether the call ran, once."""
    row = and_(_is(call, again), calls.c.state == "started")
    done = await connection.execute(update(calls).where(row).values(state="uncertain"))
    if done.rowcount == 1:
        found = (await connection.execute(select(calls.c.digest).where(_is(call, again)))).one()
        data = CallUncertain(tool=call.tool, digest=found.digest, turn=call.turn, index=call.index)
        await append(connection, [_event(call, "call.uncertain", at, data)])


async def late_result(connection: AsyncConnection, run_id: str, turn: int, index: int) -> LateResult | None:
    """Returns the latest evidence about an uncertain call."""
    query = (
        select(calls.c.late_result)
        .where(
            calls.c.run_id == run_id,
            calls.c.turn == turn,
            calls.c.call_index == index,
            calls.c.late_result.is_not(None),
        )
        .order_by(calls.c.again.desc())
    )
    row = (await connection.execute(query)).first()
    return LateResult(row.late_result["status"], row.late_result["message"]) if row else None


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
    await append(connection, [_event(call, "call.finished", at, data)])


async def _take_over(connection: AsyncConnection, claim: Claim, owner: str | None) -> bool:
    row = and_(_is(claim.call, claim.again), calls.c.owner == owner, calls.c.state == "started")
    done = await connection.execute(update(calls).where(row).values(owner=claim.owner))
    return done.rowcount == 1


def _of(call: CallRef) -> ColumnElement[bool]:
    return and_(
        calls.c.run_id == call.run_id,
        calls.c.turn == call.turn,
        calls.c.call_index == call.index,
    )


def _is(call: CallRef, again: int) -> ColumnElement[bool]:
    return and_(_of(call), calls.c.again == again)


def _row(call: CallRef, digest: str, again: int, state: str, at: datetime) -> dict[str, Any]:
    return {
        "run_id": call.run_id,
        "turn": call.turn,
        "call_index": call.index,
        "again": again,
        "call_id": call.call_id,
        "tool": call.tool,
        "digest": digest,
        "state": state,
        "started_at": at,
    }


def _started(claim: Claim) -> CallStarted:
    call = claim.call
    return CallStarted(
        tool=call.tool,
        digest=claim.digest,
        turn=call.turn,
        index=call.index,
        attempt=claim.again + 1,
    )


def _event(call: CallRef, kind: EventType, at: datetime, data: Message, once: str | None = None) -> NewEvent:
    return NewEvent(
        type=kind,
        at=at,
        data=data,
        once=once,
        run_id=call.run_id,
        call_id=call.call_id,
        actor=f"agent:{call.agent}",
    )


def _judged(run_id: str | None, source: Source | None, entry: Judged, at: datetime) -> NewEvent:
    asker = source.workflow_id if source else None
    data = entry.data
    place = f"{run_id}:{data.turn}:{data.index}" if run_id else f"{asker}:{entry.once}"
    return NewEvent(
        type=entry.type,
        at=at,
        data=data,
        once=f"{entry.type}:{place}:{data.digest}" if run_id or entry.once else None,
        run_id=run_id,
        call_id=entry.call_id,
        actor=entry.actor,
    )
