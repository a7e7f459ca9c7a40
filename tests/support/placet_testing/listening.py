"""Listening to a stream of an app in memory, message by message: a client that can be slow, and can go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from placet_testing.gateway import Site, key_of

_Message = MutableMapping[str, Any]


@dataclass
class Listener:
    """What came over one stream.

    Attributes:
        reads: Cleared, the client takes nothing more.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    names: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    comments: int = 0
    closed: bool = False
    body: bytes = b""
    reads: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ids(self) -> list[str]:
        """The ids of what came, in order."""
        return [event["id"] for event in self.events]

    @property
    def types(self) -> list[str]:
        """The types of what came, in order."""
        return [event["type"] for event in self.events]

    async def began(self) -> None:
        """Waits for the head of the answer."""
        async with asyncio.timeout(10):
            while not self.status:
                await self._news.wait()
                self._news.clear()

    async def until(self, *, events: int = 0, comments: int = 0, closed: bool = False) -> None:
        """Waits for so much."""
        async with asyncio.timeout(10):
            while len(self.events) < events or self.comments < comments or self.closed < closed:
                self._news.clear()
                await self._news.wait()

    async def take(self, message: _Message) -> None:
        """Gets a message of the app."""
        await self.reads.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")
            self.closed = not message.get("more_body", False)
            if self.headers.get("content-type", "").startswith("text/event-stream"):
                self._parse()
        self._news.set()

    def _parse(self) -> None:
        *whole, self.body = self.body.split(b"\n")
        for line in whole:
            name, _, value = line.decode().partition(": ")
            match name:
                case "id":
                    self.names.append((value, ""))
                case "event":
                    self.names[-1] = (self.names[-1][0], value)
                case "data":
                    self.events.append(json.loads(value))
                case _:
                    self.comments += line.startswith(b":")
        assert self.names == [(event["id"], event["type"]) for event in self.events]


@asynccontextmanager
async def listening(
    site: Site, user: str | None, path: str = "/v1/events", last: str | None = None, **query: Any
) -> AsyncGenerator[Listener]:
    """Opens a stream, and goes away at the end."""
    listener, gone = Listener(), asyncio.Event()
    listener.reads.set()
    headers = [(b"host", b"127.0.0.1:7117")]
    if user is not None:
        headers.append((b"authorization", f"Bearer {key_of(user)}".encode()))
    if last is not None:
        headers.append((b"last-event-id", last.encode()))
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": urlencode(query, doseq=True).encode(),
        "headers": headers,
        "server": ("127.0.0.1", 7117),
        "client": ("127.0.0.1", 5),
    }

    async def receive() -> _Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    serving = asyncio.create_task(site.app(scope, receive, listener.take))
    try:
        await listener.began()
        yield listener
    finally:
        gone.set()
        listener.reads.set()
        await serving
