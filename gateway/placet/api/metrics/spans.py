"""A span for each request; imported only where somebody wants traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers

from placet.api.metrics.counting import route_of

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

UNTRACED: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines."""
_SERVER_ERROR: Final = 500
_PROPAGATOR: Final = TraceContextTextMapPropagator()


class RequestSpans:
    """Makes a span of each request, within the caller's trace where the request carries one.

    The span has the template of the path: neither the path, nor the query, nor a body.
    """

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http" or scope["path"] in UNTRACED:
            await self._app(scope, receive, send)
            return
        parent = _PROPAGATOR.extract(dict(Headers(scope=scope)))
        with self._tracer.start_as_current_span(scope["method"], parent, SpanKind.SERVER) as span:
            structlog.contextvars.bind_contextvars(trace_id=format(span.get_span_context().trace_id, "032x"))

            async def watched(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= _SERVER_ERROR:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            try:
                await self._app(scope, receive, watched)
            finally:
                route = route_of(scope)
                span.update_name(f"{scope['method']} {route}")
                span.set_attributes({"http.request.method": scope["method"], "http.route": route})
                code = scope.get("state", {}).get("code")
                if code is not None:
                    span.set_attribute("placet.code", code)
