"""What Temporal says of the workflows that the ledger shows as open: asked by id, never from a list."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeVar

from pydantic import ValidationError
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHistoryEventFilterType,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from temporalio.service import RPCError, RPCStatusCode

from placet.contracts._base import Message
from placet.contracts.approvals import ApprovalState
from placet.contracts.decisions import WithdrawInput
from placet.contracts.runs import ModelInput
from placet.runs import effects
from placet.runs.inbox import CANCEL

AT_ONCE: Final = 10
"""Questions to Temporal that are under way at the same time."""
LIMIT_SECONDS: Final = 10.0
"""For one question, with every retry of the client."""

Status = WorkflowExecutionStatus
_Result = TypeVar("_Result", bound=Message)


@dataclass(frozen=True, kw_only=True)
class Execution:
    """A workflow as Temporal describes it.

    Attributes:
        run_id: Of Temporal's latest run under the workflow's id.
        first_run_id: Of the first; None where the server does not tell.
        parent_id: The workflow of this namespace that started it.
        children: The ids of its children that have not ended.
    """

    id: str
    run_id: str
    first_run_id: str | None = None
    status: Status
    parent_id: str | None = None
    children: frozenset[str] = frozenset()

    @property
    def is_open(self) -> bool:
        """Whether it has not ended; a paused one has not."""
        return self.status not in _CLOSED


@dataclass(frozen=True, kw_only=True)
class Closing:
    """The last event of a workflow that has ended.

    Attributes:
        reason: What who ended it has said, or the error that it failed with.
        result: What it returned, if that can be read.
        successor: Temporal's run that goes on, after a continue-as-new.
    """

    at: datetime
    reason: str | None = None
    result: object = None
    successor: str | None = None


class Temporal(Protocol):
    """What the reconciler asks."""

    async def namespace_id(self) -> str:
        """Returns the id that the namespace got when it was registered."""
        ...

    async def look(self, ids: Iterable[str]) -> dict[str, Execution | None]:
        """Returns the latest run of each workflow; None where there is none."""
        ...

    async def look_at_run(self, workflow_id: str, run_id: str) -> Execution | None:
        """Returns one run of a workflow."""
        ...

    async def closing(self, execution: Execution, result_type: type[Message]) -> Closing:
        """Returns how a closed workflow ended."""
        ...

    async def turn_after_reset(self, execution: Execution) -> int | None:
        """Returns the turn of a run of ours in which its reset leaves it, where its history tells."""
        ...

    async def state(self, workflow_id: str) -> ApprovalState | None:
        """Returns what an approval says of itself; None where it cannot say so now."""
        ...

    async def withdraw(self, workflow_id: str, given: WithdrawInput) -> None:
        """Sends a withdrawal to an approval as a Signal."""
        ...


class Whereabouts:
    """`Temporal` over a client.

    Whatever goes wrong is raised: who asks then changes nothing.
    """

    def __init__(self, client: Client) -> None:
        """Asks through this client."""
        self._client = client
        self._namespace: str | None = None
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def namespace_id(self) -> str:
        """Returns the id of the client's namespace."""
        if self._namespace is None:
            request = DescribeNamespaceRequest(namespace=self._client.namespace)
            async with self._slot():
                answer = await self._client.workflow_service.describe_namespace(request, retry=True)
            self._namespace = answer.namespace_info.id
        return self._namespace

    async def look(self, ids: Iterable[str]) -> dict[str, Execution | None]:
        """Describes workflows, a few at a time."""
        wanted = list(dict.fromkeys(ids))
        await self.namespace_id()
        asking = [asyncio.create_task(self._describe(workflow_id)) for workflow_id in wanted]
        try:
            found = await asyncio.gather(*asking)
        finally:
            # With one answer missing all are worth nothing: a Temporal in trouble is not asked on.
            for task in asking:
                task.cancel()
        return dict(zip(wanted, found, strict=True))

    async def look_at_run(self, workflow_id: str, run_id: str) -> Execution | None:
        """Describes one run."""
        return await self._describe(workflow_id, run_id)

    async def closing(self, execution: Execution, result_type: type[_Result]) -> Closing:
        """Reads the last event."""
        handle = self._client.get_workflow_handle(execution.id, run_id=execution.run_id)
        last = WorkflowHistoryEventFilterType.CLOSE_EVENT
        async with self._slot():
            events = [event async for event in handle.fetch_history_events(event_filter_type=last)]
        return await self._read(events[-1], result_type)

    async def turn_after_reset(self, execution: Execution) -> int | None:
        """Reads the history up to the reset."""
        handle = self._client.get_workflow_handle(execution.id, run_id=execution.run_id)
        turn: int | None = None
        asked: HistoryEvent | None = None
        async with self._slot():
            async for event in handle.fetch_history_events():
                if event.activity_task_scheduled_event_attributes.activity_type.name == effects.MODEL:
                    asked = event
                if _is_reset(event):
                    turn = await self._turn(asked) if asked else 0
        return turn

    async def state(self, workflow_id: str) -> ApprovalState | None:
        """Asks by a query."""
        handle = self._client.get_workflow_handle(workflow_id)
        async with self._slot():
            try:
                return await handle.query("state", result_type=ApprovalState)
            except (RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError, ValidationError):
                return None

    async def withdraw(self, workflow_id: str, given: WithdrawInput) -> None:
        """Sends the Signal; one that meets a closed workflow has come too late and changes nothing."""
        async with self._slot():
            try:
                await self._client.get_workflow_handle(workflow_id).signal(CANCEL, given)
            except RPCError as error:
                if not _is_gone(error):
                    raise

    async def _describe(self, workflow_id: str, run_id: str | None = None) -> Execution | None:
        handle = self._client.get_workflow_handle(workflow_id, run_id=run_id)
        async with self._slot():
            try:
                described = await handle.describe()
            except RPCError as error:
                if _is_gone(error):
                    return None
                raise
        raw = described.raw_description
        info = raw.workflow_execution_info
        near = info.parent_namespace_id in {"", self._namespace}
        return Execution(
            id=workflow_id,
            run_id=described.run_id,
            first_run_id=info.first_run_id or None,
            status=described.status or Status.RUNNING,
            parent_id=(info.parent_execution.workflow_id or None) if near else None,
            children=frozenset(child.workflow_id for child in raw.pending_children),
        )

    async def _read(self, event: HistoryEvent, result_type: type[Message]) -> Closing:
        at = event.event_time.ToDatetime(tzinfo=UTC)
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
            payloads = event.workflow_execution_completed_event_attributes.result.payloads
            result = await self._decoded(payloads, result_type)
            return Closing(at=at, result=result, reason=None if result else "its result cannot be read")
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
            return Closing(at=at, reason=event.workflow_execution_terminated_event_attributes.reason or None)
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
            return Closing(at=at, reason=event.workflow_execution_failed_event_attributes.failure.message or None)
        again = event.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
        return Closing(at=at, successor=again or None)

    async def _turn(self, asked: HistoryEvent) -> int | None:
        payloads = asked.activity_task_scheduled_event_attributes.input.payloads
        given = await self._decoded(payloads, ModelInput)
        return given.turn if isinstance(given, ModelInput) else None

    async def _decoded(self, payloads: Any, kind: type[_Result]) -> _Result | None:  # noqa: ANN401 - of protobuf
        """Returns what a payload holds; None where it is not of that kind: anybody's code may have written it."""
        try:
            decoded: list[object] = await self._client.data_converter.decode(payloads, [kind])
        except Exception:  # noqa: BLE001 - whatever a converter or codec raises
            return None
        return decoded[0] if decoded and isinstance(decoded[0], kind) else None

    @asynccontextmanager
    async def _slot(self) -> AsyncGenerator[None]:
        async with self._slots, asyncio.timeout(LIMIT_SECONDS):
            yield


_CLOSED: Final = frozenset(
    {Status.COMPLETED, Status.FAILED, Status.CANCELED, Status.TERMINATED, Status.CONTINUED_AS_NEW, Status.TIMED_OUT}
)


def _is_gone(error: RPCError) -> bool:
    """Whether the workflow is not there; that the namespace is not there says nothing about it."""
    return error.status == RPCStatusCode.NOT_FOUND and "namespace" not in error.message.casefold()


def _is_reset(event: HistoryEvent) -> bool:
    failed = event.workflow_task_failed_event_attributes
    return (
        event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
        and failed.cause == WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW
    )
