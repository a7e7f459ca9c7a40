"""The events of a thread in the second protocol.

Each comes from how the thread stands and from the place of the log at which it stood so, and from nothing else. So its
number and its id are the same on every connection and in every gateway, and a client that comes back, or follows twice,
takes none of them for a new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from placet.api.feed.frames import HEARTBEAT
from placet.langgraph_api.runs.bookmarks import mark_of
from placet.langgraph_api.runs.frames import encoded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from placet.langgraph_api.protocol.bodies import EventsQuery
    from placet.langgraph_api.threads.snapshot import Snapshot

EACH: Final = 8
"""Numbers that each place of the log has: as many events may come of it."""
_CHANNELS: Final = {"lifecycle": "lifecycle", "values": "values", "input.requested": "input"}
Method = Literal["lifecycle", "values", "input.requested"]
_ENDS: Final = {"completed": "completed", "failed": "failed", "cancelled": "completed", "expired": "completed"}
"""Clients know no other ends: a last message tells of a run that was cancelled or expired."""


@dataclass(frozen=True)
class ThreadEvent:
    """One event.

    Attributes:
        id: The same for the same event, wherever it is told.
        number: Grows with every event.
    """

    id: str
    number: int
    method: Method
    data: dict[str, Any]

    def frame(self, at: datetime) -> bytes:
        """Returns it as it goes over the wire."""
        params: dict[str, Any] = {"namespace": [], "timestamp": int(at.timestamp() * 1000), "data": self.data}
        document: dict[str, Any] = {
            "type": "event",
            "event_id": self.id,
            "seq": self.number,
            "method": self.method,
            "params": params,
        }
        return f"id: {self.id}\nevent: {self.method}\ndata: {encoded(document)}\n\n".encode()


class Telling:
    """Tells one client of a thread, from one moment to the next."""

    def __init__(self, wanted: EventsQuery) -> None:
        self._wanted = wanted
        self._since = -1 if wanted.since is None else wanted.since
        self._told: set[str] = set()
        self._state = ""

    def of(self, snapshot: Snapshot | None, at: datetime) -> Iterator[bytes]:
        """Yields what is new; a comment where nothing was for a while."""
        if snapshot is None:
            yield HEARTBEAT
            return
        for event in events_of(snapshot):
            if self._is_news(event):
                yield event.frame(at)

    def _is_news(self, event: ThreadEvent) -> bool:
        if event.number <= self._since or not self._wanted.shows(_CHANNELS[event.method]):
            return False
        if event.method == "values":
            before, self._state = self._state, mark_of(encoded(event.data))
            return before != self._state
        known = event.id in self._told
        self._told.add(event.id)
        return not known


def events_of(snapshot: Snapshot) -> Iterator[ThreadEvent]:
    """Yields how a thread stands: it goes on, its state, what waits, how its run ended."""
    run, progress = snapshot.run, snapshot.progress
    if run is None:
        return
    leg = f"{run.id}-{progress.answered}"
    yield ThreadEvent(f"{leg}-running", progress.went_on * EACH, "lifecycle", {"event": "running"})
    last = progress.last * EACH
    state = snapshot.values
    yield ThreadEvent(f"{progress.last}-{mark_of(encoded(state))}", last + 1, "values", state)
    if snapshot.interrupt is not None:
        waits = snapshot.interrupt.id
        # Two names for one thing: the protocol's own, and the one that the Python SDK reads.
        asked = {"interrupt_id": waits, "payload": snapshot.interrupt.value, "value": snapshot.interrupt.value}
        yield ThreadEvent(f"{leg}-{waits}", last + 2, "input.requested", asked)
        yield ThreadEvent(f"{leg}-{waits}-interrupted", last + 3, "lifecycle", {"event": "interrupted"})
    elif run.ended_at is not None:
        end: dict[str, Any] = {"event": _ENDS[run.status]}
        if run.status == "failed":
            end["error"] = run.error or "The run failed."
        yield ThreadEvent(f"{leg}-ended", last + 3, "lifecycle", end)


def behind(position: int) -> int:
    """Returns the number of the last event that can come of a place of the log."""
    return position * EACH + EACH - 1
