"""What one gateway counts: requests, refusals, decisions, and what it could not reach."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

from prometheus_client import CollectorRegistry

from placet.api.errors import ClosedError, ProblemError, UnreachableError
from placet.contracts.decisions import DECISION_TYPES
from placet.contracts.errors import CODES, RefusedError
from placet.telemetry import catalogue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from placet.api.errors import TemporalError
    from placet.contracts.errors import Code

UNMATCHED: Final = "unmatched"
"""The route of a request for which there is none; what was asked for is anybody's text."""
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})

_Answer = TypeVar("_Answer")


class GatewayMetrics:
    """Counts what one gateway answers, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = catalogue.HTTP_REQUESTS.counter(self.registry)
        self._streams = catalogue.STREAMS.gauge(self.registry)
        self.refusals = catalogue.REFUSALS.counter(self.registry)
        self._decisions = catalogue.DECISIONS.counter(self.registry)
        self._decision_seconds = catalogue.DECISION_SECONDS.histogram(self.registry)
        self._temporal = catalogue.TEMPORAL_FAILURES.counter(self.registry)

    async def decision(self, kind: str, answering: Awaitable[_Answer], *, accepted: type[object]) -> _Answer:
        """Returns the answer to a decision, or raises what it raises, and counts it.

        Args:
            kind: Its type.
            answering: What decides.
            accepted: The class of an answer that is a 200; any other one is a 202.
        """
        began = time.monotonic()
        status, answer = "500", "internal_error"
        try:
            given = await answering
            status = answer = "200" if isinstance(given, accepted) else "202"
        except RefusedError as error:
            status, answer = _told(error.refusal.code)
            raise
        except ProblemError as error:
            status, answer = _told(error.code)
            raise
        else:
            return given
        finally:
            self._decisions.labels(kind if kind in DECISION_TYPES else catalogue.OTHER, answer).inc()
            self._decision_seconds.labels(status).observe(time.monotonic() - began)

    def count_streams(self, count: Callable[[], int]) -> None:
        """Shows how many event streams are open, as `count` says at each scrape."""
        self._streams.set_function(count)

    def temporal_failed(self, error: TemporalError) -> None:
        """Counts a call to Temporal that failed; that an approval has ended is an answer."""
        if not isinstance(error, ClosedError):
            self._temporal.labels("unreachable" if isinstance(error, UnreachableError) else "no_answer").inc()


class CountRequests:
    """Counts each request when its answer has ended; of an event stream, when its head has been sent."""

    def __init__(self, app: ASGIApp, metrics: GatewayMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            self._count(scope, status)

    def _count(self, scope: Scope, status: int) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.requests.labels(method, route_of(scope), str(status)).inc()
        code = scope.get("state", {}).get("code")
        if code is not None:
            self._metrics.refusals.labels(code).inc()


def route_of(scope: Scope) -> str:
    """Returns the template of the path that was asked for, known once the request has been routed."""
    path = getattr(scope.get("route"), "path", None)
    return scope.get("root_path", "") + path if isinstance(path, str) else UNMATCHED


def _told(code: Code) -> tuple[str, str]:
    return str(CODES[code].status), code
