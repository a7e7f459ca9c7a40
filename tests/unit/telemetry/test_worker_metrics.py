"""What a worker counts of its activities."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from placet.contracts.approvals import Asked
from placet.contracts.calls import Args, JudgeCall, JudgeInput, JudgeResult, Verdict
from placet.contracts.canonical import digest
from placet.contracts.decisions import Decision, DecisionRecord, Person
from placet.contracts.records import EndedEntry, RefusedEntry, RequestedEntry
from placet.contracts.runs import CallRef, CloseInput, CloseResult, ModelInput, ModelResult, ToolInput, ToolResult
from placet.telemetry import Counting, WorkerMetrics
from placet.telemetry.catalogue import CATALOGUE
from placet_testing.ledger_samples import NOON, an_approval

DIGEST: Final = digest("refund", "{}")
DANA: Final = Person(id="user:dana")


class Inner(ActivityInboundInterceptor):
    """The activity: gives or raises what the test says."""

    def __init__(self, result: Any) -> None:
        self._result = result

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        """Runs it."""
        del input
        if isinstance(self._result, Exception):
            raise self._result
        return self._result


@pytest.fixture
def metrics() -> WorkerMetrics:
    return WorkerMetrics({"billing": "openai:gpt-5-mini"})


async def run(metrics: WorkerMetrics, given: Any, result: Any) -> None:
    """Runs one attempt of an activity under the worker's eyes."""
    watched = Counting(metrics).intercept_activity(Inner(result))
    attempt = ExecuteActivityInput(fn=run, args=[given], executor=None, headers={})
    if isinstance(result, Exception):
        with pytest.raises(type(result)):
            await watched.execute_activity(attempt)
    else:
        assert await watched.execute_activity(attempt) is result


def value(metrics: WorkerMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def tool_input(agent: str = "billing") -> ToolInput:
    call = CallRef(run_id="run-1", agent=agent, thread_id="t", turn=0, index=0, call_id="call_1", tool="refund")
    return ToolInput(call=call, args=Args(text="{}", digest=DIGEST))


def model_input() -> ModelInput:
    return ModelInput(run_id="run-1", agent="billing", thread_id="t", turn=0, parent_turn="p")


def asked(**changed: object) -> Asked:
    return an_approval(**{"agent": "billing", "risk": "high", "requested_at": NOON, **changed})


def ended(kind: str = "approve", status: str = "approved", after: timedelta = timedelta(minutes=2)) -> EndedEntry:
    decision = DecisionRecord(id="d", type=kind, by=DANA, digest=DIGEST)
    return EndedEntry.model_validate({"status": status, "decision": decision, "at": NOON + after})


@pytest.mark.parametrize("status", ["succeeded", "failed", "refused", "uncertain", "ask"])
async def test_a_call_counts_by_what_became_of_it(metrics: WorkerMetrics, status: Any) -> None:
    await run(metrics, tool_input(), ToolResult(status=status))
    names = {"agent": "billing", "tool": "refund"}
    assert value(metrics, "placet_tool_runs_total", outcome=status, **names) == 1
    ran = 1 if status in {"succeeded", "failed"} else None
    assert value(metrics, "placet_tool_run_seconds_count", **names) == ran
    assert value(metrics, "placet_uncertain_calls_total", **names) == (1 if status == "uncertain" else None)


async def test_an_attempt_that_raises_counts_as_an_error(metrics: WorkerMetrics) -> None:
    await run(metrics, tool_input(), RuntimeError("the ledger is gone"))
    assert value(metrics, "placet_tool_runs_total", agent="billing", tool="refund", outcome="error") == 1


async def test_an_agent_that_the_configuration_does_not_name_is_other(metrics: WorkerMetrics) -> None:
    await run(metrics, tool_input("somebody-else"), ToolResult(status="succeeded"))
    assert value(metrics, "placet_tool_runs_total", agent="other", tool="refund", outcome="succeeded") == 1


async def test_a_model_that_answers_counts_with_its_tokens(metrics: WorkerMetrics) -> None:
    usage = {"input_tokens": 120, "output_tokens": 30, "total_tokens": 150}
    metrics.answered("billing", usage)
    metrics.answered("billing", None)
    await run(metrics, model_input(), ModelResult(turn_row="t", message_id="m"))
    names = {"agent": "billing", "model": "openai:gpt-5-mini"}
    assert value(metrics, "placet_model_calls_total", outcome="answered", **names) == 1
    assert value(metrics, "placet_model_tokens_total", kind="input", **names) == 120
    assert value(metrics, "placet_model_tokens_total", kind="output", **names) == 30
    assert value(metrics, "placet_model_call_seconds_count", **names) == 1


ERRORS: Mapping[str, tuple[Exception, str]] = {
    "status": (ApplicationError("sk-secret: 429", type="model_429"), "model_429"),
    "no status": (ApplicationError("reset", type="model_error"), "model_error"),
    "another": (ApplicationError("This worker has no agent", type="unknown_agent"), "other"),
    "unforeseen": (RuntimeError("boom"), "other"),
}


@pytest.mark.parametrize(("error", "kind"), ERRORS.values(), ids=ERRORS)
async def test_a_model_that_fails_counts_by_status_and_never_by_message(
    metrics: WorkerMetrics, error: Exception, kind: str
) -> None:
    await run(metrics, model_input(), error)
    names = {"agent": "billing", "model": "openai:gpt-5-mini"}
    assert value(metrics, "placet_model_errors_total", type=kind, **names) == 1
    assert value(metrics, "placet_model_calls_total", outcome="error", **names) == 1
    assert value(metrics, "placet_model_call_seconds_count", **names) is None


async def test_verdicts_count_by_effect_and_rule(metrics: WorkerMetrics) -> None:
    verdicts = [Verdict(effect="ask", rule="large refunds", digest=DIGEST), Verdict(effect="deny", digest=DIGEST)]
    given = JudgeInput(calls=(JudgeCall(tool="refund"), JudgeCall(tool="any text")), agent="billing")
    await run(metrics, given, JudgeResult(verdicts=tuple(verdicts)))
    asks = {"agent": "billing", "effect": "ask", "rule": "large refunds"}
    assert value(metrics, "placet_policy_verdicts_total", **asks) == 1
    assert value(metrics, "placet_policy_verdicts_total", agent="billing", effect="deny", rule="") == 1


async def test_the_end_of_a_run_counts_by_status(metrics: WorkerMetrics) -> None:
    await run(metrics, CloseInput(run_id="r", agent="billing", thread_id="t", status="expired"), CloseResult())
    assert value(metrics, "placet_runs_ended_total", agent="billing", status="expired") == 1


async def test_an_activity_of_anybody_is_let_through_uncounted(metrics: WorkerMetrics) -> None:
    await run(metrics, {"any": "thing"}, "done")


def test_an_approval_counts_when_it_is_asked_and_when_it_ends(metrics: WorkerMetrics) -> None:
    metrics.recorded(asked(), [RequestedEntry()])
    metrics.recorded(asked(), [ended("edit")])
    asks = {"agent": "billing", "kind": "tool_call", "risk": "high"}
    assert value(metrics, "placet_approvals_requested_total", **asks) == 1
    ends = {"agent": "billing", "kind": "tool_call", "status": "approved", "decision": "edit"}
    assert value(metrics, "placet_outcomes_total", **ends) == 1
    waited = {"agent": "billing", "kind": "tool_call"}
    assert value(metrics, "placet_time_to_decision_seconds_sum", **waited) == 120
    assert value(metrics, "placet_time_to_decision_seconds_bucket", le="60.0", **waited) == 0
    assert value(metrics, "placet_time_to_decision_seconds_bucket", le="300.0", **waited) == 1


def test_an_end_that_no_person_caused_has_no_time_to_decision(metrics: WorkerMetrics) -> None:
    metrics.recorded(asked(agent=None), [EndedEntry(status="expired", at=NOON + timedelta(days=7))])
    ends = {"agent": "", "kind": "tool_call", "status": "expired", "decision": ""}
    assert value(metrics, "placet_outcomes_total", **ends) == 1
    assert value(metrics, "placet_time_to_decision_seconds_count", agent="", kind="tool_call") is None


def test_a_decision_that_did_not_count_is_no_outcome(metrics: WorkerMetrics) -> None:
    decision = Decision(id="d", fingerprint="f", type="approve", digest=DIGEST, by=DANA)
    metrics.recorded(asked(), [RefusedEntry(decision=decision, code="expired", at=NOON)])
    assert [family for family in metrics.registry.collect() if family.samples] == []


def test_clocks_that_disagree_make_no_negative_time(metrics: WorkerMetrics) -> None:
    metrics.recorded(asked(), [ended(after=-timedelta(seconds=3))])
    waited = {"agent": "billing", "kind": "tool_call"}
    assert value(metrics, "placet_time_to_decision_seconds_sum", **waited) == 0


def test_every_metric_of_a_worker_is_made_once(metrics: WorkerMetrics) -> None:
    families = metrics.registry.collect()
    made = {f"{family.name}_total" if family.type == "counter" else family.name for family in families}
    assert made == {metric.name for metric in CATALOGUE if metric.process == "worker"}


def test_names_tell_kind_and_unit() -> None:
    for metric in CATALOGUE:
        assert metric.name.startswith("placet_")
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert metric.name.endswith("_seconds") or metric.kind != "histogram", metric.name
        assert not {"run_id", "approval_id", "call_id", "user", "by", "args", "digest"} & set(metric.labels)
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)
