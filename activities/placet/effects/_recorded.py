"""When did Temporal record it: the one clock that decides."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from temporalio import activity
from temporalio.api.enums.v1 import EventType

from placet.contracts.records import RecordedMoment, WhenRecordedInput, WhenRecordedResult
from placet.runs import effects
from placet.runs.inbox import CANCEL, DECIDE

if TYPE_CHECKING:
    from temporalio.api.history.v1 import HistoryEvent
    from temporalio.client import Client


class RecordedActivities:
    """The activity that reads a workflow's own history."""

    def __init__(self, client: Client) -> None:
        """Reads through this client."""
        self._client = client

    @activity.defn(name=effects.WHEN_RECORDED)
    async def when_recorded(self, given: WhenRecordedInput) -> WhenRecordedResult:
        """Returns the workflow's Signals and its cancel request in the order of their events."""
        handle = self._client.get_workflow_handle(given.workflow_id, run_id=given.run_id)
        moments: list[RecordedMoment] = []
        async for event in handle.fetch_history_events():
            moment = _moment(event)
            if moment is not None:
                moments.append(moment)
        return WhenRecordedResult(moments=tuple(moments))


def _moment(event: HistoryEvent) -> RecordedMoment | None:
    at = event.event_time.ToDatetime(tzinfo=UTC)
    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
        name = event.workflow_execution_signaled_event_attributes.signal_name
        if name in {DECIDE, CANCEL}:
            return RecordedMoment(name=name, order=event.event_id, at=at)
    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
        cause = event.workflow_execution_cancel_requested_event_attributes.cause
        return RecordedMoment(name=None, order=event.event_id, at=at, reason=cause or None)
    return None
