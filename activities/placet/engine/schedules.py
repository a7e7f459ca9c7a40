"""Temporal schedules, created once and brought up to date at each start of a later version."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog
from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError

from placet.contracts.reconciling import WORKFLOW_TYPE, ReconcileInput

EVERY: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(minutes=10)
"""For one pass; the passes that would overlap it are skipped."""
CATCH_UP: Final = timedelta(seconds=10)
"""How late a pass may still start; Temporal takes nothing shorter. The next one is a minute away."""

_log = structlog.stdlib.get_logger("placet.worker")

Newer = Callable[[Schedule], Awaitable[bool]]


async def put_schedule(client: Client, schedule_id: str, schedule: Schedule, newer: Newer | None = None) -> None:
    """Creates the schedule, or gives the one that exists this content; whether it is paused stays as it is.

    Args:
        client: Of the namespace.
        schedule_id: Names it.
        schedule: What it is to do.
        newer: Whether this is newer than the one that exists; by default it always is.
    """
    try:
        await client.create_schedule(schedule_id, schedule)
    except ScheduleAlreadyRunningError:
        pass
    else:
        return

    async def renewed(found: ScheduleUpdateInput) -> ScheduleUpdate | None:
        there = found.description.schedule
        if newer is not None and not await newer(there):
            return None
        schedule.state.paused = there.state.paused
        schedule.state.note = there.state.note
        return ScheduleUpdate(schedule=schedule)

    await client.get_schedule_handle(schedule_id).update(renewed)


def reconciler_id(task_queue: str) -> str:
    """Returns the id of the reconciler's schedule: one for all workers of a queue, who share a ledger."""
    return f"{task_queue}-reconcile"


def reconciler(task_queue: str, given: ReconcileInput) -> Schedule:
    """Returns the schedule that starts the reconciler, whatever else goes on, once a minute."""
    return Schedule(
        action=ScheduleActionStartWorkflow(
            WORKFLOW_TYPE,
            given,
            id=reconciler_id(task_queue),
            task_queue=task_queue,
            execution_timeout=LONGEST,
            static_summary="compares what the ledger shows as open with Temporal",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=EVERY)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )


async def ensure_reconciler(client: Client, task_queue: str, given: ReconcileInput | None = None) -> None:
    """Creates the reconciler's schedule, or brings one of an earlier version up to date.

    A worker goes on without it where the namespace forbids schedules: runs need none.
    """
    given = given or ReconcileInput()

    async def is_newer(there: Schedule) -> bool:
        return given.v > await _version(client, there)

    try:
        await put_schedule(client, reconciler_id(task_queue), reconciler(task_queue, given), is_newer)
    except RPCError as error:
        _log.warning("reconciler.not_scheduled", error=str(error), meaning="what vanishes from Temporal stays open")


async def _version(client: Client, there: Schedule) -> int:
    """Returns the version of the definition that a schedule was made from; 0 where it cannot be read."""
    if not isinstance(there.action, ScheduleActionStartWorkflow):
        return 0
    payloads = [one for one in there.action.args if isinstance(one, Payload)]
    try:
        decoded: list[object] = await client.data_converter.decode(payloads[:1], [ReconcileInput])
    except Exception:  # noqa: BLE001 - whatever a converter or codec raises
        return 0
    return decoded[0].v if decoded and isinstance(decoded[0], ReconcileInput) else 0
