"""Listening to events beside what a command does: in a thread, so that waiting for them can have a limit."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from typing import TYPE_CHECKING

from placet.client.errors import PlacetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from placet.contracts.events import Event


class Ear:
    """Hears events, and gives them when asked; what ends the listening is told once nothing is left."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._heard: queue.SimpleQueue[Event | PlacetError | None] = queue.SimpleQueue()
        self._over = False
        # It waits in a read that nothing can break off: the process does not wait for it.
        threading.Thread(target=self._listen, args=(events,), daemon=True).start()

    def wait(self, seconds: float) -> list[Event]:
        """Returns what came, as soon as something has; nothing where the time is over, or the run.

        Raises:
            PlacetError: The gateway refuses, or could not be reached for long.
        """
        found: list[Event] = []
        if self._over:
            time.sleep(min(seconds, 1.0))
        with contextlib.suppress(queue.Empty):
            self._take(self._heard.get(timeout=max(seconds, 0)), found)
            while not self._over:
                self._take(self._heard.get_nowait(), found)
        return found

    def _take(self, heard: Event | PlacetError | None, found: list[Event]) -> None:
        if isinstance(heard, PlacetError) and not found:
            raise heard
        if heard is None or isinstance(heard, PlacetError):
            self._over = True
            self._heard.put(heard)
        else:
            found.append(heard)

    def _listen(self, events: Iterator[Event]) -> None:
        try:
            for event in events:
                self._heard.put(event)
            self._heard.put(None)
        except PlacetError as error:
            self._heard.put(error)
        except RuntimeError:
            # The command has ended, and its client with it.
            self._heard.put(None)
