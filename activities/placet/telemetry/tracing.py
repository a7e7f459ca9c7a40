"""Traces over OTLP: on where the environment names an endpoint, and the packages are there.

Everything else is OpenTelemetry's own standard environment: `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`,
`OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER` and so on.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer
    from temporalio.client import Interceptor as ClientInterceptor
    from temporalio.worker import Interceptor as WorkerInterceptor

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""Either one turns traces on."""
OFF: Final[Mapping[str, str]] = {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "none"}
"""What turns them off all the same, as the standard says."""
LAST_SPANS: Final = 2.0
"""Seconds that a process which stops waits for the last spans to leave."""

_log = structlog.get_logger("placet.telemetry")


@dataclass(frozen=True)
class Tracing:
    """What sends spans.

    Attributes:
        tracer: For spans of our own.
        clients: Stand around the calls of a Temporal client, and around workflows and activities of its workers.
        workers: Stand around what a worker runs, inside of those.
    """

    tracer: Tracer
    clients: Sequence[ClientInterceptor]
    workers: Sequence[WorkerInterceptor]
    provider: TracerProvider

    async def close(self) -> None:
        """Sends the last spans; a receiver that does not answer holds nobody up."""
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()

        def shut_down() -> None:
            self.provider.shutdown()
            loop.call_soon_threadsafe(ended.set)

        threading.Thread(target=shut_down, name="last-spans", daemon=True).start()
        try:
            await asyncio.wait_for(ended.wait(), LAST_SPANS)
        except TimeoutError:
            _log.warning("traces.last_spans_lost", seconds=LAST_SPANS)


def tracing(service: str, environ: Mapping[str, str] = os.environ) -> Tracing | None:
    """Returns what sends spans; None where nobody wants them, or the packages are not there.

    Args:
        service: The name of the service where the environment gives none.
        environ: The environment.
    """
    if not any(environ.get(name) for name in ENDPOINTS):
        return None
    if any(environ.get(name, "").casefold() == value for name, value in OFF.items()):
        return None
    try:
        # Imported where it is used: without an endpoint nobody needs it to be installed.
        from placet.telemetry._spans import exporting, tracing_to  # noqa: PLC0415
    except ModuleNotFoundError as error:
        _log.warning("traces.off", reason=f"{error.name} is not installed: pip install 'placet[otel]'")
        return None
    return tracing_to(exporting(), environ.get("OTEL_SERVICE_NAME") or service)
