"""Approvals as they are written: by their workflow, and first by the gateway that started it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from placet.contracts._base import Message
from placet.contracts.approvals import Asked
from placet.contracts.decisions import Decision
from placet.contracts.events import (
    OPERATOR,
    SYSTEM_TIMEOUT,
    ApprovalDecided,
    ApprovalEnded,
    ApprovalRefused,
    ApprovalRequested,
    EventType,
)
from placet.contracts.records import EndedEntry, Entry, RefusedEntry
from placet.ledger import _transcripts as transcripts
from placet.ledger._database import Database
from placet.ledger._events import NewEvent, append, insert_once
from placet.ledger._tables import NEVER, approvals, approvers, decisions, micros


async def record(database: Database, asked: Asked, first: int, entries: Sequence[Entry]) -> None:
    """Writes entries in one transaction, each once under its number."""
    async with database.write() as connection:
        await _insert_approval(connection, asked)
        new: list[NewEvent] = []
        for number, entry in enumerate(entries, first):
            if isinstance(entry, RefusedEntry):
                await _refuse(connection, asked.id, entry)
            elif isinstance(entry, EndedEntry):
                await _end(connection, asked.id, entry)
            new.append(_event(asked, number, entry))
        await append(connection, new)


async def note_recorded(database: Database, approval_id: str, decision: Decision, at: datetime) -> None:
    """Notes that a decision is on its way; one that has arrived meanwhile stays what it is."""
    async with database.write() as connection:
        row = _decision_row(approval_id, decision, "recorded", None, at)
        noted = await insert_once(connection, decisions, row)
        if noted:
            await _change_on_its_way(connection, approval_id, 1)


async def _insert_approval(connection: AsyncConnection, asked: Asked) -> None:
    row = await _approval_row(connection, asked)
    done = await insert_once(connection, approvals, row)
    if done:
        for name in dict.fromkeys(asked.approvers):
            await insert_once(connection, approvers, {"approval_id": asked.id, "name": name})


async def _refuse(connection: AsyncConnection, approval_id: str, entry: RefusedEntry) -> None:
    await _arrive(connection, approval_id, entry.decision, "refused", entry.code, entry.at)


async def _end(connection: AsyncConnection, approval_id: str, entry: EndedEntry) -> None:
    """Ends the approval, once: a row that has ended is left as it is."""
    change = {
        "status": entry.status,
        "ended_at": entry.at,
        "decision": entry.decision.model_dump(mode="json") if entry.decision else None,
    }
    open_row = approvals.c.id == approval_id, approvals.c.status == "pending"
    await connection.execute(update(approvals).where(*open_row).values(change))
    if entry.winner is not None:
        await _arrive(connection, approval_id, entry.winner, "won", None, entry.at)


async def _arrive(
    connection: AsyncConnection,
    approval_id: str,
    decision: Decision,
    state: str,
    code: str | None,
    at: datetime,
) -> None:
    """Writes what became of a decision; one that was on its way no longer is."""
    row = _decision_row(approval_id, decision, state, code, at)
    written = await insert_once(connection, decisions, row)
    if written:
        return
    waiting = (
        decisions.c.approval_id == approval_id,
        decisions.c.id == decision.id,
        decisions.c.state == "recorded",
    )
    arrived = await connection.execute(
        update(decisions).where(*waiting).values(state=state, code=code, at=at, by=row["by"])
    )
    if arrived.rowcount == 1:
        await _change_on_its_way(connection, approval_id, -1)


async def _change_on_its_way(connection: AsyncConnection, approval_id: str, by: int) -> None:
    await connection.execute(
        update(approvals).where(approvals.c.id == approval_id).values(on_its_way=approvals.c.on_its_way + by)
    )


def _decision_row(approval_id: str, decision: Decision, state: str, code: str | None, at: datetime) -> dict[str, Any]:
    return {
        "approval_id": approval_id,
        "id": decision.id,
        "state": state,
        "fingerprint": decision.fingerprint,
        "type": decision.type,
        "code": code,
        "by": decision.by.model_dump(mode="json"),
        "at": at,
    }


async def _approval_row(connection: AsyncConnection, asked: Asked) -> dict[str, Any]:
    source = asked.source.workflow_type if asked.source else None
    searched = (asked.title, asked.tool, asked.args.text, asked.agent, asked.reason)
    return {
        "id": asked.id,
        "status": "pending",
        "kind": asked.kind,
        "tool": asked.tool,
        "agent": asked.agent,
        "risk": asked.risk,
        "run_id": asked.run_id,
        "thread_id": asked.thread_id,
        "turn": asked.turn,
        "call_index": asked.index,
        "source_type": source,
        "requester": asked.requester,
        "requested_at": asked.requested_at,
        "expires_at": asked.expires_at,
        "expires_order": micros(asked.expires_at) if asked.expires_at else NEVER,
        "on_its_way": 0,
        "says": asked.says or await _said(connection, asked.says_ref),
        "search": "\n".join(part for part in searched if part).casefold(),
        "asked": asked.model_dump(mode="json", exclude_none=True),
    }


async def _said(connection: AsyncConnection, message_id: str | None) -> str | None:
    """Returns the text of the model's message that asked for the call."""
    found = await transcripts.by_ids(connection, [message_id] if message_id else [])
    return (transcripts.text_of(found[0]) or None) if found else None


def _event(asked: Asked, number: int, entry: Entry) -> NewEvent:
    if isinstance(entry, RefusedEntry):
        data = ApprovalRefused(
            decision_id=entry.decision.id,
            code=entry.code,
            type=entry.decision.type or None,
            message=entry.message,
        )
        return _new(asked, number, "approval.refused", entry.at, data, entry.decision.by.id)
    if not isinstance(entry, EndedEntry):
        return _new(asked, number, "approval.requested", asked.requested_at, _requested(asked), _asker(asked))
    if entry.decision is not None:
        decided = ApprovalDecided(status=entry.status, decision=entry.decision)
        return _new(asked, number, "approval.decided", entry.at, decided, entry.decision.by.id)
    ended = ApprovalEnded(status=entry.status, reason=entry.reason)
    if entry.status == "expired":
        return _new(asked, number, "approval.expired", entry.at, ended, SYSTEM_TIMEOUT)
    actor = entry.by.id if entry.by else OPERATOR
    kind = "approval.superseded" if entry.status == "superseded" else "approval.cancelled"
    return _new(asked, number, kind, entry.at, ended, actor)


def _requested(asked: Asked) -> ApprovalRequested:
    return ApprovalRequested(
        kind=asked.kind,
        tool=asked.tool,
        title=asked.title,
        digest=asked.args.digest,
        risk=asked.risk,
        expires_at=asked.expires_at,
    )


def _asker(asked: Asked) -> str | None:
    return f"agent:{asked.agent}" if asked.agent else asked.requester


def _new(asked: Asked, number: int, kind: EventType, at: datetime, data: Message, actor: str | None) -> NewEvent:
    return NewEvent(
        type=kind,
        at=at,
        data=data,
        once=f"approval:{asked.id}:{number}",
        run_id=asked.run_id,
        approval_id=asked.id,
        call_id=asked.call_id,
        actor=actor,
    )
