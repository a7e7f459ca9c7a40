"""The worker: polls the task queue and runs workflows and their effects."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

import structlog
from temporalio.client import Client
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import Interceptor, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from placet.agents import Agents, AgentsError
from placet.effects import Effects
from placet.engine.config_file import ConfigError, load
from placet.engine.connection import connect
from placet.engine.errors import EngineError, SettingsError, TemporalUnreachable
from placet.engine.logs import configure_logs
from placet.engine.memory import keep_for_good
from placet.engine.policy_report import MODES
from placet.engine.sandbox import PatientRunner
from placet.engine.schedules import ensure_reconciler
from placet.engine.search_attributes import ensure_search_attributes
from placet.engine.settings import Settings
from placet.ledger import Ledger, LedgerError, LedgerUnavailableError
from placet.runs.agent_run import AgentRun
from placet.runs.approval import ApprovalWorkflow
from placet.runs.graph_run import GraphRun
from placet.runs.reconcile import Reconcile
from placet.telemetry import Counting, LedgerMetrics, Tracing, WorkerMetrics, exposed, tracing

WORKFLOWS: Final[Sequence[type]] = (AgentRun, GraphRun, ApprovalWorkflow, Reconcile)

ACTIVITY_SLOTS: Final = 100
CACHED_WORKFLOWS: Final = 1_000
"""About 64 KiB each."""
WORKFLOW_TASKS_PER_CORE: Final = 4
"""More at once and a storm of replays trips the SDK's deadlock detector."""
STICKY_LIMIT: Final = timedelta(seconds=2)
"""How long an Update may wait for a worker that died; the SDK's default is 10 s."""
PATIENCE: Final = timedelta(minutes=10)

FAILED: Final = 1
USAGE: Final = 2
INVALID: Final = 9
"""Exit code where the configuration is wrong; starting again would not help."""
UNREACHABLE: Final = 69
Refused = Callable[[int, str], None]
_PAUSE_SECONDS: Final = 1.0
_TEMPORAL_METRICS: Final = "PLACET_TEMPORAL_METRICS"

_log = structlog.get_logger("placet.worker")


def runner() -> SandboxedWorkflowRunner:
    """Returns the sandbox of workflows: our contracts and pydantic pass through, nothing else of ours.

    Temporal's interceptor for traces runs inside and shares OpenTelemetry's context; no workflow may import it.
    """
    passed = ("placet.contracts", "pydantic", "pydantic_core", "opentelemetry")
    return PatientRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*passed))


def build(client: Client, settings: Settings, effects: Effects, interceptors: Sequence[Interceptor] = ()) -> Worker:
    """Returns a worker that is not running yet.

    Args:
        client: A connected client; activities heartbeat through it too.
        settings: Names the task queue and how long started tools may go on after a stop.
        effects: The bodies of the activities.
        interceptors: What stands around activities and workflows, besides those of the client.
    """
    return Worker(
        client,
        task_queue=settings.task_queue,
        workflows=WORKFLOWS,
        activities=effects.activities(),
        workflow_runner=runner(),
        interceptors=interceptors,
        build_id=version("placet"),
        identity=f"{os.getpid()}@{socket.gethostname()}",
        max_cached_workflows=CACHED_WORKFLOWS,
        max_concurrent_activities=ACTIVITY_SLOTS,
        max_concurrent_workflow_tasks=WORKFLOW_TASKS_PER_CORE * (os.cpu_count() or 1),
        sticky_queue_schedule_to_start_timeout=STICKY_LIMIT,
        graceful_shutdown_timeout=settings.shutdown_grace,
    )


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Runs a worker until `stop` is set, then lets started tools finish.

    Raises:
        ConfigError: The configuration is wrong; everything wrong with it is named.
        TemporalUnreachable: No Temporal answered for ten minutes.
    """
    config = load(settings.config)
    agents = Agents.load(config, settings.config.parent if settings.config else Path.cwd())
    ledger = Ledger.at(settings.ledger_url)
    traced = tracing("placet-worker")
    client = await _connected(settings, stop, traced)
    if client is None:
        return
    await ensure_search_attributes(client)
    await _until_there(ledger, stop)
    await ensure_reconciler(client, settings.task_queue)
    metrics = WorkerMetrics({name: said.model or "graph" for name, said in config.agents.items()})
    effects = Effects(client, ledger, agents, config, slots=ACTIVITY_SLOTS, watch=metrics)
    around = [*(traced.workers if traced else ()), Counting(metrics)]
    published = _published(ledger, agents, effects)
    keep_for_good()
    async with _shown(settings, metrics, ledger), published, build(client, settings, effects, around):
        _log.info("worker.started", task_queue=settings.task_queue, agents=sorted(config.agents))
        if not config.policy.enabled:
            _log.warning("policy.off", meaning="nobody is asked, and what would ask is denied")
        if config.policy.mode != "default":
            _log.warning("policy.mode", mode=config.policy.mode, meaning=MODES[config.policy.mode])
        await stop.wait()
        _log.info("worker.stopping", grace_seconds=settings.shutdown_grace.total_seconds())
    effects.close()
    await ledger.close()
    if traced is not None:
        await traced.close()


def main(settings: Settings, refused: Refused) -> int:
    """Runs a worker until SIGTERM or SIGINT and returns the process's exit code.

    Args:
        settings: Where the configuration, Temporal and the ledger are.
        refused: Is told the exit code and the reason where the worker cannot start.
    """
    # Clients of models tell of each request at INFO.
    configure_logs(others=logging.WARNING)
    try:
        asyncio.run(_run_until_signalled(settings))
    except (EngineError, AgentsError, LedgerError) as error:
        code = _exit_code(error)
        refused(code, str(error))
        return code
    return 0


def _exit_code(error: Exception) -> int:
    if isinstance(error, ConfigError | AgentsError):
        return INVALID
    if isinstance(error, SettingsError):
        return USAGE
    return UNREACHABLE if isinstance(error, TemporalUnreachable) else FAILED


async def _run_until_signalled(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await run(settings, stop)


@contextlib.asynccontextmanager
async def _shown(settings: Settings, metrics: WorkerMetrics, ledger: Ledger) -> AsyncGenerator[None]:
    """Shows the metrics where the settings want it."""
    if settings.metrics is None:
        yield
        return
    async with exposed(metrics.registry, LedgerMetrics(ledger, metrics.agents), settings.metrics):
        _log.info("worker.metrics", address=str(settings.metrics))
        yield


def _runtime(settings: Settings) -> Runtime | None:
    """Returns a runtime of Temporal's SDK that shows its metrics; None for the usual one.

    Raises:
        SettingsError: Nobody can listen at the address.
    """
    address = settings.temporal_metrics
    if address is None:
        return None
    shown = PrometheusConfig(
        bind_address=str(address), counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True
    )
    try:
        return Runtime(telemetry=TelemetryConfig(metrics=shown))
    except (RuntimeError, ValueError) as error:
        raise SettingsError(_TEMPORAL_METRICS, str(address), str(error)) from error


async def _connected(settings: Settings, stop: asyncio.Event, traced: Tracing | None) -> Client | None:
    """Returns a client as soon as Temporal answers, or None when the process is to end before that."""
    around = traced.clients if traced else ()
    wanted = connect(settings, patience=PATIENCE, interceptors=around, runtime=_runtime(settings))
    connecting = asyncio.create_task(wanted)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({connecting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if connecting.done():
        return connecting.result()
    connecting.cancel()
    return None


@contextlib.asynccontextmanager
async def _published(ledger: Ledger, agents: Agents, effects: Effects) -> AsyncGenerator[None]:
    """Reaches the agents' MCP servers while the block runs, and publishes the agents whenever they have other tools."""
    changed = asyncio.Event()
    await effects.start(partial(asyncio.get_running_loop().call_soon_threadsafe, changed.set))
    await ledger.put_agents(agents.describe())
    publishing = asyncio.create_task(_keep_published(ledger, agents, changed))
    try:
        yield
    finally:
        publishing.cancel()
        await effects.stop()


async def _keep_published(ledger: Ledger, agents: Agents, changed: asyncio.Event) -> None:
    while True:
        await changed.wait()
        changed.clear()
        try:
            await ledger.put_agents(agents.describe())
        except LedgerUnavailableError as error:
            _log.warning("worker.agents_not_published", error=str(error))
            changed.set()
            await asyncio.sleep(_PAUSE_SECONDS)


async def _until_there(ledger: Ledger, stop: asyncio.Event) -> None:
    """Migrates the ledger as soon as it can be reached."""
    while not stop.is_set():
        try:
            await ledger.migrate()
        except LedgerUnavailableError as error:
            _log.warning("worker.waiting_for_ledger", error=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _PAUSE_SECONDS)
        else:
            return
