"""One client that listens: how far it has come, and the way to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from placet.api.feed.feed import Feed
    from placet.api.feed.frames import Frame, Wanted
    from placet.api.identity import Caller


class Wire(Protocol):
    """The way to a client: it takes what is written at once, and says when it holds enough."""

    full: bool
    """Whether it holds as much as it should: nothing more is written until the stream is told that there is room."""

    def write(self, data: bytes) -> None:
        """Sends, or keeps until it can be sent."""
        ...

    def end(self) -> None:
        """Sends what is still kept, and then the end."""
        ...

    def drop(self) -> None:
        """Lets go of the client at once, whatever is still kept."""
        ...


class Stream:
    """Somebody who listens; a thousand of them wait in no task and with no timer of their own.

    Attributes:
        wanted: What is for them.
        cursor: Up to where the log was looked through for them.
        wire: The way to them.
        reading: Whether the ledger is being read for them alone.
        wrote_at: When something was last sent, in the loop's time.
        opened_at: When it began, in the loop's time.
        sent: How many events.
        ended: Whether nothing more is sent.
        caller: Who listens; once they may not be here any more it ends.
    """

    __slots__ = (
        "_feed",
        "caller",
        "cursor",
        "ended",
        "opened_at",
        "reading",
        "request_id",
        "sent",
        "wanted",
        "wire",
        "wrote_at",
    )

    def __init__(self, feed: Feed, wanted: Wanted, cursor: str, wire: Wire, now: float) -> None:
        self._feed = feed
        self.wanted = wanted
        self.cursor = cursor
        self.wire = wire
        self.reading = False
        self.opened_at = self.wrote_at = now
        self.sent = 0
        self.ended = False
        self.request_id = ""
        self.caller: Caller | None = None

    def pass_on(self, frame: Frame, now: float) -> None:
        """Sends the frame where it is for them, and moves on behind it."""
        self.cursor = frame.id
        if self.wanted.shows(frame):
            self.wire.write(frame.text)
            self.wrote_at = now
            self.sent += 1

    def has_room(self) -> None:
        """The wire takes more again."""
        self._feed.advance(self)

    def left(self) -> None:
        """The client has gone."""
        self._feed.let_go(self)
