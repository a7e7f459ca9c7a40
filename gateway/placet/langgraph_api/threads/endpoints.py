"""`/langgraph/threads`."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response

from placet.api.access import Body, Gateway, Requester, SignedIn
from placet.api.answers import Json
from placet.api.bodies import invalid_request, shaped
from placet.api.errors import ProblemError
from placet.api.identity import Caller
from placet.api.services import Services
from placet.langgraph_api.assistants.describing import named_assistant
from placet.langgraph_api.bodies import HistoryQuery, NewThread, ThreadChange, ThreadSearch, refused_body
from placet.langgraph_api.errors import SurfaceError
from placet.langgraph_api.ids import thread_of
from placet.langgraph_api.inbox.describing import inbox_snapshot
from placet.langgraph_api.inbox.finding import all_approvals, found_approvals, is_of_approvals
from placet.langgraph_api.routing import ClientRoute
from placet.langgraph_api.threads.describing import present_document, state_document, thread_document
from placet.langgraph_api.threads.finding import count_threads, found_threads
from placet.langgraph_api.threads.snapshot import Snapshot, snapshot_of, visible_thread
from placet.ledger import ThreadRow

router: Final = APIRouter(prefix="/langgraph/threads", include_in_schema=False, route_class=ClientRoute)


async def opened(services: Services, caller: Caller, body: NewThread) -> ThreadRow:
    """Returns a thread that was made, or is there and may be.

    Raises:
        SurfaceError: `thread_exists`.
        ProblemError: `not_found`: there is one of that id, and it is somebody else's; `invalid_request`.
    """
    if (body.thread_id or "").startswith(thread_of("")):
        raise refused_body(at="/thread_id", message=f"begins with {thread_of('')}, which names approvals")
    given = body.metadata.get("graph_id")
    agent = named_assistant(services, given) if isinstance(given, str) else None
    now = services.clock()
    thread = ThreadRow(
        id=body.thread_id or str(uuid.uuid4()),
        owner=caller.id,
        agent=agent,
        metadata=body.metadata,
        created_at=now,
        updated_at=now,
    )
    if await services.ledger.threads.open(thread):
        return thread
    there = await visible_thread(services, caller, thread.id)
    if body.if_exists != "do_nothing":
        raise SurfaceError(
            code="thread_exists", detail=f"There is a thread {thread.id[:80]!r} already.", thread_id=thread.id
        )
    return there


async def there_or_made(services: Services, caller: Caller, thread_id: str) -> ThreadRow:
    """Returns the thread of that id, made where it is not there yet.

    Raises:
        ProblemError: `not_found`: it is somebody else's; `invalid_request`: there can be none of that id.
    """
    return await opened(services, caller, shaped(NewThread, {"thread_id": thread_id, "if_exists": "do_nothing"}))


async def own_thread(services: Services, caller: Caller, thread_id: str) -> ThreadRow:
    """Returns a thread that the caller may change: theirs, or anybody's for an admin.

    Raises:
        ProblemError: `not_found`, `not_allowed`.
    """
    thread = await visible_thread(services, caller, thread_id)
    if thread.owner != caller.id and not caller.has("admin"):
        raise ProblemError(code="not_allowed", detail="Who made a thread, or an admin, changes it.")
    return thread


@router.post("")
async def create_thread(
    body: Annotated[NewThread, Depends(Body(NewThread, may_be_empty=True))], caller: Requester, services: Gateway
) -> Json:
    """Makes a thread; with `if_exists: do_nothing` also where it is there."""
    thread = await opened(services, caller, body)
    return Json(thread_document(await snapshot_of(services, caller, thread)))


@router.post("/search")
async def search_threads(
    body: Annotated[ThreadSearch, Depends(Body(ThreadSearch, may_be_empty=True))], caller: SignedIn, services: Gateway
) -> Json:
    """Lists the threads that the caller may see: their own, and those with an approval that names them."""
    documents = [thread_document(snapshot) for snapshot in await _found(services, caller, body)]
    fitting = [one for one in documents if body.status in {None, one["status"]}]
    return Json([{name: one[name] for name in body.select or one if name in one} for one in fitting])


@router.post("/count")
async def count(
    body: Annotated[ThreadSearch, Depends(Body(ThreadSearch, may_be_empty=True))], caller: SignedIn, services: Gateway
) -> Json:
    """Counts the threads that a search finds."""
    if is_of_approvals(services, body):
        return Json(len(await all_approvals(services, caller, body)))
    return Json(await count_threads(services, caller, body))


@router.get("/{thread_id}")
async def read_thread(thread_id: str, caller: SignedIn, services: Gateway) -> Json:
    """Shows a thread with its values and what waits."""
    thread = await visible_thread(services, caller, thread_id)
    return Json(thread_document(await snapshot_of(services, caller, thread)))


@router.patch("/{thread_id}")
async def change_thread(
    thread_id: str,
    body: Annotated[ThreadChange, Depends(Body(ThreadChange, may_be_empty=True))],
    caller: SignedIn,
    services: Gateway,
) -> Json:
    """Adds to what is said of a thread: who made it, or an admin."""
    thread = await own_thread(services, caller, thread_id)
    await services.ledger.threads.change(thread.id, {**thread.metadata, **body.metadata}, services.clock())
    thread = await visible_thread(services, caller, thread_id)
    return Json(thread_document(await snapshot_of(services, caller, thread)))


@router.delete("/{thread_id}", status_code=204)
async def delete_thread(thread_id: str, caller: SignedIn, services: Gateway) -> Response:
    """Hides a thread for good: who made it, or an admin. Its runs, messages and decisions stay on record."""
    thread = await own_thread(services, caller, thread_id)
    snapshot = await snapshot_of(services, caller, thread)
    if snapshot.run is not None and snapshot.run.ended_at is None:
        raise ProblemError(
            code="thread_busy",
            detail=f"The thread {thread.id[:80]!r} has a run that has not ended; cancel it first.",
            thread_id=thread.id,
            run=snapshot.run,
        )
    await services.ledger.threads.delete(thread.id, services.clock())
    return Response(status_code=204)


@router.get("/{thread_id}/state")
async def read_state(thread_id: str, caller: SignedIn, services: Gateway) -> Json:
    """Shows a thread's state: messages, and the interrupt that waits."""
    thread = await visible_thread(services, caller, thread_id)
    return Json(present_document(await snapshot_of(services, caller, thread)))


@router.get("/{thread_id}/state/{checkpoint_id}")
async def read_state_at(thread_id: str, checkpoint_id: str, caller: SignedIn, services: Gateway) -> Json:
    """Shows a thread's state, where it is still the one of the checkpoint."""
    return Json(await _state_at(services, caller, thread_id, checkpoint_id))


@router.post("/{thread_id}/history")
async def read_history(
    thread_id: str,
    body: Annotated[HistoryQuery, Depends(Body(HistoryQuery, may_be_empty=True))],
    caller: SignedIn,
    services: Gateway,
) -> Json:
    """Lists a thread's states: the one that it has now, and none of those before."""
    thread = await visible_thread(services, caller, thread_id)
    snapshot = await snapshot_of(services, caller, thread)
    none = body.before is not None or body.limit == 0 or snapshot.run is None
    return Json([] if none else [state_document(snapshot)])


async def _found(services: Services, caller: Caller, search: ThreadSearch) -> list[Snapshot]:
    if is_of_approvals(services, search):
        approvals = await found_approvals(services, caller, search)
        return [inbox_snapshot(services, caller, approval) for approval in approvals]
    return [await snapshot_of(services, caller, thread) for thread in await found_threads(services, caller, search)]


async def _state_at(services: Services, caller: Caller, thread_id: str, checkpoint_id: str) -> dict[str, Any]:
    thread = await visible_thread(services, caller, thread_id)
    snapshot = await snapshot_of(services, caller, thread)
    if snapshot.checkpoint_id != checkpoint_id:
        message = "only the checkpoint of the present is kept"
        raise invalid_request([{"pointer": "/checkpoint_id", "message": message}])
    return state_document(snapshot)
