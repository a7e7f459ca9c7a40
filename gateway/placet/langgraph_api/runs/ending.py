"""Ending from a client: "stop", "mark as resolved", a jump to the end; each is an act of somebody's, on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from placet.api.errors import ClosedError
from placet.api.rights import check_may_decide
from placet.api.runs.stopping import ended, may_stop, stop_run
from placet.contracts.decisions import DecisionBody
from placet.langgraph_api.errors import SurfaceError
from placet.langgraph_api.runs.answering import decided, item
from placet.langgraph_api.runs.segments import begun, first_segment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from placet.api.identity import Caller
    from placet.api.services import Services
    from placet.contracts.approvals import Approval
    from placet.langgraph_api.runs.segments import Segment
    from placet.langgraph_api.threads.snapshot import Snapshot

END: Final = "__end__"
"""The node to which clients jump."""
RESOLVED: Final = "It was marked as resolved without being run."


def is_end(goto: object) -> bool:
    """Returns whether a jump leads to the end."""
    return goto in (END, [END])


async def resolve(
    services: Services, caller: Caller, snapshot: Snapshot, metadata: Mapping[str, JsonValue]
) -> tuple[Segment, frozenset[str]]:
    """Ends what waits: rejected by who may decide on it, and the run is over where its requester asks.

    Raises:
        SurfaceError: `no_such_interrupt`: nothing waits and nothing goes on.
        ProblemError: The caller may not.
        RefusedError: The same.
    """
    run = snapshot.run
    if run is None or run.ended_at is not None:
        raise SurfaceError(code="no_such_interrupt", detail="Nothing waits on this thread.")
    stops = may_stop(caller, run)
    waiting = snapshot.interrupt.approvals if snapshot.interrupt else ()
    if stops:
        waiting = tuple(one for one in waiting if _may_reject(services, caller, one))
    elif not waiting:
        await stop_run(services, caller, run, None)
    segment, decided_on = first_segment(run), frozenset[str]()
    if waiting:
        items = [item(approval, rejection_of(approval)) for approval in waiting]
        answered = await decided(services, caller, snapshot.thread, items, waiting[0], metadata)
        segment, decided_on = await begun(services, answered.segment), answered.approvals
    if stops:
        await stop(services, caller, snapshot)
    return segment, decided_on


async def stop(services: Services, caller: Caller, snapshot: Snapshot) -> None:
    """Asks the thread's run to stop.

    Raises:
        ProblemError: `not_allowed`, `run_ended`, `unavailable`.
    """
    run = snapshot.run
    if run is None:
        raise SurfaceError(code="no_such_interrupt", detail="Nothing goes on on this thread.")
    try:
        await stop_run(services, caller, run, "Stopped by a client.")
    except ClosedError as error:
        raise ended(run) from error


def rejection_of(approval: Approval) -> DecisionBody:
    """Returns the decision by which an approval ends without its call."""
    if approval.kind == "question":
        return DecisionBody(type="skip", digest=approval.digest)
    return DecisionBody(type="reject", digest=approval.digest, message=RESOLVED)


def _may_reject(services: Services, caller: Caller, approval: Approval) -> bool:
    wanted = rejection_of(approval).type
    entitled = check_may_decide(caller, approval, local=services.directory.local) is None
    return entitled and wanted in approval.allowed_decisions
