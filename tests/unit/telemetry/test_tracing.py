"""Traces are sent where somebody wants them, and quote nobody."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from placet.telemetry import Tracing, tracing
from placet.telemetry._spans import WithoutTexts, tracing_to

ON = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}


@pytest.fixture
def sent() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def made(sent: InMemorySpanExporter) -> Iterator[Tracing]:
    made = tracing_to(SimpleSpanProcessor(WithoutTexts(sent)), "placet-test")
    yield made
    made.provider.shutdown()


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_SERVICE_NAME": "placet"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {**ON, "OTEL_SDK_DISABLED": "True"},
        {**ON, "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_without_an_endpoint_or_where_they_are_off_there_are_none(environ: dict[str, str]) -> None:
    assert tracing("placet-test", environ) is None


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
async def test_an_endpoint_turns_them_on(name: str) -> None:
    made = tracing("placet-test", {name: "http://127.0.0.1:9"})
    assert made is not None
    assert made.provider.resource.attributes["service.name"] == "placet-test"
    await made.close()


def test_without_the_packages_there_are_none_and_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("placet.telemetry._spans")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    assert tracing("placet-test", ON) is None


def test_nothing_global_is_touched(made: Tracing) -> None:
    assert trace.get_tracer_provider() is not made.provider


def test_an_errors_message_stays_here_and_its_type_goes(made: Tracing, sent: InMemorySpanExporter) -> None:
    message = "the order of Ada Lovelace"
    with pytest.raises(ValueError, match=message), made.tracer.start_as_current_span("RunActivity:placet.tool"):
        raise ValueError(message)
    [span] = sent.get_finished_spans()
    assert "Lovelace" not in span.to_json()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes == {"error.type": "ValueError"}


def test_an_attribute_that_nobody_has_listed_stays_here(made: Tracing, sent: InMemorySpanExporter) -> None:
    with made.tracer.start_as_current_span("any") as span:
        span.set_attributes({"placet.tool": "refund", "args": "250", "gen_ai.prompt": "hello"})
    [one] = sent.get_finished_spans()
    assert one.attributes == {"placet.tool": "refund"}


def test_a_span_keeps_its_place_in_the_trace(made: Tracing, sent: InMemorySpanExporter) -> None:
    with made.tracer.start_as_current_span("outer") as outer, made.tracer.start_as_current_span("inner"):
        pass
    inner, kept = (json.loads(span.to_json()) for span in sent.get_finished_spans())
    assert inner["parent_id"] == kept["context"]["span_id"] == f"0x{outer.get_span_context().span_id:016x}"
    assert inner["context"]["trace_id"] == kept["context"]["trace_id"]
    assert inner["start_time"] <= inner["end_time"]
