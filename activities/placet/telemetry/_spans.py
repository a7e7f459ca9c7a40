"""Spans, without a word of what anybody said.

Temporal's interceptor makes one trace of a request, the workflows that it starts, their activities and their children;
a decision is a trace of its own, linked where it meets the approval. The interceptor writes an error's message into
the span, and such a message may quote arguments or what a model said: only the error's type leaves the process.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from placet.contracts.runs import CloseInput, ModelInput, ToolInput
from placet.telemetry.tracing import Tracing

ATTRIBUTES: Final = frozenset(
    {
        *("temporalWorkflowID", "temporalRunID", "temporalActivityID", "temporalActivityType", "temporalUpdateID"),
        *("http.request.method", "http.route", "http.response.status_code", "error.type"),
        *("placet.agent", "placet.tool", "placet.turn", "placet.code"),
    }
)
"""Everything that a span may say."""
_ERROR_TYPE: Final = "exception.type"


class WithoutTexts(SpanExporter):
    """Sends spans on without messages of errors, and without attributes that are not ours."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Sends them."""
        return self._inner.export([without_texts(span) for span in spans])

    def shutdown(self) -> None:
        """Lets go of the connection."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Sends what is held back."""
        return self._inner.force_flush(timeout_millis)


def without_texts(span: ReadableSpan) -> ReadableSpan:
    """Returns the span with the type of its error in place of the message and the traceback."""
    attributes = {name: value for name, value in (span.attributes or {}).items() if name in ATTRIBUTES}
    for event in span.events:
        if event.attributes and _ERROR_TYPE in event.attributes:
            attributes["error.type"] = event.attributes[_ERROR_TYPE]
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def exporting() -> SpanProcessor:
    """Returns what sends spans, some at a time, to the endpoint of the environment."""
    return BatchSpanProcessor(WithoutTexts(OTLPSpanExporter()))


def tracing_to(sending: SpanProcessor, service: str) -> Tracing:
    """Returns what makes spans and gives them to `sending`; no global of OpenTelemetry is touched."""
    resource = Resource.create({"service.name": service, "service.version": version("placet")})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(sending)
    tracer = provider.get_tracer("placet", version("placet"))
    return Tracing(tracer, [TracingInterceptor(tracer)], [_Naming()], provider)


class _Naming(Interceptor):
    """Says in an activity's span whose call it was and of which tool."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - Temporal's name
        """Stands around each activity, inside of its span."""
        return _NamingActivity(next)


class _NamingActivity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401 - Temporal's signature
        """Names the span and runs the activity."""
        given: object = input.args[0] if input.args else None
        span = trace.get_current_span()
        if isinstance(given, ToolInput):
            names = {"placet.agent": given.call.agent, "placet.tool": given.call.tool, "placet.turn": given.call.turn}
            span.set_attributes(names)
        elif isinstance(given, ModelInput | CloseInput):
            span.set_attributes({"placet.agent": given.agent, "placet.turn": given.turn})
        return await super().execute_activity(input)
