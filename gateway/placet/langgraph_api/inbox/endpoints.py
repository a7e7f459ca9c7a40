"""`/langgraph/threads/approval-…`: what Agent Inbox asks for and answers."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response

from placet.api.access import Body, Gateway, SignedIn
from placet.api.answers import Json
from placet.api.approvals.endpoints import visible
from placet.api.decisions.deciding import decision_id
from placet.api.feed.answer import MEDIA_TYPE
from placet.api.identity import Caller
from placet.api.services import Services
from placet.contracts.approvals import Approval
from placet.contracts.decisions import DecisionBody
from placet.langgraph_api.answers.decisions import decisions_of
from placet.langgraph_api.answers.forms import by_interrupt
from placet.langgraph_api.assistants.describing import APPROVALS
from placet.langgraph_api.bodies import HistoryQuery, RunBody, StateUpdate, refused_body
from placet.langgraph_api.errors import SurfaceError
from placet.langgraph_api.ids import assistant_id_of, segment_of, thread_of
from placet.langgraph_api.inbox.describing import inbox_snapshot
from placet.langgraph_api.messages import shown_messages
from placet.langgraph_api.routing import ClientRoute
from placet.langgraph_api.runs.answering import decide_alone, item
from placet.langgraph_api.runs.ending import END, is_end, rejection_of
from placet.langgraph_api.runs.frames import frame
from placet.langgraph_api.threads.describing import state_document, thread_document
from placet.langgraph_api.threads.snapshot import Snapshot

router: Final = APIRouter(
    prefix="/langgraph/threads/approval-{approval_id}", include_in_schema=False, route_class=ClientRoute
)
_Run = Annotated[RunBody, Depends(Body(RunBody))]


@router.get("")
async def read_approval_thread(approval_id: str, caller: SignedIn, services: Gateway) -> Json:
    """Shows an approval as a thread of the assistant `approvals`."""
    return Json(thread_document(await _snapshot(services, caller, approval_id)))


@router.get("/state")
async def read_approval_state(approval_id: str, caller: SignedIn, services: Gateway) -> Json:
    """Shows the state of such a thread: the conversation that led to it, and the interrupt."""
    return Json(state_document(await _snapshot(services, caller, approval_id)))


@router.post("/history")
async def read_approval_history(
    approval_id: str,
    body: Annotated[HistoryQuery, Depends(Body(HistoryQuery, may_be_empty=True))],
    caller: SignedIn,
    services: Gateway,
) -> Json:
    """Lists the states of such a thread: the one that it has now."""
    state = state_document(await _snapshot(services, caller, approval_id))
    return Json([] if body.before is not None or body.limit == 0 else [state])


@router.post("/runs/stream")
async def stream_decision(approval_id: str, body: _Run, caller: SignedIn, services: Gateway) -> Response:
    """Decides on the approval, and streams that it waits no more."""
    run, snapshot = await _decide(services, caller, approval_id, body)
    first = {"run_id": run["run_id"], "attempt": 1, "thread_id": run["thread_id"]}
    told = (frame("metadata", first), frame("values", snapshot.stream_values()), frame("end", None))
    return Response(b"".join(told), media_type=MEDIA_TYPE, headers=_place(run))


@router.post("/runs/wait")
async def wait_for_decision(approval_id: str, body: _Run, caller: SignedIn, services: Gateway) -> Json:
    """Decides on the approval, and answers with the state."""
    run, snapshot = await _decide(services, caller, approval_id, body)
    return Json(snapshot.stream_values(), headers=_place(run))


@router.post("/runs")
async def create_decision(approval_id: str, body: _Run, caller: SignedIn, services: Gateway) -> Json:
    """Decides on the approval."""
    run, _ = await _decide(services, caller, approval_id, body)
    return Json(run, headers=_place(run))


@router.post("/state")
async def resolve_approval(
    approval_id: str,
    body: Annotated[StateUpdate, Depends(Body(StateUpdate))],
    caller: SignedIn,
    services: Gateway,
) -> Json:
    """Marks the approval as resolved (`as_node: "__end__"`): it is rejected."""
    if body.as_node != END or body.values:
        raise refused_body(at="/values", message=f"only an end can be set: values null and as_node {END}")
    approval = await visible(services, caller, approval_id)
    await decide_alone(services, caller, item(approval, rejection_of(approval)))
    return Json({"checkpoint": state_document(inbox_snapshot(services, caller, approval, answered=True))["checkpoint"]})


async def _snapshot(services: Services, caller: Caller, approval_id: str) -> Snapshot:
    approval = await visible(services, caller, approval_id)
    kept = await services.ledger.run_messages(approval.run_id) if approval.run_id else []
    return inbox_snapshot(services, caller, approval, messages=shown_messages(kept, None))


async def _decide(
    services: Services, caller: Caller, approval_id: str, body: RunBody
) -> tuple[dict[str, Any], Snapshot]:
    """Decides as a client answers, and returns what it takes for a run, with the thread after it."""
    approval = await visible(services, caller, approval_id)
    one = item(approval, _decision(approval, body))
    await decide_alone(services, caller, one)
    now = services.clock()
    run = {
        "run_id": segment_of(decision_id(approval.id, caller, one.idempotency_key or "")),
        "thread_id": thread_of(approval.id),
        "assistant_id": assistant_id_of(APPROVALS),
        "created_at": now,
        "updated_at": now,
        "status": "success",
        "metadata": body.metadata,
        "kwargs": {},
        "multitask_strategy": "reject",
    }
    return run, inbox_snapshot(services, caller, approval, answered=True)


def _decision(approval: Approval, body: RunBody) -> DecisionBody:
    """Returns the decision that a body holds.

    Raises:
        ProblemError: `invalid_request`: it is no answer.
        RefusedError: `invalid_decision`, `stale_digest`.
        SurfaceError: `no_such_interrupt`.
    """
    command = body.command or {}
    if is_end(command.get("goto")) and "resume" not in command:
        return rejection_of(approval)
    if "resume" not in command:
        raise refused_body(at="/command", message="nothing is started here: answer with command.resume")
    keyed = by_interrupt(command["resume"])
    if keyed is not None and keyed.keys() != {approval.id}:
        raise SurfaceError(code="no_such_interrupt", detail=f"The interrupt of this thread is {approval.id}.")
    (decision,) = decisions_of(keyed[approval.id] if keyed else command["resume"], (approval,))
    return decision


def _place(run: dict[str, Any]) -> dict[str, str]:
    return {"Content-Location": f"/threads/{run['thread_id']}/runs/{run['run_id']}", "Cache-Control": "no-store"}
