"""Server-Sent Events as LangGraph's server writes them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from placet.api.answers import as_json
from placet.api.feed.frames import HEARTBEAT
from placet.langgraph_api.runs.bookmarks import MODES, NOTHING, Bookmark, mark_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from placet.langgraph_api.runs.segments import Segment
    from placet.langgraph_api.threads.snapshot import Snapshot

USUAL: Final = frozenset({"values"})
"""What is streamed where a client asks for nothing else."""
_NODES: Final = {"ai": "model", "tool": "tools"}


def frame(event: str, data: object, event_id: str | None = None) -> bytes:
    """Returns one event."""
    name = f"id: {event_id}\n" if event_id else ""
    return f"{name}event: {event}\ndata: {encoded(data)}\n\n".encode()


def encoded(data: object) -> str:
    """Returns data as one line of ASCII, however a client splits lines."""
    return json.dumps(as_json(data), allow_nan=False, separators=(",", ":"))


class Frames:
    """Writes what changed from one moment of a thread to the next, in the modes that a client asked for."""

    def __init__(
        self, segment: Segment, modes: Collection[str], before: Snapshot, after: Bookmark | None = None
    ) -> None:
        """Begins.

        Args:
            segment: What is followed.
            modes: The stream modes; where there are none, those of the stream that broke off, or else the usual.
            before: The thread as it was when the request came; its messages are no news.
            after: Where the client's last stream broke off; of what was before, it tells what the client has.
        """
        asked = frozenset(mode.partition("|")[0] for mode in modes) & MODES.keys()
        self._segment = segment
        self._moment = before
        self._goes_on = after is not None
        self._known = after.known(before.messages) if after else {str(one.get("id")) for one in before.messages}
        self._place = after or Bookmark(USUAL)
        if asked or not after:
            self._place = replace(self._place, modes=asked or USUAL)

    def first(self) -> Iterator[bytes]:
        """Yields the event that names the run, which a client that comes back has."""
        if not self._goes_on:
            run = {"run_id": self._segment.id, "attempt": 1, "thread_id": self._segment.thread_id}
            yield self._frame("metadata", run)

    def of(self, snapshot: Snapshot | None) -> Iterator[bytes]:
        """Yields what is new; a comment where nothing was for a while."""
        if snapshot is None:
            yield HEARTBEAT
            return
        yield from self._news(snapshot)
        if snapshot.resting:
            yield from self._ending(snapshot)

    def over(self, snapshot: Snapshot) -> Iterator[bytes]:
        """Yields the state as it is, and an end: of a part that had ended when the client asked for it."""
        yield from self._news(snapshot)
        yield self.end()

    def end(self) -> bytes:
        """Returns the end of a part that has one."""
        return self._frame("end", None)

    def _news(self, snapshot: Snapshot) -> Iterator[bytes]:
        self._moment = snapshot
        for message in snapshot.messages:
            if str(message.get("id")) not in self._known:
                yield from self._message(message)
        values = snapshot.stream_values()
        mark = mark_of(encoded(values))
        if "values" in self._place.modes and mark != self._place.state:
            self._place = replace(self._place, state=mark)
            yield self._frame("values", values)

    def _message(self, message: dict[str, Any]) -> Iterator[bytes]:
        """Yields the events of a new message; it is known once all of them were sent."""
        name = str(message.get("id"))
        mark = mark_of(name)
        told = self._place.part if self._place.begun == mark else 0
        events = list(self._events(name, message))
        for place, (event, data) in enumerate(events[told:], told + 1):
            if place == len(events):
                self._known.add(name)
                self._place = replace(self._place, begun=NOTHING, part=0)
            else:
                self._place = replace(self._place, begun=mark, part=place)
            yield self._frame(event, data)
        self._known.add(name)

    def _events(self, name: str, message: dict[str, Any]) -> Iterator[tuple[str, object]]:
        node = _NODES.get(message["type"])
        if node is None:
            return
        about = {"langgraph_node": node, "run_id": self._segment.id, "thread_id": self._segment.thread_id}
        if "updates" in self._place.modes:
            yield "updates", {node: {"messages": [message]}}
        if "messages-tuple" in self._place.modes:
            yield "messages", [message, about]
        if "messages" in self._place.modes:
            yield "messages/metadata", {name: {"metadata": about}}
            yield "messages/complete", [message]

    def _ending(self, snapshot: Snapshot) -> Iterator[bytes]:
        run, waits = snapshot.run, snapshot.interrupt
        if waits is not None and "updates" in self._place.modes and mark_of(waits.id) != self._place.asked:
            self._place = replace(self._place, asked=mark_of(waits.id))
            yield self._frame("updates", {"__interrupt__": [waits.document()]})
        if run is not None and run.status == "failed":
            yield self._frame("error", failure(run.error))
        else:
            yield self.end()

    def _frame(self, event: str, data: object) -> bytes:
        """Returns an event whose id says what the client has once it has the event."""
        place = self._place.moved(self._moment.messages, self._known)
        return frame(event, data, place.id(self._moment.progress.last))


def failure(error: str | None) -> dict[str, str]:
    """Returns what went wrong, as clients read it."""
    return {"error": "RunFailed", "name": "RunFailed", "message": error or "The run failed."}
