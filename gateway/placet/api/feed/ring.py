"""The end of the log in memory, as far back as it may reach: what everybody who keeps up is served from."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placet.api.feed.frames import Frame, Wanted
    from placet.ledger import Viewer

MOST_FRAMES: Final = 2_000
MOST_BYTES: Final = 4 * 1024 * 1024


@dataclass(slots=True)
class Batch:
    """What one look at the log brought.

    Attributes:
        after: The cursor before the first frame.
        seen: What each viewer sees of it, as far as it was asked.
    """

    after: str
    frames: tuple[Frame, ...]
    seen: dict[Viewer, frozenset[str]] = field(default_factory=dict["Viewer", frozenset[str]])

    @property
    def last(self) -> str:
        """The cursor behind the last frame."""
        return self.frames[-1].id

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(len(frame.text) for frame in self.frames)

    def concerns(self, wanted: Wanted) -> bool:
        """Returns whether any of it may be for somebody, whoever they are."""
        return any(wanted.shows(frame) or wanted.ends_with(frame) for frame in self.frames)

    def behind(self, cursor: str, wanted: Wanted) -> list[Frame] | None:
        """Returns what is for somebody behind a cursor; None where it is not known what they may see."""
        frames = [
            frame for frame in self.frames if frame.id > cursor and (wanted.shows(frame) or wanted.ends_with(frame))
        ]
        if wanted.viewer is None or not frames:
            return frames
        seen = self.seen.get(wanted.viewer)
        # The end of a run ends its stream, whatever else is seen of it.
        return None if seen is None else [one for one in frames if one.id in seen or wanted.ends_with(one)]


class Ring:
    """The last batches of the log, without a gap between them; the oldest give way."""

    def __init__(self, most_frames: int = MOST_FRAMES, most_bytes: int = MOST_BYTES) -> None:
        self._most_frames = most_frames
        self._most_bytes = most_bytes
        self._batches: deque[Batch] = deque()
        self._frames = 0
        self._bytes = 0
        self.end: str | None = None
        """The cursor behind all that was read; None until the log was found."""

    def begin(self, cursor: str | None) -> None:
        """Forgets everything, and goes on behind the cursor; None: nobody follows the log any more."""
        self._batches.clear()
        self._frames = self._bytes = 0
        self.end = cursor

    def append(self, frames: Sequence[Frame]) -> Batch:
        """Adds what comes next in the log, and lets go of what does not fit any more."""
        batch = Batch(self.end or "", tuple(frames))
        self._batches.append(batch)
        self._frames += len(batch.frames)
        self._bytes += batch.size
        self.end = batch.last
        while self._batches and (self._frames > self._most_frames or self._bytes > self._most_bytes):
            gone = self._batches.popleft()
            self._frames -= len(gone.frames)
            self._bytes -= gone.size
        return batch

    def behind(self, cursor: str, wanted: Wanted) -> list[Frame] | None:
        """Returns what is for somebody behind a cursor; None where only the ledger can tell."""
        if self.end is None or cursor < (self._batches[0].after if self._batches else self.end):
            return None
        found: list[Frame] = []
        for batch in self._since(cursor):
            frames = batch.behind(cursor, wanted)
            if frames is None:
                return None
            found += frames
        return found

    def _since(self, cursor: str) -> list[Batch]:
        """Returns the batches that reach behind a cursor; most often that is the last one or none."""
        found: list[Batch] = []
        for batch in reversed(self._batches):
            if batch.last <= cursor:
                break
            found.append(batch)
        return found[::-1]
