"""Who watches a deployment sees what happens in it: the metrics of its gateway and its worker."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from placet.engine.ports import LOOPBACK, free_port
from placet.telemetry.catalogue import CATALOGUE
from placet_testing.deployment import Deployment
from placet_testing.deployments import folder_of

pytestmark = pytest.mark.timeout(120)

BILLING = {"agent": "billing", "input": "Order 1001 arrived broken. Refund it and tell the customer."}


class Watched(Deployment):
    """A deployment whose worker shows its metrics."""

    def scraped(self, name: str = "PLACET_METRICS") -> str:
        """Returns what the worker shows at this address."""
        answer = httpx.get(f"http://{self.environment[name]}/metrics", timeout=10, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer.text

    def worker(self, sample: str, **labels: str) -> float:
        """Returns a figure of the worker, added up over the labels that are not named; 0 where there is none."""
        return total(self.scraped(), sample, **labels)

    def gateway(self, sample: str, **labels: str) -> float:
        """Returns a figure of the gateway in the same way."""
        answer = self.client("audra").get("/metrics")
        assert answer.status_code == 200, answer.text
        return total(answer.text, sample, **labels)


def total(text: str, sample: str, **labels: str) -> float:
    found = [one for family in text_string_to_metric_families(text) for one in family.samples if one.name == sample]
    return sum(one.value for one in found if labels.items() <= one.labels.items())


@pytest.fixture(scope="module")
def watched(temporal_server: str) -> Iterator[Watched]:
    with folder_of("watched") as folder:
        made = Watched(folder, temporal_server, f"placet-{uuid.uuid4().hex[:12]}")
        made.environment["PLACET_METRICS"] = f"{LOOPBACK}:{free_port()}"
        made.environment["PLACET_TEMPORAL_METRICS"] = f"{LOOPBACK}:{free_port()}"
        try:
            made.up(workers=1, gateways=1)
            yield made
        finally:
            made.close()


def test_a_refund_moves_the_metrics_of_worker_and_gateway(watched: Watched) -> None:
    run: Any = watched.client("bot").post("/v1/runs", json=BILLING).json()
    (refund,) = watched.pending(run)
    watched.wait(lambda: watched.worker("placet_approvals_pending", agent="billing") == 1, 30)
    assert watched.worker("placet_approvals_oldest_pending_seconds") >= 0
    assert watched.worker("placet_policy_verdicts_total", agent="billing", effect="ask") == 1
    assert watched.worker("placet_approvals_requested_total", agent="billing", kind="tool_call") == 1
    assert watched.decide(refund).status_code == 200
    watched.wait(lambda: any(one["tool"] == "send_email" for one in watched.read_run(run)["pending"]))
    (email,) = watched.pending(run)
    assert watched.decide(email, "reject", message="I call her.").status_code == 200
    assert watched.finished(run)["status"] == "completed"
    assert watched.worker("placet_outcomes_total", status="approved", decision="approve") == 1
    assert watched.worker("placet_outcomes_total", status="rejected", decision="reject") == 1
    assert watched.worker("placet_time_to_decision_seconds_count", agent="billing") == 2
    assert watched.worker("placet_tool_runs_total", tool="refund", outcome="succeeded") == 1
    assert watched.worker("placet_tool_run_seconds_count", tool="refund") == 1
    assert watched.worker("placet_model_calls_total", agent="billing", outcome="answered") >= 3
    watched.wait(lambda: watched.worker("placet_runs_ended_total", agent="billing", status="completed") == 1)
    assert watched.gateway("placet_decisions_total", answer="200") == 2
    assert watched.gateway("placet_decision_seconds_count", status="200") == 2
    assert watched.gateway("placet_http_requests_total", route="/v1/runs", method="POST", status="201") == 1


def test_a_worker_shows_what_is_in_the_reference_and_nothing_of_anybody(watched: Watched) -> None:
    text = watched.scraped()
    shown = {name for name in re.findall(r"^# TYPE (\S+)", text, re.MULTILINE) if not name.endswith("_created")}
    assert shown == {metric.name for metric in CATALOGUE if "worker" in metric.process}
    assert re.findall(r"\{[^}]*(?:dana|bot|1001|[0-9a-f]{16,})[^}]*\}", text) == []


def test_open_streams_are_counted_until_they_are_closed(watched: Watched) -> None:
    with watched.client("audra").stream("GET", "/v1/events") as stream:
        assert stream.status_code == 200
        watched.wait(lambda: watched.gateway("placet_streams") == 1)
    watched.wait(lambda: watched.gateway("placet_streams") == 0)


def test_a_call_that_died_with_its_worker_is_counted_by_the_next_one(watched: Watched) -> None:
    text = uuid.uuid4().hex[:8]
    run = watched.run([{"tool": "note", "args": {"text": text, "hold": "before"}}])
    watched.held(text, "before")
    watched.kill_workers()
    watched.up(workers=1, gateways=1)
    (question,) = watched.pending(run, limit=40)
    assert question["kind"] == "question"
    watched.wait(lambda: watched.worker("placet_uncertain_calls_total", agent="desk", tool="note") == 1)
    answers = {question["questions"][0]["id"]: {"options": ["stop"]}}
    assert watched.decide(question, "answer", answers=answers, user="root").status_code == 200
    watched.finished(run)


def test_temporals_own_metrics_have_an_address_of_their_own(watched: Watched) -> None:
    text = watched.scraped("PLACET_TEMPORAL_METRICS")
    assert "temporal_request_latency_seconds_bucket" in text
    assert "temporal_worker_task_slots_available" in text
    assert "placet_" not in re.sub(r"\{[^}]*\}", "", text)


@pytest.mark.parametrize("taken", ["PLACET_METRICS", "PLACET_TEMPORAL_METRICS"])
def test_an_address_that_is_taken_stops_the_worker_with_a_sentence(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, taken: str
) -> None:
    (other,) = {"PLACET_METRICS", "PLACET_TEMPORAL_METRICS"} - {taken}
    monkeypatch.setitem(watched.environment, other, f"{LOOPBACK}:{free_port()}")
    second = watched.start_worker()
    try:
        assert second.process.wait(40) == 2
        assert f"{taken}='{watched.environment[taken]}': " in second.log.read_text()
    finally:
        watched.workers.remove(second)
        second.kill()
