"""Server-Sent Events as LangGraph's server writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from placet.api.answers import as_json
from placet.api.feed.frames import HEARTBEAT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from placet.langgraph_api.runs.segments import Segment
    from placet.langgraph_api.threads.snapshot import Snapshot

USUAL: Final = ("values",)
"""What is streamed where a client asks for nothing else."""
_NODES: Final = {"ai": "model", "tool": "tools"}


def frame(event: str, data: object, cursor: str | None = None) -> bytes:
    """Returns one event; its data is one line of ASCII, however a client splits lines."""
    text = json.dumps(as_json(data), allow_nan=False, separators=(",", ":"))
    name = f"id: {cursor}\n" if cursor else ""
    return f"{name}event: {event}\ndata: {text}\n\n".encode()


class Frames:
    """Writes what changed from one moment of a thread to the next, in the modes that a client asked for."""

    def __init__(self, segment: Segment, modes: Collection[str], known: Collection[str]) -> None:
        """Begins.

        Args:
            segment: What is followed.
            modes: The stream modes.
            known: Ids of messages that were there before, and are no news.
        """
        self._segment = segment
        self._modes = frozenset(mode.partition("|")[0] for mode in modes)
        self._known = set(known)
        self._last = b""

    def first(self) -> bytes:
        """Returns the event that names the run."""
        return frame("metadata", {"run_id": self._segment.id, "attempt": 1, "thread_id": self._segment.thread_id})

    def of(self, snapshot: Snapshot | None) -> Iterator[bytes]:
        """Yields what is new; a comment where nothing was for a while."""
        if snapshot is None:
            yield HEARTBEAT
            return
        yield from self._messages(snapshot)
        if "values" in self._modes:
            state = frame("values", snapshot.stream_values(), snapshot.cursor)
            if state.partition(b"\n")[2] != self._last:
                self._last = state.partition(b"\n")[2]
                yield state
        if snapshot.resting:
            yield from self._ending(snapshot)

    def _messages(self, snapshot: Snapshot) -> Iterator[bytes]:
        for message in snapshot.messages:
            if str(message.get("id")) in self._known:
                continue
            self._known.add(str(message.get("id")))
            yield from self._message(message, snapshot.cursor)

    def _message(self, message: dict[str, Any], cursor: str) -> Iterator[bytes]:
        node = _NODES.get(message["type"])
        about = {"langgraph_node": node, "run_id": self._segment.id, "thread_id": self._segment.thread_id}
        if node is not None and "updates" in self._modes:
            yield frame("updates", {node: {"messages": [message]}}, cursor)
        if node is not None and "messages-tuple" in self._modes:
            yield frame("messages", [message, about], cursor)
        if node is not None and "messages" in self._modes:
            yield frame("messages/metadata", {str(message.get("id")): {"metadata": about}}, cursor)
            yield frame("messages/complete", [message], cursor)

    def _ending(self, snapshot: Snapshot) -> Iterator[bytes]:
        run = snapshot.run
        if snapshot.interrupt is not None and "updates" in self._modes:
            yield frame("updates", {"__interrupt__": [snapshot.interrupt.document()]}, snapshot.cursor)
        if run is not None and run.status == "failed":
            yield frame("error", failure(run.error), snapshot.cursor)
        else:
            yield frame("end", None, snapshot.cursor)


def failure(error: str | None) -> dict[str, str]:
    """Returns what went wrong, as clients read it."""
    return {"error": "RunFailed", "name": "RunFailed", "message": error or "The run failed."}
