"""The answer that goes on: its head goes the usual way, then the stream has the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog
from starlette.responses import Response

from placet.api.connections import HAND_OVER, HandOver
from placet.api.feed.wires import AsgiWire, ConnectionWire

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from placet.api.feed.feed import Feed
    from placet.api.feed.frames import Wanted
    from placet.api.feed.stream import Stream, Wire
    from placet.api.identity import Caller

MEDIA_TYPE: Final = "text/event-stream"
CURSOR_HEADER: Final = "X-Placet-Cursor"
"""Where the stream begins: what to continue from when it breaks before its first event."""


class EventStream(Response):
    """Server-Sent Events from a cursor on."""

    media_type = MEDIA_TYPE

    def __init__(self, feed: Feed, wanted: Wanted, cursor: str, caller: Caller | None = None) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Connection": "close"}
        super().__init__(headers={**headers, CURSOR_HEADER: cursor} if cursor else headers)
        del self.headers["content-length"]
        self._feed = feed
        self._wanted = wanted
        self._cursor = cursor
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the head, and opens the stream; on a connection that is handed over it goes on by itself."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        hand_over: HandOver | None = scope.get("extensions", {}).get(HAND_OVER)
        if hand_over is None:
            wire = AsgiWire()
            wire.stream = self._open(wire)
            await wire.serve(receive, send)
            return
        connection = ConnectionWire()
        if hand_over(connection):
            connection.stream = self._open(connection)

    def _open(self, wire: Wire) -> Stream:
        stream = self._feed.open(self._wanted, self._cursor, wire)
        stream.caller = self._caller
        stream.request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
        return stream
