"""`/v1/events` and `/v1/runs/{id}/events`."""

from __future__ import annotations

from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from placet.api.access import Gateway, SignedIn
from placet.api.approvals.listing import viewer_of
from placet.api.errors import ProblemError
from placet.api.feed.answer import MEDIA_TYPE, EventStream
from placet.api.feed.frames import BEGINNING, Wanted
from placet.api.problems import refuses
from placet.api.runs.endpoints import visible_run
from placet.api.services import Services
from placet.contracts.events import RUN_ENDS, EventType
from placet.ledger import InvalidCursorError

router: Final = APIRouter(prefix="/v1", tags=["events"])

_LONGEST_CURSOR: Final = 100
_EXAMPLE: Final = 'id: 0000000000000042\nevent: approval.requested\ndata: {"id":"0000000000000042",…}\n\n'
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Server-Sent Events: `id` a cursor, `event` the type, `data` the event as one line of JSON; "
        "a comment in each silence of 10 s",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}},
        "headers": {
            "X-Placet-Cursor": {
                "schema": {"type": "string"},
                "description": "Where the stream begins: what to continue from should it break before its first event",
            }
        },
    }
}


def _at_commas(given: object) -> object:
    """Returns the types one by one: the parameter may be repeated, and may hold several."""
    if not isinstance(given, list):
        return given
    texts = cast("list[object]", given)
    return [part.strip() for text in texts for part in (text.split(",") if isinstance(text, str) else ())]


class EventFilters(BaseModel):
    """The query of both streams."""

    model_config = ConfigDict(extra="forbid")

    types: Annotated[list[EventType], BeforeValidator(_at_commas)] = Field(
        default=[], description="Only these types; repeated, or with commas between"
    )
    last_event_id: Annotated[str, Field(min_length=1, max_length=_LONGEST_CURSOR)] | None = Field(
        default=None, description="Continues behind this event; the header `Last-Event-ID` wins over it"
    )


LastEventId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", description="Continues behind this event", max_length=_LONGEST_CURSOR),
]


@router.get(
    "/events",
    response_class=Response,
    responses={**_STREAM, **refuses("unauthenticated", "not_allowed", "invalid_query", "unavailable")},
)
async def follow_all(
    filters: Annotated[EventFilters, Query()], caller: SignedIn, services: Gateway, last_event_id: LastEventId = None
) -> Response:
    """Follows everything that the caller may see: behind `Last-Event-ID`, or else from now on; never ends by itself."""
    wanted = Wanted(viewer_of(caller), types=frozenset(filters.types))
    return EventStream(services.feed, wanted, await _position(services, last_event_id or filters.last_event_id), caller)


@router.get(
    "/runs/{run_id}/events",
    response_class=Response,
    responses={
        **_STREAM,
        204: {"description": "The run has ended and `Last-Event-ID` is its last event: there is nothing to come"},
        **refuses("unauthenticated", "not_allowed", "not_found", "invalid_query", "unavailable"),
    },
)
async def follow_run(
    run_id: str,
    filters: Annotated[EventFilters, Query()],
    caller: SignedIn,
    services: Gateway,
    last_event_id: LastEventId = None,
) -> Response:
    """Follows a run: from its start, or behind `Last-Event-ID`, to its last event; then the stream is closed."""
    run = await visible_run(services, caller, run_id)
    cursor = last_event_id or filters.last_event_id
    if cursor is None:
        behind = BEGINNING
    else:
        behind = await _position(services, cursor)
        if run.ended_at and not await services.ledger.events_after(cursor, 1, run_id=run.id, types=sorted(RUN_ENDS)):
            return Response(status_code=204)
    return EventStream(services.feed, Wanted(viewer_of(caller), run.id, frozenset(filters.types)), behind, caller)


async def _position(services: Services, cursor: str | None) -> str:
    try:
        return await services.ledger.position(cursor)
    except InvalidCursorError as error:
        errors = [{"pointer": "last_event_id", "message": "is not the id of an event of this log"}]
        raise ProblemError(code="invalid_query", detail=str(error), errors=errors) from error
