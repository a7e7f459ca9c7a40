"""Temporal schedules, created once and brought up to date at each start."""

from __future__ import annotations

from temporalio.client import (
    Client,
    Schedule,
    ScheduleAlreadyRunningError,
    ScheduleUpdate,
    ScheduleUpdateInput,
)


async def put_schedule(client: Client, schedule_id: str, schedule: Schedule) -> None:
    """Creates the schedule, or gives the one that exists this content; whether it is paused stays as it is."""
    try:
        await client.create_schedule(schedule_id, schedule)
    except ScheduleAlreadyRunningError:
        pass
    else:
        return

    def renewed(found: ScheduleUpdateInput) -> ScheduleUpdate:
        schedule.state.paused = found.description.schedule.state.paused
        schedule.state.note = found.description.schedule.state.note
        return ScheduleUpdate(schedule=schedule)

    await client.get_schedule_handle(schedule_id).update(renewed)
