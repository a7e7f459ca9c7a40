"""What a worker counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry
from temporalio.exceptions import ApplicationError

from placet.contracts.approvals import Asked
from placet.contracts.calls import Judgement
from placet.contracts.decisions import DECISION_TYPES
from placet.contracts.records import EndedEntry, Entry, RequestedEntry
from placet.contracts.runs import CloseInput, ModelInput, ToolInput, ToolResult
from placet.telemetry import catalogue
from placet.telemetry.catalogue import OTHER, Names

_TOKENS: Final = {"input_tokens": "input", "output_tokens": "output"}


class WorkerMetrics:
    """Counts what one worker does, in a registry of its own."""

    def __init__(self, models: Mapping[str, str]) -> None:
        """Makes the metrics.

        Args:
            models: The model of each agent, by the agent's name.
        """
        self.registry = CollectorRegistry()
        self.agents = Names(models)
        self._models = models
        self._requested = catalogue.APPROVALS_REQUESTED.counter(self.registry)
        self._outcomes = catalogue.OUTCOMES.counter(self.registry)
        self._waited = catalogue.TIME_TO_DECISION.histogram(self.registry)
        self._verdicts = catalogue.VERDICTS.counter(self.registry)
        self._tools = catalogue.TOOL_RUNS.counter(self.registry)
        self._tool_seconds = catalogue.TOOL_SECONDS.histogram(self.registry)
        self._uncertain = catalogue.UNCERTAIN_CALLS.counter(self.registry)
        self._model_calls = catalogue.MODEL_CALLS.counter(self.registry)
        self._model_errors = catalogue.MODEL_ERRORS.counter(self.registry)
        self._model_seconds = catalogue.MODEL_SECONDS.histogram(self.registry)
        self._tokens = catalogue.MODEL_TOKENS.counter(self.registry)
        self._runs = catalogue.RUNS_ENDED.counter(self.registry)

    def recorded(self, asked: Asked, entries: Sequence[Entry]) -> None:
        """Counts what was written of an approval."""
        agent = self.agents(asked.agent)
        for entry in entries:
            if isinstance(entry, RequestedEntry):
                self._requested.labels(agent, asked.kind, asked.risk).inc()
            elif isinstance(entry, EndedEntry):
                self._ended(agent, asked.kind, asked.requested_at, entry)

    def answered(self, agent: str, usage: Mapping[str, int] | None) -> None:
        """Counts the tokens of a model's answer."""
        for name, kind in _TOKENS.items():
            self._tokens.labels(*self._model(agent), kind).inc((usage or {}).get(name, 0))

    def judged(self, agent: str | None, verdicts: Sequence[Judgement]) -> None:
        """Counts verdicts."""
        name = self.agents(agent)
        for verdict in verdicts:
            self._verdicts.labels(name, verdict.effect, verdict.rule or "").inc()

    def tool_ran(self, given: ToolInput, result: ToolResult | None, seconds: float) -> None:
        """Counts an attempt at a call; without a result it raised."""
        names = (self.agents(given.call.agent), given.call.tool)
        self._tools.labels(*names, result.status if result else "error").inc()
        if result is None:
            return
        if result.status == "uncertain":
            self._uncertain.labels(*names).inc()
        elif result.status in {"succeeded", "failed"}:
            self._tool_seconds.labels(*names).observe(seconds)

    def model_called(self, given: ModelInput, error: Exception | None, seconds: float) -> None:
        """Counts an attempt at a model call."""
        names = self._model(given.agent)
        self._model_calls.labels(*names, "error" if error else "answered").inc()
        if error is None:
            self._model_seconds.labels(*names).observe(seconds)
        else:
            self._model_errors.labels(*names, _type_of(error)).inc()

    def run_closed(self, given: CloseInput) -> None:
        """Counts the end of a run."""
        self._runs.labels(self.agents(given.agent), given.status).inc()

    def _ended(self, agent: str, kind: str, requested_at: datetime, entry: EndedEntry) -> None:
        decision = entry.decision.type if entry.decision else ""
        if decision and decision not in DECISION_TYPES:
            decision = OTHER
        self._outcomes.labels(agent, kind, entry.status, decision).inc()
        if entry.decision:
            waited = (entry.at - requested_at).total_seconds()
            self._waited.labels(agent, kind).observe(max(0.0, waited))

    def _model(self, agent: str) -> tuple[str, str]:
        return self.agents(agent), self._models.get(agent, OTHER)


def _type_of(error: Exception) -> str:
    known = isinstance(error, ApplicationError) and error.type is not None and error.type.startswith("model_")
    return str(error.type) if known and isinstance(error, ApplicationError) else OTHER
