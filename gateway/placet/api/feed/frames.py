"""An event as it goes over the wire: written once, whoever gets it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from placet.api.answers import as_json
from placet.contracts.events import RUN_ENDS

if TYPE_CHECKING:
    from placet.contracts.events import Event, EventType
    from placet.ledger import Viewer

HEARTBEAT: Final = b": heartbeat\n"
"""A comment, and no empty line behind it: some clients take every empty line for the end of an event."""
BEGINNING: Final = ""
"""The cursor before the first event."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One event, ready to send, with what tells who gets it."""

    id: str
    type: EventType
    run_id: str | None
    text: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody listens to.

    Attributes:
        viewer: Who; None sees all.
        run_id: Only this run's, and no longer than it goes on.
        types: Only these; all where it is empty.
    """

    viewer: Viewer | None = None
    run_id: str | None = None
    types: frozenset[EventType] = frozenset()

    def shows(self, event: Frame | Event) -> bool:
        """Returns whether the event is one of those, if the viewer may see it."""
        return (self.run_id is None or event.run_id == self.run_id) and (not self.types or event.type in self.types)

    def ends_with(self, event: Frame | Event) -> bool:
        """Returns whether nothing comes after the event."""
        return self.run_id is not None and event.run_id == self.run_id and event.type in RUN_ENDS

    @property
    def read_types(self) -> tuple[str, ...]:
        """The types to read from the ledger: also the end of the run, where it is not to be shown."""
        if not self.types or self.run_id is None:
            return tuple(sorted(self.types))
        return tuple(sorted(self.types | RUN_ENDS))


def frame_of(event: Event) -> Frame:
    """Returns the event as a frame; its data is one line of ASCII, however a client splits lines."""
    data = json.dumps(as_json(event), allow_nan=False, separators=(",", ":"))
    return Frame(event.id, event.type, event.run_id, f"id: {event.id}\nevent: {event.type}\ndata: {data}\n\n".encode())
