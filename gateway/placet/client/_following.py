"""Following events over connections that break: what to ask for next, what has come, how long to wait.

Nothing here does I/O, so the synchronous and the asynchronous client are the same code but for `await`.
"""

from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import httpx

from placet.client._operations import events as operation_of
from placet.client.errors import BusyError, PlacetError, UnexpectedAnswerError, UnreachableError
from placet.contracts.events import EVENT_TYPES, RUN_ENDS, Event

if TYPE_CHECKING:
    from collections.abc import Sequence

    from httpx_sse import ServerSentEvent

    from placet.client._exchange import Address
    from placet.contracts.events import EventType

SILENCE: Final = timedelta(seconds=35)
"""Without a byte for so long the connection is dead: the gateway sends something every ten seconds."""
GIVE_UP: Final = timedelta(minutes=10)
"""How long a connection that was there once is tried for again."""
_FIRST_TRIES: Final = 4
_SHORTEST, _LONGEST = 0.1, 10.0
_LASTING: Final = 5.0
"""Seconds after which a connection counts as one that had worked."""
_CURSOR_HEADER: Final = "X-Placet-Cursor"
_SERVER_FAILED: Final = 500
_NOTHING_TO_COME: Final = 204


class Following:
    """One listener's way through the log, whatever happens to the connections.

    Attributes:
        over: Whether nothing more comes: the run has ended.
        cursor: The last event that came; what to continue from.
    """

    def __init__(self, address: Address, run_id: str | None, types: Sequence[EventType], after: str | None) -> None:
        self.over = False
        self.cursor = after
        self._address = address
        self._run_id = run_id
        self._types = frozenset(types)
        # The run's end ends the following, so it is asked for also by who does not want to hear of it.
        asked_for = self._types | RUN_ENDS if self._types and run_id is not None else self._types
        self._operation = operation_of(run_id, sorted(asked_for))
        self._failures = 0
        self._tries = 0
        self._opened_at: float | None = None
        self._lost_at: float | None = None

    def request(self) -> dict[str, Any]:
        """Returns the arguments of httpx's `stream` for the next connection."""
        self._tries += 1
        request = self._address.request(self._operation)
        request["headers"] |= {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self.cursor is not None:
            request["headers"]["Last-Event-ID"] = self.cursor
        request["timeout"] = httpx.Timeout(SILENCE.total_seconds(), connect=5.0)
        return request

    def is_stream(self, answer: httpx.Response) -> bool:
        """Returns whether the answer has events, and not a body to read as a whole."""
        return answer.is_success and answer.headers.get("Content-Type", "").partition(";")[0] == "text/event-stream"

    def opened(self, answer: httpx.Response) -> bool:
        """Returns whether events come over this answer.

        Raises:
            PlacetError: It is a refusal, or no answer of this API; `pause` says whether to try again.
        """
        if answer.status_code == _NOTHING_TO_COME:
            self.over = True
            return False
        if not self.is_stream(answer):
            # What is read raises: a stream is no answer to anything else.
            self._address.result(self._operation, answer)
        self._opened_at = time.monotonic()
        self._lost_at = None
        self._tries = 0
        self.cursor = self.cursor or answer.headers.get(_CURSOR_HEADER)
        return True

    def take(self, sent: ServerSentEvent) -> Event | None:
        """Returns the event, where it is one to pass on; types of a later version are not known here."""
        if not sent.data or sent.event not in EVENT_TYPES:
            self.cursor = sent.id or self.cursor
            return None
        try:
            event = Event.model_validate_json(sent.data)
        except ValueError as error:
            raise UnexpectedAnswerError(self._address.url, 200, "an event cannot be read.") from error
        self.cursor = event.id
        self._failures = 0
        self.over = self._run_id is not None and event.run_id == self._run_id and event.type in RUN_ENDS
        return event if not self._types or event.type in self._types else None

    def pause(self, error: Exception | None) -> float:
        """Returns the seconds until the next connection.

        Args:
            error: What broke the last one; None where the gateway closed it.

        Raises:
            PlacetError: It makes no sense to try again, or it was tried for long enough.
        """
        now = time.monotonic()
        if self._opened_at is not None and now - self._opened_at > _LASTING:
            self._failures = 0
        if isinstance(error, PlacetError) and not _may_pass(error):
            raise error
        self._check_patience(error, now)
        pause = min(_SHORTEST * 2**self._failures, _LONGEST)
        self._failures += 1
        after = error.retry_after if isinstance(error, BusyError) else None
        # Not in step with everybody else who has lost the same gateway.
        return max(after or 0.0, pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret

    def _check_patience(self, error: Exception | None, now: float) -> None:
        self._lost_at = self._lost_at or now
        never_there = self._opened_at is None and self._tries >= _FIRST_TRIES
        if not never_there and now - self._lost_at < GIVE_UP.total_seconds():
            return
        if isinstance(error, PlacetError):
            raise error
        reason = str(error) if error else "the connection is closed again and again"
        raise UnreachableError(self._address.url, reason or type(error).__name__, maybe_sent=False) from error


def _may_pass(error: PlacetError) -> bool:
    """Returns whether the same request may be answered later."""
    return isinstance(error, BusyError) or (isinstance(error, UnexpectedAnswerError) and error.status >= _SERVER_FAILED)
