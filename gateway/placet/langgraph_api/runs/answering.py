"""Answers to interrupts: every one of them ends as a decision of `/v1`, with all of its checks.

An answer says by id what it means, or it is bare. A bare one counts only for what its sender was shown last, and only
while nothing else waits: so what was meant for one call never reaches another. The key under which a decision is made
comes from the approval and the answer, so that a client which sends an answer again gets the same run, not a second
effect.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from placet.api.approvals.endpoints import visible
from placet.api.approvals.waiting import until_ended
from placet.api.decisions.batch import BatchItem
from placet.api.decisions.deciding import Recorded, decision_id, decision_request
from placet.api.errors import ProblemError
from placet.langgraph_api.answers.decisions import decisions_of, mark_of
from placet.langgraph_api.answers.forms import by_interrupt
from placet.langgraph_api.errors import SurfaceError
from placet.langgraph_api.ids import segment_of
from placet.langgraph_api.threads.snapshot import reader_of
from placet.ledger import SegmentRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from placet.api.identity import Caller
    from placet.api.services import Services
    from placet.contracts.approvals import Approval
    from placet.contracts.decisions import DecisionBody
    from placet.contracts.errors import Code
    from placet.langgraph_api.bodies import RunBody
    from placet.langgraph_api.interrupts import Interrupt
    from placet.langgraph_api.threads.snapshot import Snapshot
    from placet.ledger import Shown, ThreadRow

_ENDED: Final = 200
_WELL: Final = frozenset({_ENDED, 202})
_READ: Final = 2.0
"""Seconds that the ledger has to hear of a decision before its answer goes out all the same."""


@dataclass(frozen=True)
class Answered:
    """What an answer has done.

    Attributes:
        segment: What the run does from there on.
        approvals: Those that were decided on.
    """

    segment: SegmentRow
    approvals: frozenset[str]


async def answer(services: Services, caller: Caller, snapshot: Snapshot, resume: JsonValue, body: RunBody) -> Answered:
    """Decides as a client answers what waits on a thread, by id or bare.

    Args:
        services: By which it is decided.
        caller: Who answers.
        snapshot: The thread as it is.
        resume: The answer.
        body: What came with it.

    Raises:
        SurfaceError: `interrupt_changed`, `no_such_interrupt`.
        ProblemError: As `/v1` refuses a decision.
        RefusedError: The same.
    """
    keyed = by_interrupt(resume)
    if keyed is not None:
        return await answer_by_id(services, caller, snapshot, keyed, body.metadata)
    shown = await services.ledger.threads.shown(reader_of(caller), snapshot.thread.id)
    approvals = await _shown_last(services, caller, snapshot, shown, body.moment)
    return await _answered(services, caller, snapshot.thread, [(approvals, resume)], body.metadata)


async def answer_by_id(
    services: Services,
    caller: Caller,
    snapshot: Snapshot,
    answers: Mapping[str, JsonValue],
    metadata: Mapping[str, JsonValue],
) -> Answered:
    """Decides as a client answers what waits on a thread, each answer under the id of its interrupt.

    Raises:
        SurfaceError: `interrupt_changed`, `no_such_interrupt`.
        ProblemError: As `/v1` refuses a decision.
        RefusedError: The same.
    """
    shown = await services.ledger.threads.shown(reader_of(caller), snapshot.thread.id)
    pairs = [(await _named(services, caller, snapshot, shown, key), value) for key, value in answers.items()]
    return await _answered(services, caller, snapshot.thread, pairs, metadata)


async def decided(
    services: Services,
    caller: Caller,
    thread: ThreadRow,
    items: Sequence[BatchItem],
    first: Approval,
    metadata: Mapping[str, JsonValue],
) -> Answered:
    """Makes decisions, one by itself or all of a list, and begins the part of the run that follows them."""
    if len(items) == 1:
        await decide_alone(services, caller, items[0])
    else:
        await _decide_all(services, caller, items)
    named = decision_id(items[0].approval_id, caller, items[0].idempotency_key or "")
    segment = SegmentRow(
        id=segment_of(named),
        thread_id=thread.id,
        run_id=first.run_id or "",
        caller=caller.id,
        metadata=dict(metadata),
        began_at=services.clock(),
    )
    await services.ledger.threads.begin_segment(segment)
    return Answered(segment, frozenset(one.approval_id for one in items))


async def decide_alone(services: Services, caller: Caller, one: BatchItem) -> None:
    """Makes one decision.

    Raises:
        ProblemError: As `/v1` refuses it.
        RefusedError: The same.
    """
    wanted = decision_request(one.approval_id, caller, one, one.idempotency_key, services.clock())
    answer = await services.deciding.decide(wanted)
    if not isinstance(answer, Recorded):
        await _until_read(services, [answer])


def item(approval: Approval, body: DecisionBody) -> BatchItem:
    """Returns a decision under the key that its content gives it: sent again, it is the same decision."""
    key = hashlib.sha256(f"{approval.id}\n{mark_of(body)}".encode()).hexdigest()
    return BatchItem(approval_id=approval.id, idempotency_key=f"langgraph-{key}", **dict(body))


async def _answered(
    services: Services,
    caller: Caller,
    thread: ThreadRow,
    pairs: Sequence[tuple[Sequence[Approval], JsonValue]],
    metadata: Mapping[str, JsonValue],
) -> Answered:
    """Decides on approvals, each group as its answer says."""
    items = [
        item(approval, body)
        for approvals, value in pairs
        for approval, body in zip(approvals, decisions_of(value, approvals), strict=True)
    ]
    return await decided(services, caller, thread, items, pairs[0][0][0], metadata)


async def _decide_all(services: Services, caller: Caller, items: Sequence[BatchItem]) -> None:
    """Decides on a list: where one of it is wrong nothing is decided.

    Raises:
        ProblemError: With the code of the first that is wrong, or that somebody else was faster with.
    """
    try:
        results = await services.batch.decide(caller, tuple(items))
    except ProblemError as error:
        faults: list[dict[str, Any]] = error.named.get("errors", [])
        code = cast("Code", faults[0].get("code", error.code) if faults else error.code)
        raise ProblemError(code=code, detail=error.detail, **error.named) from error
    await _until_read(services, [cast("Approval", one.body) for one in results if one.status == _ENDED])
    lost = [cast("dict[str, Any]", one.body) for one in results if one.status not in _WELL]
    if lost:
        named = [{"approval_id": one.approval_id, "status": one.status} for one in results]
        raise ProblemError(code=lost[0]["code"], detail=lost[0]["detail"], results=named)


async def _until_read(services: Services, ended: Sequence[Approval]) -> None:
    """Waits until the ends of approvals can be read: clients look again right after an answer.

    What is still shown to wait then they offer to be decided once more, and Agent Inbox does not leave it.
    """
    await asyncio.gather(*(_until_one_is_read(services, approval) for approval in ended))


async def _until_one_is_read(services: Services, ended: Approval) -> None:
    await until_ended(
        services.feed,
        partial(services.lookup.again, ended),
        _READ,
        approval_id=ended.id,
        clock=services.clock,
        stopping=services.stopping,
    )


async def _shown_last(
    services: Services, caller: Caller, snapshot: Snapshot, shown: Shown | None, moment: object
) -> tuple[Approval, ...]:
    """Returns what a bare answer is about: what its sender was shown last, if that is still all that waits.

    Where a client names the moment that it had before it, that is what it was shown: another tab with the same key may
    have been shown more.
    """
    waits = snapshot.interrupt
    if shown is None:
        detail = "Nothing that waits on this thread was shown to you yet: read it, or answer by the interrupt's id."
        raise SurfaceError(code="interrupt_changed", detail=detail, interrupt_id=waits.id if waits else None)
    if waits is not None and waits.id == shown.interrupt_id and moment not in (None, snapshot.checkpoint_id):
        raise _something_else(waits)
    return await _still(services, caller, snapshot, shown)


async def _named(
    services: Services, caller: Caller, snapshot: Snapshot, shown: Shown | None, key: str
) -> tuple[Approval, ...]:
    """Returns what an interrupt's id stands for: all that waits, all that was shown, or one approval of it."""
    if snapshot.interrupt is not None and snapshot.interrupt.id == key:
        return snapshot.interrupt.approvals
    if shown is not None and shown.interrupt_id == key:
        return await _still(services, caller, snapshot, shown)
    try:
        approval = await visible(services, caller, key)
    except ProblemError as error:
        if error.code != "not_found":
            raise
        raise _unknown(key) from error
    if approval.thread_id != snapshot.thread.id:
        raise _unknown(key)
    return (approval,)


async def _still(services: Services, caller: Caller, snapshot: Snapshot, shown: Shown) -> tuple[Approval, ...]:
    """Returns what was shown, where it waits as it was or has ended as a whole: then the decision says how.

    Raises:
        SurfaceError: `interrupt_changed`: a part of it waits no more, or something else waits beside it.
    """
    waits = snapshot.interrupt
    if waits is not None and waits.id == shown.interrupt_id:
        return waits.approvals
    if waits is not None and any(approval.id in shown.approvals for approval in waits.approvals):
        raise _something_else(waits)
    return tuple([await visible(services, caller, approval_id) for approval_id in shown.approvals])


def _something_else(waits: Interrupt) -> SurfaceError:
    detail = "Something else waits by now than what you were shown; nothing was decided. Look again."
    return SurfaceError(code="interrupt_changed", detail=detail, interrupt_id=waits.id)


def _unknown(key: str) -> SurfaceError:
    return SurfaceError(
        code="no_such_interrupt", detail=f"There is no interrupt {key} on this thread.", interrupt_id=key
    )
