"""The local Temporal server keeps its state, wherever its folder lies and whichever ports it gets."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleIntervalSpec,
    ScheduleSpec,
    WorkflowExecutionStatus,
)
from temporalio.envconfig import ClientConfigProfile

from placet.contracts.reconciling import ReconcileInput
from placet.engine.connection import connect
from placet.engine.errors import TemporalUnreachable
from placet.engine.ports import free_port
from placet.engine.preparing import prepare
from placet.engine.schedules import ensure_reconciler, put_schedule, reconciler_id
from placet.engine.server import TEMPORAL
from placet.engine.settings import Settings
from placet_testing.local_temporal import local_temporal

pytestmark = pytest.mark.timeout(120)


def settings(address: str, namespace: str = "default") -> Settings:
    return Settings(temporal=ClientConfigProfile(address=address, namespace=namespace))


async def start(address: str) -> None:
    client = await connect(settings(address))
    await client.start_workflow("Waits", id="waits", task_queue="nobody-polls")


async def status(address: str) -> WorkflowExecutionStatus | None:
    client = await connect(settings(address))
    return (await client.get_workflow_handle("waits").describe()).status


def test_a_workflow_survives_kill_9_in_a_folder_of_any_name_and_on_other_ports(tmp_path: Path) -> None:
    folder = tmp_path / "a b%41?#é"
    folder.mkdir()
    with local_temporal(folder) as address:
        asyncio.run(start(address))
    with local_temporal(folder) as again:
        assert again == address
        assert asyncio.run(status(again)) is WorkflowExecutionStatus.RUNNING
    kept = folder / "ports.json"
    kept.write_text(json.dumps({name: free_port() for name in json.loads(kept.read_text())}))
    with local_temporal(folder) as elsewhere:
        assert elsewhere != address
        assert asyncio.run(status(elsewhere)) is WorkflowExecutionStatus.RUNNING


async def test_what_has_ended_is_kept_for_thirty_days(temporal_client: Client) -> None:
    answer = await temporal_client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="default"))
    assert answer.config.workflow_execution_retention_ttl.ToTimedelta() == timedelta(days=30)


async def test_a_namespace_that_is_not_there_is_named(temporal_server: str) -> None:
    with pytest.raises(TemporalUnreachable, match="namespace nowhere, does not answer"):
        await connect(settings(temporal_server, "nowhere"))


async def test_somebody_elses_namespace_is_not_made(temporal_server: str) -> None:
    with pytest.raises(TemporalUnreachable):
        await prepare(settings(temporal_server, "theirs"), own=False, patience=timedelta(0))
    with pytest.raises(TemporalUnreachable):
        await connect(settings(temporal_server, "theirs"))


async def test_a_namespace_of_our_own_can_be_used_when_it_is_prepared(temporal_server: str) -> None:
    """For a second after a namespace was registered Temporal does not know it everywhere."""
    ours = settings(temporal_server, "ours")
    client = await prepare(ours, own=True, patience=timedelta(seconds=20))
    handle = await client.start_workflow("Waits", id="waits", task_queue="nobody-polls")
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
    await prepare(ours, own=True, patience=timedelta(seconds=20))


async def test_nobody_at_the_address_is_told_with_what_to_do() -> None:
    with pytest.raises(TemporalUnreachable, match="Start one with `placet up`"):
        await connect(settings(f"127.0.0.1:{free_port()}"))


def test_who_connects_before_temporal_is_there_waits_for_it(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "ports.json").write_text(json.dumps({TEMPORAL.name: port}))
    connecting = connect(settings(f"127.0.0.1:{port}"), patience=timedelta(seconds=40))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(asyncio.run, connecting)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.5)
        with local_temporal(tmp_path):
            assert waiting.result(timeout=40).namespace == "default"


def every(hours: int) -> Schedule:
    action = ScheduleActionStartWorkflow("Reconcile", id="reconcile", task_queue="nobody-polls")
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(hours=hours))])
    return Schedule(action=action, spec=spec)


async def test_a_schedule_is_made_once_and_then_brought_up_to_date(temporal_client: Client, task_queue: str) -> None:
    handle = temporal_client.get_schedule_handle(task_queue)
    await put_schedule(temporal_client, task_queue, every(1))
    await handle.pause(note="night shift")
    await put_schedule(temporal_client, task_queue, every(2))
    found = (await handle.describe()).schedule
    assert found.spec.intervals[0].every == timedelta(hours=2)
    assert (found.state.paused, found.state.note) == (True, "night shift")
    await handle.delete()


async def test_a_worker_of_an_earlier_version_leaves_the_reconcilers_schedule_as_it_is(
    temporal_client: Client, task_queue: str
) -> None:
    """Of old and new workers side by side each restarts now and then; whoever came last must not win."""
    handle = temporal_client.get_schedule_handle(reconciler_id(task_queue))
    await asyncio.gather(*(ensure_reconciler(temporal_client, task_queue) for _ in range(4)))
    made = (await handle.describe()).info
    assert made.last_updated_at is None
    await ensure_reconciler(temporal_client, task_queue, ReconcileInput(v=2, pages=7))
    updated = (await handle.describe()).info.last_updated_at
    assert updated is not None
    await ensure_reconciler(temporal_client, task_queue)
    await ensure_reconciler(temporal_client, task_queue, ReconcileInput(v=2))
    assert (await handle.describe()).info.last_updated_at == updated
    await handle.delete()
