"""`/langgraph/threads/{thread_id}/commands` and `…/stream/events`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Depends, Response
from starlette.responses import StreamingResponse

from placet.api.access import Body, Gateway, SignedIn
from placet.api.answers import Json
from placet.api.feed.answer import MEDIA_TYPE
from placet.langgraph_api.protocol.bodies import Command, EventsQuery
from placet.langgraph_api.protocol.commands import carry_out
from placet.langgraph_api.protocol.events import Telling
from placet.langgraph_api.routing import ClientRoute
from placet.langgraph_api.runs.endpoints import Party
from placet.langgraph_api.runs.following import following
from placet.langgraph_api.runs.streams import STREAMED
from placet.langgraph_api.threads.snapshot import visible_thread

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

router: Final = APIRouter(prefix="/langgraph/threads/{thread_id}", include_in_schema=False, route_class=ClientRoute)


@router.post("/commands")
async def command(
    thread_id: str, body: Annotated[Command, Depends(Body(Command))], caller: Party, services: Gateway
) -> Json:
    """Carries out a command of the second protocol: `run.start` or `input.respond`."""
    return Json(await carry_out(services, caller, thread_id, body))


@router.post("/stream/events")
async def stream_events(
    thread_id: str,
    body: Annotated[EventsQuery, Depends(Body(EventsQuery))],
    caller: SignedIn,
    services: Gateway,
) -> Response:
    """Streams how the thread stands and what happens on it, over all of its runs, until the client leaves."""
    thread = await visible_thread(services, caller, thread_id)
    telling = Telling(body)

    async def told() -> AsyncGenerator[bytes]:
        async for snapshot in following(services, caller, thread, stays=True):
            for piece in telling.of(snapshot, services.clock()):
                yield piece

    return StreamingResponse(told(), media_type=MEDIA_TYPE, headers=STREAMED)
