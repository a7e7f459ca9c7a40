"""One trace tells a run from its request to its last tool, also over a worker's death, and quotes nobody."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator

import pytest

from placet_testing.deployment import Deployment
from placet_testing.deployments import folder_of
from placet_testing.gateway import key_of
from placet_testing.trace_receiver import Span, TraceReceiver, trace_receiver

pytestmark = pytest.mark.timeout(120)

DECISION = "POST /v1/approvals/{approval_id}/decision"


@pytest.fixture(scope="module")
def receiver() -> Iterator[TraceReceiver]:
    with trace_receiver() as receiving:
        yield receiving


@pytest.fixture(scope="module")
def _traced(temporal_server: str, receiver: TraceReceiver) -> Iterator[Deployment]:
    with folder_of("traced") as folder:
        made = Deployment(folder, temporal_server, f"placet-{uuid.uuid4().hex[:12]}")
        made.environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        try:
            yield made
        finally:
            made.close()


@pytest.fixture
def traced(_traced: Deployment) -> Deployment:
    """A deployment that sends traces, all up."""
    _traced.up(workers=1, gateways=1)
    return _traced


def trace_of(traced: Deployment, receiver: TraceReceiver, workflow_id: str) -> str:
    """Returns the trace that started a workflow, once its spans are here."""
    found: list[Span] = []

    def arrived() -> bool:
        found[:] = receiver.named("StartWorkflow:AgentRun", temporalWorkflowID=workflow_id)
        return bool(found) and any(span.trace == found[0].trace and not span.parent for span in receiver.spans())

    traced.wait(arrived)
    return found[0].trace


def ancestors(spans: list[Span], span: Span) -> list[str]:
    """Returns the names from a span up to the request."""
    by_id = {one.id: one for one in spans}
    names = [span.name]
    while span.parent:
        span = by_id[span.parent]
        names.append(span.name)
    return names


def test_one_trace_leads_from_the_request_through_the_approval_to_the_tool(
    traced: Deployment, receiver: TraceReceiver
) -> None:
    text = f"secret-{uuid.uuid4().hex[:8]}"
    run = traced.run([{"tool": "send", "args": {"text": text}}])
    (asked,) = traced.pending(run)
    assert traced.decide(asked).status_code == 200
    assert traced.finished(run)["status"] == "completed"
    trace = trace_of(traced, receiver, run["id"])
    traced.wait(lambda: any(span.name == "RunActivity:placet.close" for span in receiver.of_trace(trace)))
    spans = receiver.of_trace(trace)
    named = {span.name: span for span in spans}
    assert {span.service for span in spans} == {"placet-gateway", "placet-worker"}
    start = ["RunWorkflow:AgentRun", "StartWorkflow:AgentRun", "POST /v1/runs"]
    for activity in ("placet.model", "placet.tool", "placet.close"):
        line = ancestors(spans, named[f"RunActivity:{activity}"])
        assert line[:2] == [f"RunActivity:{activity}", f"StartActivity:{activity}"]
        assert line[-2:] == start[-2:]
    child = ancestors(spans, named["RunWorkflow:Approval"])
    assert child[:2] == ["RunWorkflow:Approval", "StartChildWorkflow:Approval"]
    assert child[-1] == "POST /v1/runs"
    assert named["RunActivity:placet.tool"].attributes["placet.tool"] == "send"
    assert named["POST /v1/runs"].attributes["http.response.status_code"] == 201


def test_a_decision_is_a_trace_of_its_own_that_the_approval_links_to(
    traced: Deployment, receiver: TraceReceiver
) -> None:
    run = traced.run([{"tool": "send", "args": {"text": uuid.uuid4().hex[:8]}}])
    (asked,) = traced.pending(run)
    assert traced.decide(asked).status_code == 200
    trace = trace_of(traced, receiver, run["id"])
    workflow_id = f"approval-{asked['id']}"
    traced.wait(lambda: receiver.named("HandleUpdate:decide", temporalWorkflowID=workflow_id))
    (handled,) = receiver.named("HandleUpdate:decide", temporalWorkflowID=workflow_id)
    assert handled.trace == trace
    (other,) = handled.links
    traced.wait(lambda: any(not span.parent for span in receiver.of_trace(other)))
    decided = {span.name for span in receiver.of_trace(other)}
    assert {DECISION, "StartWorkflowUpdate:decide"} <= decided
    assert traced.finished(run)["status"] == "completed"


def test_a_worker_that_replays_makes_no_span_twice(traced: Deployment, receiver: TraceReceiver) -> None:
    run = traced.run([{"tool": "note", "args": {"text": "a"}}], [{"tool": "send", "args": {"text": "b"}}])
    (asked,) = traced.pending(run)
    trace = trace_of(traced, receiver, run["id"])
    traced.wait(lambda: any(span.name == "RunActivity:placet.record" for span in receiver.of_trace(trace)))
    before = receiver.of_trace(trace)
    traced.kill_workers()
    traced.up(workers=1, gateways=1)
    assert traced.decide(asked).status_code == 200
    assert traced.finished(run)["status"] == "completed"
    traced.wait(lambda: any(span.name == "RunActivity:placet.close" for span in receiver.of_trace(trace)))
    spans = receiver.of_trace(trace)
    assert {span.id for span in before} < {span.id for span in spans}
    assert [one for one, times in Counter(span.id for span in spans).items() if times > 1] == []
    counts = Counter(span.name for span in spans)
    once = ("RunWorkflow:AgentRun", "RunWorkflow:Approval", "StartChildWorkflow:Approval", "HandleUpdate:decide")
    assert [counts[name] for name in once] == [1, 1, 1, 1]
    assert counts["StartActivity:placet.tool"] == 2
    assert counts["StartActivity:placet.model"] == 3


def test_a_span_says_nothing_of_what_anybody_said(traced: Deployment, receiver: TraceReceiver) -> None:
    text, words = f"private-{uuid.uuid4().hex}", f"words-{uuid.uuid4().hex}"
    run = traced.run([{"tool": "fail", "args": {"text": text}}, {"tool": "send", "args": {"text": text}}])
    (asked,) = traced.pending(run)
    refused = traced.decide(asked, "edit", args={"text": 7, "words": words})
    assert refused.status_code == 422
    assert traced.decide(asked, "reject", message=words, key=f"{words}-key").status_code == 200
    assert traced.finished(run)["status"] == "completed"
    broken = traced.client("bot").post("/v1/runs", json={"agent": "desk", "input": f"[{words}: ["}).json()
    trace = trace_of(traced, receiver, broken["id"])
    traced.wait(lambda: any(span.failed for span in receiver.of_trace(trace)))
    assert traced.client("bot").post(f"/v1/runs/{broken['id']}/cancel").status_code == 202
    assert traced.finished(broken)["status"] == "cancelled"
    failed = [span for span in receiver.of_trace(trace) if span.failed]
    assert {(span.name, span.attributes["error.type"]) for span in failed} == {
        ("RunActivity:placet.model", "temporalio.exceptions.ApplicationError")
    }
    everything = "".join(span.text for span in receiver.spans())
    for quoted in (text, words, "user:dana", key_of("dana"), "Traceback", "exception.message"):
        assert quoted not in everything


def test_the_callers_trace_goes_on(traced: Deployment, receiver: TraceReceiver) -> None:
    trace = uuid.uuid4().hex
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    sent = {"agent": "desk", "input": "[]"}
    run = traced.client("bot").post("/v1/runs", json=sent, headers=headers).json()
    assert traced.finished(run)["status"] == "completed"
    traced.wait(lambda: any(span.name == "RunActivity:placet.close" for span in receiver.of_trace(trace)))


def test_a_receiver_that_is_gone_holds_nobody_up(traced: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(traced.environment, "OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    traced.kill_workers()
    traced.up(workers=1, gateways=1)
    run = traced.run([{"tool": "note", "args": {"text": "x"}}])
    assert traced.finished(run)["status"] == "completed"
    assert traced.workers[0].end(12) == 0
