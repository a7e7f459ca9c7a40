"""An approval as it is read: with its deadline applied, its refusals, and what became of the call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import JsonValue
from sqlalchemy import BindParameter, Row, and_, bindparam, exists, func, or_, select
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
from placet.contracts.decisions import DecisionRecord, Proof
from placet.ledger._shapes import StoredDecision, Viewer
from placet.ledger._tables import approvals, blobs, calls, decisions, refusals
from placet.ledger._visibility import approval_is_seen_by

REFUSED_SHOWN: Final = 20
_SHOWN_OTHERWISE: Final = {
    "args",
    "args_schema_ref",
    "says",
    "says_ref",
    "seal",
    "index",
    "workflow_id",
    "workflow_run_id",
}
"""Fields of what was asked that an approval shows in another form, or not at all."""
_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_place = func.row_number().over(partition_by=refusals.c.approval_id, order_by=refusals.c.number.desc())
_ranked = select(refusals, _place.label("place")).where(refusals.c.approval_id.in_(_IDS)).subquery()
_has_refused = exists().where(refusals.c.approval_id == approvals.c.id)
_is_recorded = exists().where(decisions.c.approval_id == approvals.c.id, decisions.c.state == "recorded")
COLUMNS: Final = (approvals, _has_refused.label("has_refused"), _is_recorded.label("is_recorded"))
"""What is read of each approval that is shown: its row, and what else there is to look for."""
# Made once: to make such a statement takes longer than to execute it.
_ONE: Final = select(*COLUMNS).where(approvals.c.id == bindparam("approval_id"))
_DECISION: Final = select(decisions).where(
    decisions.c.approval_id == bindparam("approval_id"), decisions.c.id == bindparam("decision_id")
)
_REFUSED: Final = select(_ranked).where(_ranked.c.place <= REFUSED_SHOWN).order_by(_ranked.c.number)
_PROOFS: Final = select(decisions.c.approval_id, decisions.c.id, decisions.c.proof).where(
    decisions.c.approval_id.in_(_IDS), decisions.c.state.in_(("won", "refused"))
)
_EXECUTIONS: Final = select(calls).where(calls.c.approval_id.in_(_IDS)).order_by(calls.c.again)


@dataclass(frozen=True)
class _Beside:
    """What other tables say of some approvals, by the approval's id or the text's reference."""

    refused: dict[str, list[RefusedDecision]]
    proofs: dict[tuple[str, str], Proof]
    executions: dict[str, Execution]
    late_results: dict[str, JsonValue]
    texts: dict[str, str]


async def one(
    connection: AsyncConnection, approval_id: str, now: datetime, viewer: Viewer | None = None
) -> Approval | None:
    """Returns one approval as it is at that time, to whom may see it."""
    statement = _ONE if viewer is None else _ONE.where(approval_is_seen_by(viewer))
    rows = (await connection.execute(statement, {"approval_id": approval_id})).all()
    found = await views(connection, rows, now)
    return found[0] if found else None


async def asked(connection: AsyncConnection, approval_id: str) -> Asked | None:
    """Returns the approval as it was asked."""
    query = select(approvals.c.asked).where(approvals.c.id == approval_id)
    row = (await connection.execute(query)).first()
    return Asked.model_validate(row.asked) if row else None


async def stored_decision(connection: AsyncConnection, approval_id: str, decision_id: str) -> StoredDecision | None:
    """Returns what became of a decision."""
    given = {"approval_id": approval_id, "decision_id": decision_id}
    row = (await connection.execute(_DECISION, given)).first()
    return StoredDecision(row.state, row.fingerprint, row.code) if row else None


async def on_its_way(connection: AsyncConnection, approval_id: str) -> bool:
    """Returns whether a decision was answered 202 for an approval that, as far as is known, is pending."""
    recorded = exists().where(decisions.c.approval_id == approval_id, decisions.c.state == "recorded")
    if not (await connection.execute(select(recorded))).scalar():
        return False
    query = select(approvals.c.status).where(approvals.c.id == approval_id)
    return (await connection.execute(query)).scalar() in {"pending", None}


async def views(connection: AsyncConnection, rows: Sequence[Row[Any]], now: datetime) -> list[Approval]:
    """Returns rows of `COLUMNS` as REST shows them."""
    read = [Asked.model_validate(row.asked) for row in rows]
    proofs = await _proofs(connection, [row.id for row in rows if row.status != "pending" or row.has_refused])
    beside = _Beside(
        refused=await _refused(connection, [row.id for row in rows if row.has_refused], proofs),
        proofs=proofs,
        # Nothing runs before its record: what is pending here has not begun.
        executions=await _executions(connection, [row.id for row in rows if row.status != "pending"]),
        late_results=await _late_results(connection, read),
        texts=await _texts(connection, read),
    )
    return [_view(row, one_asked, now, beside) for row, one_asked in zip(rows, read, strict=True)]


def _view(row: Row[Any], asked: Asked, now: datetime, beside: _Beside) -> Approval:
    recorded = row.status == "pending" and row.is_recorded
    late = asked.expires_at is not None and asked.expires_at <= now
    lapsed = row.status == "pending" and late and not recorded
    args_text = asked.args.text if asked.args.text is not None else beside.texts.get(asked.args.ref or "", "{}")
    schema = beside.texts.get(asked.args_schema_ref or "")
    return Approval.model_validate(
        {
            **asked.model_dump(exclude=_SHOWN_OTHERWISE),
            "status": "expired" if lapsed else row.status,
            "args": parse_object(args_text),
            "args_schema": parse_object(schema) if schema else asked.args_schema,
            "digest": asked.args.digest,
            "says": row.says,
            "context": _context(asked, beside),
            "decision": _decision(row, beside) if row.decision else None,
            "refused": beside.refused.get(row.id, []),
            "recorded": recorded,
            "ended_at": asked.expires_at if lapsed else row.ended_at,
            "execution": beside.executions.get(row.id),
            "temporal": WorkflowLink(workflow_id=asked.workflow_id, run_id=asked.workflow_run_id),
        }
    )


def _decision(row: Row[Any], beside: _Beside) -> DecisionView:
    record = DecisionRecord.model_validate(row.decision)
    args = parse_object(record.args_text) if record.args_text is not None else None
    proof = beside.proofs.get((row.id, record.id))
    return DecisionView.model_validate({**record.model_dump(exclude={"args_text"}), "args": args, "proof": proof})


def _context(asked: Asked, beside: _Beside) -> dict[str, JsonValue] | None:
    """Returns the context; a question about an uncertain call shows the evidence that came late."""
    late = beside.late_results.get(asked.id)
    return asked.context if late is None else {**(asked.context or {}), "late_result": late}


async def _proofs(connection: AsyncConnection, ids: Sequence[str]) -> dict[tuple[str, str], Proof]:
    """Returns how those who decided had been authenticated, by approval and decision."""
    if not ids:
        return {}
    rows = await connection.execute(_PROOFS, {"ids": ids})
    return {(row.approval_id, row.id): Proof.model_validate(row.proof) for row in rows if row.proof}


async def _refused(
    connection: AsyncConnection, ids: Sequence[str], proofs: dict[tuple[str, str], Proof]
) -> dict[str, list[RefusedDecision]]:
    """Returns the last refusals of each, in the order of the record."""
    grouped: dict[str, list[RefusedDecision]] = {}
    if not ids:
        return grouped
    for row in await connection.execute(_REFUSED, {"ids": ids}):
        proof = proofs.get((row.approval_id, row.decision_id))
        entry = RefusedDecision(decision_id=row.decision_id, code=row.code, by=row.by, at=row.at, proof=proof)
        grouped.setdefault(row.approval_id, []).append(entry)
    return grouped


async def _executions(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Execution]:
    if not ids:
        return {}
    return {row.approval_id: _execution(row) for row in await connection.execute(_EXECUTIONS, {"ids": ids})}


def _execution(row: Row[Any]) -> Execution:
    return Execution(
        status="running" if row.state == "started" else row.state,
        digest=row.digest,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


async def _late_results(connection: AsyncConnection, asked: Sequence[Asked]) -> dict[str, JsonValue]:
    """Returns what uncertain calls brought too late, by the question that is asked about them."""
    of_call = {
        (one.run_id, one.turn, one.index): one.id
        for one in asked
        if one.kind == "question" and one.run_id is not None and one.turn is not None and one.index is not None
    }
    if not of_call:
        return {}
    place = (calls.c.run_id, calls.c.turn, calls.c.call_index)
    these = or_(*(and_(*(column == value for column, value in zip(place, key, strict=True))) for key in of_call))
    query = select(*place, calls.c.late_result).where(these, calls.c.late_result.is_not(None))
    query = query.order_by(calls.c.started_at, calls.c.again)
    rows = await connection.execute(query)
    return {of_call[row.run_id, row.turn, row.call_index]: row.late_result for row in rows}


async def _texts(connection: AsyncConnection, asked: Sequence[Asked]) -> dict[str, str]:
    """Returns what the ledger keeps of these approvals under a reference: arguments, schemas."""
    refs = {ref for one in asked for ref in (one.args.ref, one.args_schema_ref) if ref}
    if not refs:
        return {}
    rows = await connection.execute(select(blobs).where(blobs.c.ref.in_(refs)))
    return {row.ref: row.body for row in rows}
