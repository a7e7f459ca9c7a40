"""The answers that go on until a thread rests: a stream of events, or one JSON value at the end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import StreamingResponse

from placet.api.answers import as_json
from placet.api.feed.answer import MEDIA_TYPE
from placet.langgraph_api.runs.following import following
from placet.langgraph_api.runs.frames import failure

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection

    from placet.api.identity import Caller
    from placet.api.services import Services
    from placet.langgraph_api.runs.frames import Frames
    from placet.langgraph_api.runs.segments import Segment
    from placet.langgraph_api.threads.snapshot import Snapshot
    from placet.ledger import ThreadRow

STREAMED: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""What every stream is sent with."""


def stream(
    services: Services,
    caller: Caller,
    segment: Segment,
    frames: Frames,
    before: Snapshot,
    answered: Collection[str] = (),
    *,
    over: bool = False,
) -> StreamingResponse:
    """Returns Server-Sent Events until the thread rests; closing them changes nothing.

    Args:
        services: Where to look.
        caller: Who follows.
        segment: What is followed.
        frames: Writes the events.
        before: The thread as it was when the request came.
        answered: Approvals that the caller has just decided on.
        over: Whether nothing comes any more but the end.
    """

    async def told() -> AsyncGenerator[bytes]:
        for piece in frames.first():
            yield piece
        if over:
            for piece in frames.over(before):
                yield piece
            return
        async for snapshot in following(services, caller, before.thread, answered):
            if snapshot is not None and not segment.is_of(snapshot.run):
                # Another run has taken its place: what that one says is not told here.
                yield frames.end()
                return
            for piece in frames.of(snapshot):
                yield piece

    headers = {**STREAMED, **places(segment), "Location": f"{segment.place}/stream"}
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

    headers = {**STREAMED, **places(segment), "Location": f"{segment.place}/join"}
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
