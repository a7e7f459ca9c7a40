"""Metrics and traces: what who watches a gateway or a worker sees."""

from placet.telemetry._counting import Counting
from placet.telemetry._exposing import exposed
from placet.telemetry._ledger_metrics import LedgerMetrics
from placet.telemetry._worker_metrics import WorkerMetrics
from placet.telemetry.catalogue import Metric, Names
from placet.telemetry.tracing import Tracing, tracing

__all__ = [
    "Counting",
    "LedgerMetrics",
    "Metric",
    "Names",
    "Tracing",
    "WorkerMetrics",
    "exposed",
    "tracing",
]
