"""A receiver of traces, as a collector is one: OTLP over HTTP, kept in memory."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Span:
    """One span, as it arrived."""

    name: str
    service: str
    trace: str
    id: str
    parent: str
    links: tuple[str, ...]
    attributes: dict[str, Any]
    failed: bool
    text: str


@dataclass
class TraceReceiver:
    """Keeps what it is sent."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list[bytes])

    def spans(self) -> list[Span]:
        """Returns every span so far, in the order in which they came."""
        return [span for body in list(self.bodies) for span in _spans(body)]

    def of_trace(self, trace: str) -> list[Span]:
        """Returns the spans of one trace."""
        return [span for span in self.spans() if span.trace == trace]

    def named(self, name: str, **attributes: object) -> list[Span]:
        """Returns the spans of a name with these attributes; `_` stands for `.`."""
        wanted = {key.replace("_", "."): value for key, value in attributes.items()}
        return [span for span in self.spans() if span.name == name and wanted.items() <= span.attributes.items()]


@contextmanager
def trace_receiver() -> Generator[TraceReceiver]:
    """Gives a receiver that listens on this machine."""
    receiver = TraceReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Keeps quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _spans(body: bytes) -> Generator[Span]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = {one.key: one.value.string_value for one in resource.resource.attributes}.get("service.name", "")
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Span(
                    name=span.name,
                    service=service,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    links=tuple(link.trace_id.hex() for link in span.links),
                    attributes={one.key: one.value.string_value or one.value.int_value for one in span.attributes},
                    failed=span.status.code == 2,
                    text=str(span),
                )
