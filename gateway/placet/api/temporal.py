"""Temporal behind the ports: its client, its errors, and a limit around every call.

Temporal's own timeouts are a try's and not the whole (3 s became 17 s), so each call has a limit outside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog
from pydantic import ValidationError
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import (
    RPCTimeoutOrCancelledError,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from placet.api.errors import ClosedError, NoAnswerError, TemporalError, UnreachableError
from placet.api.ports import Poller, Started, Taken
from placet.contracts.approvals import ApprovalState, Outcome
from placet.contracts.decisions import DecideResult
from placet.contracts.errors import CODES, Refusal, RefusedError
from placet.contracts.graphs import GraphInput
from placet.contracts.questions import ASK_HUMAN
from placet.engine.connection import open_client
from placet.engine.errors import EngineError
from placet.engine.search_attributes import ensure_search_attributes
from placet.runs import agent_run, approval, graph_run, story
from placet.runs.effects import short
from placet.runs.inbox import CANCEL, DECIDE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from temporalio.client import Client, Interceptor, WorkflowHandle

    from placet.contracts.approvals import ApprovalInput
    from placet.contracts.decisions import DecideInput, WithdrawInput
    from placet.contracts.runs import RunStart
    from placet.engine.settings import Settings

CONNECT: Final = 2.0
UPDATE: Final = 6.0
CALL: Final = 4.0
ASK: Final = 2.0
"""Seconds: to connect, for an Update, for a Signal or a start, for a look at something."""
APPROVAL_TASK_TIMEOUT: Final = timedelta(seconds=5)

TICKET: Final = "placet_request"
"""The memo that tells the repeat of a request from another one."""

_CLOSING: Final = ("already completed", "aborted by closing workflow", "workflow is closing")
_BUSY: Final = frozenset(
    {
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.FAILED_PRECONDITION,
        RPCStatusCode.INVALID_ARGUMENT,
    }
)
"""Temporal is there and this call found nobody to answer it; a Signal may still be stored."""

Failed = Callable[[TemporalError], None]
"""Is told of each call that failed."""

_log = structlog.stdlib.get_logger(__name__)


def nobody_counts(error: TemporalError) -> None:
    """Does nothing about a call that failed."""
    del error


class TemporalAdapter:
    """Every port of `ports.py`, over one connection that is made when it is first needed."""

    def __init__(
        self, settings: Settings, failed: Failed = nobody_counts, interceptors: Sequence[Interceptor] = ()
    ) -> None:
        self._settings = settings
        self._failed = failed
        self._interceptors = interceptors
        self._limited = partial(limited, failed=failed)
        self._client: Client | None = None
        self._connecting = asyncio.Lock()

    async def close(self) -> None:
        """Lets go of the connection."""
        self._client = None

    async def start(self, approval_id: str, given: ApprovalInput) -> Started:
        """Starts the approval, or finds it started by an earlier attempt."""
        tool = given.tool or ASK_HUMAN
        risk = given.risk or "medium"
        pairs = [
            SearchAttributePair(story.STATUS, "pending"),
            SearchAttributePair(story.TOOL, tool),
            SearchAttributePair(story.RISK, risk),
        ]
        if given.requester:
            pairs.append(SearchAttributePair(story.REQUESTER, given.requester))
        client = await self._connected()
        workflow_id = approval.ID_PREFIX + approval_id
        async with self._limited(CALL):
            try:
                await client.start_workflow(
                    approval.WORKFLOW_TYPE,
                    given,
                    id=workflow_id,
                    task_queue=self._settings.task_queue,
                    task_timeout=APPROVAL_TASK_TIMEOUT,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    search_attributes=TypedSearchAttributes(pairs),
                    static_summary=story.approval_summary(given),
                    static_details=f"Asked over HTTP by {given.requester}.",
                )
            except WorkflowAlreadyStartedError:
                _log.info("approval_found_started", approval_id=approval_id)
            return await self._started(client, workflow_id)

    async def decide(self, approval_id: str, given: DecideInput) -> DecideResult:
        """Sends a decision as an Update and waits for its answer."""
        return await self._update(approval_id, DECIDE, given, given.decision_id)

    async def store_decision(self, approval_id: str, given: DecideInput) -> None:
        """Sends a decision as a Signal."""
        await self._signal(approval_id, DECIDE, given)

    async def withdraw(self, approval_id: str, given: WithdrawInput) -> DecideResult:
        """Sends a withdrawal as an Update and waits for its answer."""
        return await self._update(approval_id, CANCEL, given, given.id)

    async def store_withdrawal(self, approval_id: str, given: WithdrawInput) -> None:
        """Sends a withdrawal as a Signal."""
        await self._signal(approval_id, CANCEL, given)

    async def state(self, approval_id: str) -> ApprovalState:
        """Asks the approval itself."""
        handle = await self._approval(approval_id)
        async with self._limited(ASK, silence=NoAnswerError("no worker answered")):
            return await handle.query("state", result_type=ApprovalState)

    async def outcome(self, approval_id: str) -> Outcome | None:
        """Returns how an ended approval ended; None where it ended without an outcome."""
        client = await self._connected()
        handle = client.get_workflow_handle(approval.ID_PREFIX + approval_id, result_type=Outcome)
        try:
            async with limited(ASK, silence=NoAnswerError("it has not ended")):
                return await handle.result()
        except (ClosedError, WorkflowFailureError, ValidationError):
            return None

    async def start_run(self, given: RunStart, ticket: str) -> Started | Taken:
        """Starts the run, or finds one of that id, open or closed."""
        client = await self._connected()
        async with self._limited(CALL):
            try:
                handle = await client.start_workflow(
                    graph_run.WORKFLOW_TYPE if isinstance(given, GraphInput) else agent_run.WORKFLOW_TYPE,
                    given,
                    id=given.run_id,
                    task_queue=self._settings.task_queue,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    memo={TICKET: ticket},
                    search_attributes=story.run_attributes(given.agent, given.thread_id, given.requester),
                    static_summary=short(f"run of {given.agent}"),
                    static_details=f"Thread `{given.thread_id}`, started by {given.requester}.",
                )
            except WorkflowAlreadyStartedError as error:
                found = await self.find_run(given.run_id)
                if found is None:
                    message = "the run is there and is not"
                    raise UnreachableError(message, sent=True) from error
                return found
            return await self._started(client, handle.id)

    async def find_run(self, run_id: str) -> Taken | None:
        """Returns the run as Temporal knows it; None where it does not."""
        client = await self._connected()
        handle = client.get_workflow_handle(run_id)
        try:
            async with self._limited(ASK):
                described = await handle.describe()
                ticket = await described.memo_value(TICKET, None, type_hint=str)
        except ClosedError:
            return None
        started = Started(handle.id, described.run_id, described.start_time)
        return Taken(started, described.status == WorkflowExecutionStatus.RUNNING, ticket)

    async def cancel_run(self, run_id: str, reason: str | None) -> None:
        """Asks the run to stop."""
        client = await self._connected()
        handle = client.get_workflow_handle(run_id)
        async with self._limited(CALL):
            await handle.cancel(reason=reason or "")

    async def pollers(self) -> list[Poller]:
        """Returns who polls for workflow tasks."""
        client = await self._connected()
        request = DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=self._settings.task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        async with self._limited(ASK):
            answer = await client.workflow_service.describe_task_queue(request)
        return [Poller(poller.identity, poller.last_access_time.ToDatetime(tzinfo=UTC)) for poller in answer.pollers]

    async def _connected(self) -> Client:
        """Returns the client; where there is none, nothing has left this process."""
        if self._client is not None:
            return self._client
        async with self._connecting:
            if self._client is None:
                try:
                    async with asyncio.timeout(CONNECT):
                        client = await open_client(self._settings, interceptors=self._interceptors)
                        await _ensure_search_attributes(client)
                except (RPCError, RuntimeError, TimeoutError) as error:
                    reason = f"there is no connection to Temporal at {self._settings.temporal_address}"
                    unreachable = UnreachableError(reason, sent=False)
                    self._failed(unreachable)
                    raise unreachable from error
                self._client = client
            return self._client

    async def _approval(self, approval_id: str) -> WorkflowHandle[object, object]:
        client = await self._connected()
        return client.get_workflow_handle(approval.ID_PREFIX + approval_id)

    async def _update(
        self, approval_id: str, name: str, given: DecideInput | WithdrawInput, update_id: str | None
    ) -> DecideResult:
        handle = await self._approval(approval_id)
        async with self._limited(UPDATE, silence=NoAnswerError("no worker answered")):
            return await handle.execute_update(  # pyright: ignore[reportUnknownMemberType] - Temporal's overloads
                name, given, id=update_id, result_type=DecideResult
            )

    async def _signal(self, approval_id: str, name: str, given: DecideInput | WithdrawInput) -> None:
        handle = await self._approval(approval_id)
        async with self._limited(CALL):
            await handle.signal(name, given)

    async def _started(self, client: Client, workflow_id: str) -> Started:
        described = await client.get_workflow_handle(workflow_id).describe()
        return Started(workflow_id, described.run_id, described.start_time)


async def _ensure_search_attributes(client: Client) -> None:
    """Creates the search attributes where the gateway may; a cluster of somebody else's may forbid to look."""
    try:
        await ensure_search_attributes(client)
    except (RPCError, EngineError) as error:
        if isinstance(error, RPCError) and error.status == RPCStatusCode.UNAVAILABLE:
            raise
        _log.warning("search_attributes_not_ensured", error=str(error))


@asynccontextmanager
async def limited(
    seconds: float, silence: TemporalError | None = None, failed: Failed = nobody_counts
) -> AsyncGenerator[None]:
    """Limits what happens inside, and turns what Temporal's client raises into the gateway's errors.

    Args:
        seconds: For all of it.
        silence: What it means that there was no answer; by default that Temporal cannot be reached.
        failed: Is told of each error that says something about Temporal.
    """
    try:
        async with _translated(seconds, silence):
            yield
    except TemporalError as error:
        failed(error)
        raise


@asynccontextmanager
async def _translated(seconds: float, silence: TemporalError | None) -> AsyncGenerator[None]:
    quiet = silence or UnreachableError("Temporal gave no answer", sent=True)
    try:
        async with asyncio.timeout(seconds):
            yield
    except (TimeoutError, RPCTimeoutOrCancelledError) as error:
        raise quiet from error
    except WorkflowUpdateFailedError as error:
        raise _refusal_in(error.cause) from error
    except (WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
        raise NoAnswerError(str(error)) from error
    except RPCError as error:
        raise _meaning(error) from error


def _meaning(error: RPCError) -> TemporalError:
    message = error.message.casefold()
    if any(closing in message for closing in _CLOSING):
        return ClosedError(error.message)
    if error.status == RPCStatusCode.NOT_FOUND and "namespace" not in message:
        return ClosedError(error.message)
    if error.status in _BUSY:
        return NoAnswerError(error.message)
    return UnreachableError(error.message, sent=True)


def _refusal_in(cause: BaseException) -> Exception:
    """Returns the refusal that a gate's error carries; any other failure of an Update is no answer."""
    if not isinstance(cause, ApplicationError):
        return NoAnswerError(str(cause))
    if cause.type in CODES and cause.details:
        return RefusedError(Refusal.model_validate(cause.details[0]))
    if cause.type == "AcceptedUpdateCompletedWorkflow":
        return ClosedError(str(cause))
    return NoAnswerError(str(cause))
