"""The answers that go on until a thread rests: a stream of events, or one JSON value at the end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import StreamingResponse

from placet.api.answers import as_json
from placet.api.feed.answer import MEDIA_TYPE
from placet.langgraph_api.runs.following import following
from placet.langgraph_api.runs.frames import USUAL, Frames, failure

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection

    from placet.api.identity import Caller
    from placet.api.services import Services
    from placet.langgraph_api.runs.segments import Segment
    from placet.langgraph_api.threads.snapshot import Snapshot
    from placet.ledger import ThreadRow

_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def stream(
    services: Services,
    caller: Caller,
    thread: ThreadRow,
    segment: Segment,
    *,
    modes: Collection[str] | None,
    known: Collection[str] = (),
    answered: Collection[str] = (),
) -> StreamingResponse:
    """Returns Server-Sent Events until the thread rests; closing them changes nothing."""
    frames = Frames(segment, modes or USUAL, known)

    async def told() -> AsyncGenerator[bytes]:
        yield frames.first()
        async for snapshot in following(services, caller, thread, answered):
            for piece in frames.of(snapshot):
                yield piece

    headers = {**_HEADERS, **places(segment), "Location": f"{segment.place}/stream"}
    return StreamingResponse(told(), media_type=MEDIA_TYPE, headers=headers)


def value(
    services: Services, caller: Caller, thread: ThreadRow, segment: Segment, answered: Collection[str] = ()
) -> StreamingResponse:
    """Returns the state in which the thread rests, with blank lines before it while it does not."""

    async def waited() -> AsyncGenerator[bytes]:
        last: Snapshot | None = None
        async for snapshot in following(services, caller, thread, answered):
            last = snapshot or last
            if snapshot is None:
                yield b"\n"
        yield json.dumps(as_json(_final(last)), allow_nan=False).encode()

    headers = {**_HEADERS, **places(segment), "Location": f"{segment.place}/join"}
    return StreamingResponse(waited(), media_type="application/json", headers=headers)


def places(segment: Segment) -> dict[str, str]:
    """Returns the header from which clients learn the id of their run."""
    return {"Content-Location": segment.place}


def _final(snapshot: Snapshot | None) -> dict[str, Any]:
    """Returns the state in which the thread rests; what it was before that is not shown as if it were."""
    if snapshot is None or not snapshot.resting:
        return {"__error__": {"error": "NotFollowed", "message": "The gateway stopped waiting; the run goes on."}}
    run = snapshot.run
    if run is not None and run.status == "failed":
        return {**snapshot.values, "__error__": failure(run.error)}
    return snapshot.stream_values()
