"""Every metric, told once: the code makes it from here, and so does its page in the reference.

Labels are names from the configuration, or words of ours: never an id, a person, an argument or a text. What comes
from elsewhere goes through `Names` first.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

OTHER: Final = "other"
"""What a label says in place of a name that is not from the configuration."""

Kind = Literal["counter", "gauge", "histogram"]
Process = Literal["gateway", "worker", "gateway and worker"]

_SECOND: Final = 1.0
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR

DECISION_BUCKETS: Final = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
WAITING_BUCKETS: Final = (
    *(10 * _SECOND, 30 * _SECOND, _MINUTE, 5 * _MINUTE, 15 * _MINUTE),
    *(_HOUR, 4 * _HOUR, 12 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY, 30 * _DAY),
)
WORK_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR)

AGES: Final[dict[str, timedelta | None]] = {
    "5m": timedelta(minutes=5),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "more": None,
}
"""The ages of what waits: each holds what is younger than its limit and in no age before it."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric.

    Attributes:
        name: As it is exposed; a counter ends in `_total`, and the unit is part of it.
        process: Who exposes it.
        buckets: Of a histogram: their upper limits.
    """

    name: str
    kind: Kind
    process: Process
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    def counter(self, registry: CollectorRegistry) -> Counter:
        """Makes the counter."""
        return Counter(self.name, self.help, self.labels, registry=registry)

    def gauge(self, registry: CollectorRegistry) -> Gauge:
        """Makes the gauge."""
        return Gauge(self.name, self.help, self.labels, registry=registry)

    def histogram(self, registry: CollectorRegistry) -> Histogram:
        """Makes the histogram."""
        return Histogram(self.name, self.help, self.labels, buckets=self.buckets, registry=registry)


class Names:
    """The names that a label may have; any other one becomes `other`, and none stays empty."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(names)

    def __call__(self, name: str | None) -> str:
        """Returns what the label says."""
        if name is None:
            return ""
        return name if name in self._names else OTHER


APPROVALS_PENDING: Final = Metric(
    name="placet_approvals_pending",
    kind="gauge",
    process="gateway and worker",
    labels=("agent", "kind", "age"),
    help="Approvals that wait, by how long they have waited: less than 5m, 1h, 1d, 7d, or more.",
)
APPROVALS_OVERDUE: Final = Metric(
    name="placet_approvals_overdue",
    kind="gauge",
    process="gateway and worker",
    labels=("agent", "kind"),
    help="Approvals past their deadline whose end nobody has recorded yet; more than a few mean that no worker lives.",
)
APPROVALS_OLDEST: Final = Metric(
    name="placet_approvals_oldest_pending_seconds",
    kind="gauge",
    process="gateway and worker",
    help="How long the approval that waits longest has waited; 0 where none waits.",
)
LEDGER_FAILURES: Final = Metric(
    name="placet_ledger_failures_total",
    kind="counter",
    process="gateway and worker",
    help="Times that this process could not use the ledger.",
)

HTTP_REQUESTS: Final = Metric(
    name="placet_http_requests_total",
    kind="counter",
    process="gateway",
    labels=("method", "route", "status"),
    help="Requests that were answered, by the template of their path.",
)
STREAMS: Final = Metric(
    name="placet_streams",
    kind="gauge",
    process="gateway",
    help="Event streams that are open.",
)
REFUSALS: Final = Metric(
    name="placet_refusals_total",
    kind="counter",
    process="gateway",
    labels=("code",),
    help="Answers that are a problem document, by error code; a list of decisions that is refused counts once.",
)
DECISIONS: Final = Metric(
    name="placet_decisions_total",
    kind="counter",
    process="gateway",
    labels=("type", "answer"),
    help="Decisions that could be read, those of lists too, by their answer: 200, 202, or an error code.",
)
DECISION_SECONDS: Final = Metric(
    name="placet_decision_seconds",
    kind="histogram",
    process="gateway",
    labels=("status",),
    buckets=DECISION_BUCKETS,
    help="How long a decision took to answer, by the status of the answer.",
)
TEMPORAL_FAILURES: Final = Metric(
    name="placet_temporal_failures_total",
    kind="counter",
    process="gateway",
    labels=("reason",),
    help="Calls to Temporal that failed: unreachable, or no_answer (no worker answered in time).",
)

APPROVALS_REQUESTED: Final = Metric(
    name="placet_approvals_requested_total",
    kind="counter",
    process="worker",
    labels=("agent", "kind", "risk"),
    help="Approvals that were asked for.",
)
OUTCOMES: Final = Metric(
    name="placet_outcomes_total",
    kind="counter",
    process="worker",
    labels=("agent", "kind", "status", "decision"),
    help="Approvals that ended, by status; `decision` is empty where no person's decision ended them.",
)
TIME_TO_DECISION: Final = Metric(
    name="placet_time_to_decision_seconds",
    kind="histogram",
    process="worker",
    labels=("agent", "kind"),
    buckets=WAITING_BUCKETS,
    help="How long approvals waited that a person's decision ended.",
)
VERDICTS: Final = Metric(
    name="placet_policy_verdicts_total",
    kind="counter",
    process="worker",
    labels=("agent", "effect", "rule"),
    help="Calls that policy judged, by effect and by the rule or list that decided.",
)
TOOL_RUNS: Final = Metric(
    name="placet_tool_runs_total",
    kind="counter",
    process="worker",
    labels=("agent", "tool", "outcome"),
    help="Attempts at calls: succeeded, failed, refused, ask (asked again), uncertain, or error (it is tried again).",
)
TOOL_SECONDS: Final = Metric(
    name="placet_tool_run_seconds",
    kind="histogram",
    process="worker",
    labels=("agent", "tool"),
    buckets=WORK_BUCKETS,
    help="How long calls took that ran, with their records.",
)
UNCERTAIN_CALLS: Final = Metric(
    name="placet_uncertain_calls_total",
    kind="counter",
    process="worker",
    labels=("agent", "tool"),
    help="Calls of which nobody knows whether they ran; a person is asked.",
)
MODEL_CALLS: Final = Metric(
    name="placet_model_calls_total",
    kind="counter",
    process="worker",
    labels=("agent", "model", "outcome"),
    help="Attempts at model calls: answered, or error.",
)
MODEL_ERRORS: Final = Metric(
    name="placet_model_errors_total",
    kind="counter",
    process="worker",
    labels=("agent", "model", "type"),
    help="Model calls that failed: model_ and the HTTP status, model_error without one, or other.",
)
MODEL_SECONDS: Final = Metric(
    name="placet_model_call_seconds",
    kind="histogram",
    process="worker",
    labels=("agent", "model"),
    buckets=WORK_BUCKETS,
    help="How long the model calls took that were answered, with their records.",
)
MODEL_TOKENS: Final = Metric(
    name="placet_model_tokens_total",
    kind="counter",
    process="worker",
    labels=("agent", "model", "kind"),
    help="Tokens as the provider counts them: input, output.",
)
RUNS_ENDED: Final = Metric(
    name="placet_runs_ended_total",
    kind="counter",
    process="worker",
    labels=("agent", "status"),
    help="Runs that ended.",
)

CATALOGUE: Final = (
    *(APPROVALS_PENDING, APPROVALS_OVERDUE, APPROVALS_OLDEST, LEDGER_FAILURES),
    *(HTTP_REQUESTS, STREAMS, REFUSALS, DECISIONS, DECISION_SECONDS, TEMPORAL_FAILURES),
    *(APPROVALS_REQUESTED, OUTCOMES, TIME_TO_DECISION, VERDICTS),
    *(TOOL_RUNS, TOOL_SECONDS, UNCERTAIN_CALLS),
    *(MODEL_CALLS, MODEL_ERRORS, MODEL_SECONDS, MODEL_TOKENS, RUNS_ENDED),
)
