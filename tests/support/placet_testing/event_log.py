"""A log of events in memory, and wires that tests fill and empty: for what passes events on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from placet.api.feed.feed import Feed
from placet.api.feed.frames import HEARTBEAT, Wanted
from placet.api.feed.stream import Stream
from placet.contracts.events import Event, EventType
from placet.ledger import LedgerUnavailableError, Viewer

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


def cursor_of(number: int) -> str:
    return f"{number:016}"


@dataclass
class FakeLog:
    """The ledger's log, as far as a feed asks for it.

    Attributes:
        down: Whether it cannot be read.
        reads: How often single streams and the follower read events.
        asks: How often it was asked what somebody sees.
        lag: Gives the turns of the loop that a read takes before it sees the log, and then those that it takes after.
    """

    events: list[Event] = field(default_factory=list[Event])
    seen_by: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    down: bool = False
    reads: int = 0
    asks: int = 0
    lag: Callable[[], int] = lambda: 1
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def append(
        self,
        kind: EventType = "call.started",
        run_id: str | None = None,
        *,
        seen_by: Sequence[str] = (),
    ) -> Event:
        """Adds an event that only these people see, and who sees all."""
        event = Event(id=cursor_of(len(self.events) + 1), type=kind, at=AT, run_id=run_id)
        self.events.append(event)
        self.seen_by[event.id] = frozenset(seen_by)
        self._news.set()
        self._news = asyncio.Event()
        return event

    async def tail(self) -> str:
        """Returns the last id."""
        await self._answer()
        return cursor_of(len(self.events))

    async def wait_for_events(self, cursor: str, timeout_seconds: float) -> bool:
        """Waits for more."""
        news = self._news
        if await self.tail() > cursor:
            return True
        try:
            async with asyncio.timeout(timeout_seconds):
                await news.wait()
        except TimeoutError:
            return False
        return await self.tail() > cursor

    async def events_after(
        self,
        cursor: str | None,
        limit: int = 200,
        *,
        run_id: str | None = None,
        types: Sequence[str] | None = None,
        visible_to: Viewer | None = None,
    ) -> list[Event]:
        """Returns what the ledger would."""
        self.reads += 1
        await self._answer()
        wanted = Wanted(visible_to, run_id)
        found = [
            event
            for event in self.events
            if event.id > (cursor or "") and wanted.shows(event) and (not types or event.type in types)
        ]
        page = [event for event in found if self.sees(visible_to, event)][:limit]
        await self._turns()
        return page

    async def events_seen(self, after: str, until: str, visible_to: Viewer) -> frozenset[str]:
        """Returns what the ledger would."""
        self.asks += 1
        await self._answer()
        between = [event for event in self.events if after < event.id <= until]
        return frozenset(event.id for event in between if self.sees(visible_to, event))

    def sees(self, viewer: Viewer | None, event: Event) -> bool:
        """Whether somebody sees an event."""
        return viewer is None or viewer.user_id in self.seen_by[event.id]

    async def _answer(self) -> None:
        await self._turns()
        if self.down:
            reason = "it is down"
            raise LedgerUnavailableError(reason)

    async def _turns(self) -> None:
        for _ in range(self.lag()):
            await asyncio.sleep(0)


@dataclass
class FakeWire:
    """A client in memory.

    Attributes:
        room: How many more writes it takes before it is full; None: any number.
        got: The ids of the events that came, in order.
        misused: Whether something was written that must not be: when it was full, or over.
    """

    full: bool = False
    room: int | None = None
    got: list[str] = field(default_factory=list[str])
    beats: int = 0
    ended: bool = False
    dropped: bool = False
    misused: bool = False
    stream: Stream | None = None

    def write(self, data: bytes) -> None:
        """Takes one event or a heartbeat."""
        self.misused = self.misused or self.ended or self.dropped or self.full
        if data == HEARTBEAT:
            self.beats += 1
            return
        self.got.append(data.split(b"\n", 1)[0].removeprefix(b"id: ").decode())
        if self.room is not None:
            self.room -= 1
            self.full = self.room <= 0

    def end(self) -> None:
        """The end."""
        self.ended = True

    def drop(self) -> None:
        """The connection is closed."""
        self.dropped = True

    def makes_room(self, room: int | None = None) -> None:
        """Reads what was kept."""
        self.full, self.room = False, room
        assert self.stream is not None
        self.stream.has_room()

    def leaves(self) -> None:
        """Goes away."""
        assert self.stream is not None
        self.stream.left()


def listen(feed: Feed, wanted: Wanted, cursor: str = "", room: int | None = None) -> FakeWire:
    """Opens a stream with a wire in memory."""
    wire = FakeWire(room=room)
    wire.stream = feed.open(wanted, cursor, wire)
    return wire
