"""The ways to a client: a connection that the server has handed over, or the messages of any ASGI server."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from placet.api.connections import Heir

if TYPE_CHECKING:
    from starlette.types import Receive, Send

    from placet.api.feed.stream import Stream

_MOST_BYTES: Final = 65_536
"""What a wire keeps before it is full; a transport has the same mark."""
_LAST_CHUNK: Final = b"0\r\n\r\n"


class ConnectionWire(Heir):
    """A connection of our own, once the head of the answer has been sent on it.

    Nothing waits on it, no task and no timer: the event loop calls when the client takes more or has gone.

    Attributes:
        full: Whether the client is slower than what is written.
        stream: Who is told.
    """

    __slots__ = ("_chunked", "_transport", "full", "stream")

    def __init__(self) -> None:
        self.full = False
        self.stream: Stream | None = None
        self._chunked = True
        self._transport: asyncio.Transport | None = None

    def take_over(self, transport: asyncio.Transport, *, chunked: bool, full: bool) -> None:
        """Begins to speak on a connection."""
        self._transport = transport
        self._chunked = chunked
        self.full = full

    def write(self, data: bytes) -> None:
        """Sends."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def end(self) -> None:
        """Ends the answer and closes the connection behind it."""
        if self._transport is not None and not self._transport.is_closing():
            if self._chunked:
                self._transport.write(_LAST_CHUNK)
            self._transport.close()

    def drop(self) -> None:
        """Closes the connection, whatever the client has not read."""
        if self._transport is not None:
            self._transport.abort()

    def pause_writing(self) -> None:
        """The client is slower than what is written."""
        self.full = True

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.full = False
        if self.stream is not None:
            self.stream.has_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone, or everything is sent."""
        del exc
        if self.stream is not None:
            self.stream.left()


class AsgiWire:
    """The messages of an ASGI server that hands no connection over; takes two tasks for each client."""

    def __init__(self) -> None:
        self.full = False
        self.stream: Stream | None = None
        self._kept: deque[bytes] = deque()
        self._size = 0
        self._news = asyncio.Event()
        self._ending = False
        self._gone = False

    def write(self, data: bytes) -> None:
        """Keeps it until it is sent."""
        self._kept.append(data)
        self._size += len(data)
        self.full = self._size > _MOST_BYTES
        self._news.set()

    def end(self) -> None:
        """Sends what is kept, and then the end."""
        self._ending = True
        self._news.set()

    def drop(self) -> None:
        """Sends nothing any more."""
        self._gone = True
        self._news.set()

    async def serve(self, receive: Receive, send: Send) -> None:
        """Sends what is written, until the end or until the client goes."""
        watching = asyncio.create_task(self._watch(receive))
        try:
            while not self._gone:
                await self._news.wait()
                self._news.clear()
                await self._flush(send)
                if self._ending:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                    return
        finally:
            watching.cancel()
            if self.stream is not None:
                self.stream.left()

    async def _flush(self, send: Send) -> None:
        while self._kept and not self._gone:
            data = self._kept.popleft()
            await send({"type": "http.response.body", "body": data, "more_body": True})
            self._size -= len(data)
            if self.full and self._size <= _MOST_BYTES // 4:
                self.full = False
                if self.stream is not None:
                    self.stream.has_room()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.drop()
