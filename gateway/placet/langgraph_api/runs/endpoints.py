"""`/langgraph/threads/{thread_id}/runs`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Header, Query, Response

from placet.api.access import Allow, Body, Gateway, SignedIn
from placet.api.answers import Json
from placet.api.errors import ProblemError
from placet.api.identity import Caller
from placet.api.services import Services
from placet.langgraph_api.bodies import RunBody, StateUpdate, refused_body
from placet.langgraph_api.routing import ClientRoute
from placet.langgraph_api.runs.answering import answer
from placet.langgraph_api.runs.bookmarks import LONGEST, Bookmark
from placet.langgraph_api.runs.ending import END, is_end, resolve, stop
from placet.langgraph_api.runs.following import following
from placet.langgraph_api.runs.frames import Frames
from placet.langgraph_api.runs.segments import Segment, begun, known_segment, segments_of
from placet.langgraph_api.runs.starting import start
from placet.langgraph_api.runs.streams import places, stream, value
from placet.langgraph_api.threads.describing import state_document
from placet.langgraph_api.threads.endpoints import there_or_made
from placet.langgraph_api.threads.snapshot import Snapshot, snapshot_of, visible_thread
from placet.ledger import ThreadRow

router: Final = APIRouter(prefix="/langgraph/threads/{thread_id}", include_in_schema=False, route_class=ClientRoute)

_ENOUGH: Final = 100
"""Runs that a list shows, at most."""
_Run = Annotated[RunBody, Depends(Body(RunBody))]
Party = Annotated[Caller, Depends(Allow("requester", "approver"))]
"""Who may go on on a thread: say more, or answer what waits."""
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=LONGEST)]
StreamModes = Annotated[list[str] | None, Query(alias="stream_mode")]


@dataclass(frozen=True)
class Begun:
    """A part of a run that a request has set going, or found under way.

    Attributes:
        before: The thread as it was when the request came.
        answered: Approvals that it decided on.
    """

    thread: ThreadRow
    segment: Segment
    before: Snapshot
    answered: frozenset[str] = frozenset()


async def begin(services: Services, caller: Caller, thread_id: str, body: RunBody) -> Begun:
    """Starts a run with messages, answers what waits, or ends the thread, as the body says.

    Raises:
        ProblemError: As `/v1` refuses it.
        RefusedError: The same.
        SurfaceError: What only this surface refuses.
    """
    thread = await _thread(services, caller, thread_id, body)
    command = body.command or {}
    snapshot = await snapshot_of(services, caller, thread, noted=False)
    if command.get("update"):
        raise refused_body(
            at="/command/update", message="the state comes from what was said and done; it is not written"
        )
    if "resume" in command:
        answered = await answer(services, caller, snapshot, command["resume"], body)
        return Begun(thread, await begun(services, answered.segment), snapshot, answered.approvals)
    if command.get("goto") is not None:
        if not is_end(command["goto"]):
            raise refused_body(at="/command/goto", message=f"leads to {END} only")
        segment, decided = await resolve(services, caller, snapshot, body.metadata)
        return Begun(thread, segment, snapshot, decided)
    if body.input in (None, {}):
        raise refused_body(at="/input", message="there is nothing to do: send messages, or answer with command.resume")
    return Begun(thread, await start(services, caller, body, snapshot), snapshot)


@router.post("/runs/stream")
async def stream_run(thread_id: str, body: _Run, caller: Party, services: Gateway) -> Response:
    """Starts a run, or answers what waits, and streams until the next wait or the end."""
    new = await begin(services, caller, thread_id, body)
    frames = Frames(new.segment, body.stream_mode or (), new.before)
    return stream(services, caller, new.segment, frames, new.before, new.answered)


@router.post("/runs/wait")
async def wait_for_run(thread_id: str, body: _Run, caller: Party, services: Gateway) -> Response:
    """Starts a run, or answers what waits, and answers with the state at the next wait or the end."""
    new = await begin(services, caller, thread_id, body)
    return value(services, caller, new.thread, new.segment, new.answered)


@router.post("/runs")
async def create_run(thread_id: str, body: _Run, caller: Party, services: Gateway) -> Json:
    """Starts a run, or answers what waits, and does not wait."""
    new = await begin(services, caller, thread_id, body)
    snapshot = await snapshot_of(services, caller, new.thread, new.answered, noted=False)
    return Json(new.segment.document(snapshot), headers=places(new.segment))


@router.get("/runs")
async def list_runs(
    thread_id: str,
    caller: SignedIn,
    services: Gateway,
    limit: Annotated[int, Query(ge=0)] = 10,
    offset: Annotated[int, Query(ge=0)] = 0,
    status: str | None = None,
) -> Json:
    """Lists a thread's runs, the newest first."""
    thread = await visible_thread(services, caller, thread_id)
    snapshot = await snapshot_of(services, caller, thread, noted=False)
    found = [one.document(snapshot) for one in await segments_of(services, caller, thread)]
    fitting = [one for one in found if status in {None, one["status"]}]
    return Json(fitting[offset : offset + min(limit, _ENOUGH)])


@router.get("/runs/{run_id}")
async def read_run(thread_id: str, run_id: str, caller: SignedIn, services: Gateway) -> Json:
    """Shows a run; clients ask whether it still goes on when a stream breaks off."""
    thread = await visible_thread(services, caller, thread_id)
    segment = await known_segment(services, caller, thread, run_id)
    return Json(segment.document(await snapshot_of(services, caller, thread, noted=False)))


@router.get("/runs/{run_id}/stream")
async def join_stream(
    thread_id: str,
    run_id: str,
    caller: SignedIn,
    services: Gateway,
    modes: StreamModes = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Streams a run: what came behind the last event that the client has, or the state as it is and what comes."""
    thread = await visible_thread(services, caller, thread_id)
    segment = await known_segment(services, caller, thread, run_id)
    before = await snapshot_of(services, caller, thread, noted=False)
    wanted = [mode for part in modes or () for mode in part.split(",") if mode]
    frames = Frames(segment, wanted, before, Bookmark.read(last_event_id))
    return stream(services, caller, segment, frames, before, over=not (segment.latest and segment.is_of(before.run)))


@router.get("/runs/{run_id}/join")
async def join_run(thread_id: str, run_id: str, caller: SignedIn, services: Gateway) -> Response:
    """Answers with the state once the thread waits or the run has ended."""
    thread = await visible_thread(services, caller, thread_id)
    return value(services, caller, thread, await known_segment(services, caller, thread, run_id))


@router.post("/runs/{run_id}/cancel")
async def cancel_run(
    thread_id: str,
    run_id: str,
    caller: SignedIn,
    services: Gateway,
    wait: str = "0",
    action: Literal["interrupt", "rollback"] = "interrupt",
) -> Response:
    """Asks a run to stop, also while it waits: who started it, or an admin. Nothing of it is erased."""
    del action
    thread = await visible_thread(services, caller, thread_id)
    segment = await known_segment(services, caller, thread, run_id)
    snapshot = await snapshot_of(services, caller, thread, noted=False)
    if not segment.latest:
        raise ProblemError(code="run_ended", detail=f"The run {segment.id} has ended.", run=segment.run)
    await stop(services, caller, snapshot)
    if wait not in {"1", "true"}:
        return Response(status_code=202)
    waiting = {approval.id for approval in segment.run.pending}
    async for _ in following(services, caller, thread, waiting):
        pass
    return Response(status_code=204)


@router.post("/state")
async def update_state(
    thread_id: str,
    body: Annotated[StateUpdate, Depends(Body(StateUpdate))],
    caller: Party,
    services: Gateway,
) -> Json:
    """Marks a thread as resolved (`as_node: "__end__"`): what waits is rejected. Nothing else is written to a state."""
    thread = await visible_thread(services, caller, thread_id)
    if body.as_node != END or body.values:
        raise refused_body(at="/values", message=f"only an end can be set: values null and as_node {END}")
    snapshot = await snapshot_of(services, caller, thread, noted=False)
    _, decided = await resolve(services, caller, snapshot, {})
    now: dict[str, Any] = state_document(await snapshot_of(services, caller, thread, decided, noted=False))
    return Json({"checkpoint": now["checkpoint"]})


async def _thread(services: Services, caller: Caller, thread_id: str, body: RunBody) -> ThreadRow:
    """Returns the thread of a request, made where the client says so."""
    if body.if_not_exists == "create" and caller.has("requester"):
        return await there_or_made(services, caller, thread_id)
    return await visible_thread(services, caller, thread_id)
