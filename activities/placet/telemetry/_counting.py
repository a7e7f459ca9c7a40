"""Counts activities where the worker runs them, so that their bodies need not know."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from placet.contracts.calls import JudgeInput, JudgeResult
from placet.contracts.runs import CloseInput, ModelInput, ModelResult, ToolInput, ToolResult

if TYPE_CHECKING:
    from placet.telemetry._worker_metrics import WorkerMetrics


class Counting(Interceptor):
    """Counts what the activities of a worker take, give and raise."""

    def __init__(self, metrics: WorkerMetrics) -> None:
        self._metrics = metrics

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - Temporal's name
        """Stands around each activity."""
        return _CountingActivity(next, self._metrics)


class _CountingActivity(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, metrics: WorkerMetrics) -> None:
        super().__init__(inner)
        self._metrics = metrics

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401 - Temporal's signature
        """Runs the activity and counts it."""
        given: object = input.args[0] if input.args else None
        began = time.monotonic()
        try:
            result = await super().execute_activity(input)
        except Exception as error:
            self._failed(given, error, time.monotonic() - began)
            raise
        self._done(given, result, time.monotonic() - began)
        return result

    def _failed(self, given: object, error: Exception, seconds: float) -> None:
        if isinstance(given, ToolInput):
            self._metrics.tool_ran(given, None, seconds)
        elif isinstance(given, ModelInput):
            self._metrics.model_called(given, error, seconds)

    def _done(self, given: object, result: object, seconds: float) -> None:
        if isinstance(given, ToolInput) and isinstance(result, ToolResult):
            self._metrics.tool_ran(given, result, seconds)
        elif isinstance(given, ModelInput):
            self._metrics.model_called(given, None, seconds)
            if isinstance(result, ModelResult):
                self._metrics.judged(given.agent, [call.verdict for call in result.calls if call.verdict])
        elif isinstance(given, JudgeInput) and isinstance(result, JudgeResult):
            self._metrics.judged(given.agent, result.verdicts)
        elif isinstance(given, CloseInput):
            self._metrics.run_closed(given)
