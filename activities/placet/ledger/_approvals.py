"""Approvals as they are written: by their workflow, and first by the gateway that started it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from placet.contracts.approvals import Asked
from placet.contracts.canonical import canonical_text, parse_object
from placet.contracts.decisions import Decision
from placet.contracts.records import EndedEntry, Entry, RefusedEntry, RequestedEntry
from placet.contracts.secrets import has_secrets, masked
from placet.ledger import _transcripts as transcripts
from placet.ledger._approval_events import event_of, once
from placet.ledger._events import NewEvent, append, insert_once
from placet.ledger._tables import NEVER, approvals, approvers, blobs, decisions, events, micros, refusals, runs

_SEARCHED: Final = 100_000
"""Characters of an approval that are searched, at most: its arguments may be a megabyte."""


async def record(connection: AsyncConnection, asked: Asked, first: int, entries: Sequence[Entry]) -> None:
    """Writes entries, each once under its number; a row that is not there is made first."""
    numbered = list(enumerate(entries, first))
    if await _insert_approval(connection, asked) and not any(isinstance(entry, RequestedEntry) for entry in entries):
        numbered.insert(0, (0, RequestedEntry()))
    ended = await _has_ended(connection, asked.id)
    written = await _written(connection, asked.id, (number for number, _ in numbered))
    canceller = await _canceller(connection, asked)
    new: list[NewEvent] = []
    for number, entry in numbered:
        if number in written or (ended and isinstance(entry, EndedEntry)):
            continue
        if isinstance(entry, RefusedEntry):
            await _refuse(connection, asked.id, number, entry)
        elif isinstance(entry, EndedEntry):
            ended = True
            await _end(connection, asked.id, entry)
        new.append(event_of(asked, number, entry, canceller))
    await append(connection, new)


async def note_recorded(connection: AsyncConnection, approval_id: str, decision: Decision) -> None:
    """Notes that a decision is on its way; one that has arrived meanwhile stays what it is."""
    await insert_once(connection, decisions, _decision_row(approval_id, decision, "recorded"))


async def _insert_approval(connection: AsyncConnection, asked: Asked) -> bool:
    if not await insert_once(connection, approvals, await _approval_row(connection, asked)):
        return False
    for name in dict.fromkeys(asked.approvers):
        await insert_once(connection, approvers, {"approval_id": asked.id, "name": name})
    return True


async def _has_ended(connection: AsyncConnection, approval_id: str) -> bool:
    """Locks the row until commit: who writes the same entries at once comes after, and finds them."""
    query = select(approvals.c.status).where(approvals.c.id == approval_id).with_for_update()
    return (await connection.execute(query)).scalar_one() != "pending"


async def _written(connection: AsyncConnection, approval_id: str, numbers: Iterable[int]) -> set[int]:
    by_name = {once(approval_id, number): number for number in numbers}
    query = select(events.c.once).where(events.c.once.in_(by_name))
    return {by_name[name] for name in (await connection.execute(query)).scalars() if name}


async def _refuse(connection: AsyncConnection, approval_id: str, number: int, entry: RefusedEntry) -> None:
    row = {
        "approval_id": approval_id,
        "number": number,
        "decision_id": entry.decision.id,
        "code": entry.code,
        "by": entry.decision.by.model_dump(mode="json"),
        "at": entry.at,
    }
    await insert_once(connection, refusals, row)
    await _resolve(connection, _decision_row(approval_id, entry.decision, "refused", entry.code))


async def _end(connection: AsyncConnection, approval_id: str, entry: EndedEntry) -> None:
    decision = entry.decision.model_dump(mode="json") if entry.decision else None
    change = {"status": entry.status, "ended_at": entry.at, "decision": decision}
    await connection.execute(update(approvals).where(approvals.c.id == approval_id).values(change))
    if entry.winner is not None:
        await _resolve(connection, _decision_row(approval_id, entry.winner, "won"))


async def _resolve(connection: AsyncConnection, row: dict[str, Any]) -> None:
    """Writes what became of a decision; only one that was on its way changes any more."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    new = dialect.insert(decisions).values(row)
    changed = {name: new.excluded[name] for name in ("state", "fingerprint", "code", "proof")}
    key, waiting = [decisions.c.approval_id, decisions.c.id], decisions.c.state == "recorded"
    await connection.execute(new.on_conflict_do_update(index_elements=key, set_=changed, where=waiting))


async def _canceller(connection: AsyncConnection, asked: Asked) -> str | None:
    """Returns who cancelled the run: they cancelled its approvals too."""
    if asked.run_id is None:
        return None
    query = select(runs.c.cancel_actor).where(runs.c.id == asked.run_id)
    return (await connection.execute(query)).scalar()


def _decision_row(approval_id: str, decision: Decision, state: str, code: str | None = None) -> dict[str, Any]:
    return {
        "approval_id": approval_id,
        "id": decision.id,
        "state": state,
        "fingerprint": decision.fingerprint,
        "code": code,
        "proof": decision.proof.model_dump(mode="json", exclude_none=True) if decision.proof else None,
    }


async def _approval_row(connection: AsyncConnection, asked: Asked) -> dict[str, Any]:
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
        "source_type": asked.source.workflow_type if asked.source else None,
        "requester": asked.requester,
        "requested_at": asked.requested_at,
        "expires_at": asked.expires_at,
        "expires_order": micros(asked.expires_at) if asked.expires_at else NEVER,
        "says": asked.says or await _said(connection, asked.says_ref),
        "search": await _searched(connection, asked),
        "asked": asked.model_dump(mode="json", exclude_none=True),
    }


async def _searched(connection: AsyncConnection, asked: Asked) -> str:
    args = asked.args.text or await _kept(connection, asked.args.ref)
    schema = asked.args_schema
    if schema is None and asked.args_schema_ref is not None:
        schema = parse_object(await _kept(connection, asked.args_schema_ref) or "{}")
    parts = (asked.title, asked.tool, asked.agent, asked.reason, _without_secrets(args, schema))
    return "\n".join(part for part in parts if part).casefold()[:_SEARCHED]


def _without_secrets(args: str | None, schema: Mapping[str, Any] | None) -> str | None:
    """Returns the arguments as they may be searched: who guesses at a secret finds nothing by it."""
    return canonical_text(masked(parse_object(args), schema)) if args and has_secrets(schema) else args


async def _kept(connection: AsyncConnection, ref: str | None) -> str | None:
    return (await connection.execute(select(blobs.c.body).where(blobs.c.ref == ref))).scalar()


async def _said(connection: AsyncConnection, message_id: str | None) -> str | None:
    """Returns the text of the model's message that asked for the call."""
    found = await transcripts.by_ids(connection, [message_id] if message_id else [])
    return (transcripts.text_of(found[0]) or None) if found else None
