"""The workflow `Approval` on a server of the test's choice, with a ledger in memory and a diary of all of it."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from temporalio import activity
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowHistory, WorkflowUpdateFailedError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from placet.contracts.approvals import ApprovalState, Asked, Outcome
from placet.contracts.canonical import canonical_text, digest
from placet.contracts.decisions import DecideResult
from placet.contracts.durations import parse_duration
from placet.contracts.records import (
    EndedEntry,
    Entry,
    RecordInput,
    RecordResult,
    RefusedEntry,
    WhenRecordedInput,
    WhenRecordedResult,
)
from placet.effects._recorded import RecordedActivities
from placet.runs import effects
from placet.runs.approval import ID_PREFIX, WORKFLOW_TYPE, ApprovalWorkflow

ARGS: Final = {"amount": 10}
CALL: Final[dict[str, Any]] = {"kind": "tool_call", "tool": "refund", "args": ARGS, "title": "Refund 10"}
QUESTION: Final[dict[str, Any]] = {
    "kind": "question",
    "title": "Which order?",
    "questions": [{"question": "Which?", "options": ["A-1007", "A-1008"], "multi_select": True}],
}
DIGEST: Final = digest("refund", canonical_text(ARGS))
PATIENCE: Final = 20.0
"""Seconds after which what a test waits for will not come."""

Handle = WorkflowHandle[Any, Any]


def runner() -> SandboxedWorkflowRunner:
    """Returns the sandbox of workflows, as the product's worker has it."""
    passed = ("placet.contracts", "pydantic", "pydantic_core")
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*passed))


def decision(kind: str = "approve", id: str | None = None, by: str = "user:dana", **fields: Any) -> dict[str, Any]:  # noqa: A002
    """Returns the payload of a decision on `CALL`."""
    named = {} if id is None else {"decision_id": id}
    return {"type": kind, "digest": DIGEST, "by": by, **named, **fields}


async def until(holds: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Waits for a condition; fails where it does not come true."""
    give_up = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < give_up, f"not within {patience} s: {what}"
        await asyncio.sleep(0.01)


@dataclass
class FakeLedger:
    """What the record activity writes, in memory: each entry once under its number.

    Attributes:
        asked: The approvals that it has rows of.
        entries: By approval, by number.
        calls: Every batch that was taken.
        failures: How many of the next calls fail.
        open: While it is not set, a call waits.
        held: How many calls wait.
    """

    asked: dict[str, Asked] = field(default_factory=dict[str, Asked])
    entries: dict[str, dict[int, Entry]] = field(default_factory=dict[str, dict[int, Entry]])
    calls: list[RecordInput] = field(default_factory=list[RecordInput])
    failures: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)
    held: int = 0
    decider: Any = None

    def __post_init__(self) -> None:
        """Starts open."""
        self.open.set()

    @activity.defn(name=effects.RECORD)
    async def record(self, given: RecordInput) -> RecordResult:
        """Writes a batch; a number that is there already keeps what it has."""
        self.held += 1
        await self.open.wait()
        self.held -= 1
        if self.failures:
            self.failures -= 1
            message = "the ledger is down"
            raise RuntimeError(message)
        self.calls.append(given)
        if given.asked is not None:
            self.asked.setdefault(given.approval_id, given.asked)
        if given.approval_id not in self.asked:
            return RecordResult(missing=True)
        rows = self.entries.setdefault(given.approval_id, {})
        for number, entry in enumerate(given.entries, given.first):
            rows.setdefault(number, entry)
        decided = any(isinstance(entry, EndedEntry) and entry.decision for entry in given.entries)
        return RecordResult(by=self.decider if decided else None)

    def forget(self) -> None:
        """Loses everything, as a ledger does that was restored from yesterday."""
        self.asked.clear()
        self.entries.clear()

    def story(self, handle: Handle) -> list[str]:
        """Returns the entries of an approval in short: `requested`, `refused CODE ID`, `ended STATUS ID`."""
        rows = self.entries.get(handle.id.removeprefix(ID_PREFIX), {})
        assert sorted(rows) == list(range(len(rows))), "numbers have no gap"
        return [_in_short(rows[number]) for number in sorted(rows)]

    def entry(self, handle: Handle, number: int) -> Entry:
        """Returns one entry of an approval."""
        return self.entries[handle.id.removeprefix(ID_PREFIX)][number]


class Reader:
    """The real `when_recorded`, which a test may stop before and after it reads.

    Attributes:
        may_read, may_answer: While not set, it waits there.
        came, has_read: Set once it got there.
        readings: How often the history was read.
    """

    def __init__(self, client: Client) -> None:
        """Reads through this client, and waits nowhere."""
        self._real = RecordedActivities(client)
        self.may_read, self.may_answer = asyncio.Event(), asyncio.Event()
        self.came, self.has_read = asyncio.Event(), asyncio.Event()
        self.readings = 0
        self.may_read.set()
        self.may_answer.set()

    @activity.defn(name=effects.WHEN_RECORDED)
    async def when_recorded(self, given: WhenRecordedInput) -> WhenRecordedResult:
        """Reads the history."""
        self.came.set()
        await self.may_read.wait()
        result = await self._real.when_recorded(given)
        self.readings += 1
        self.has_read.set()
        await self.may_answer.wait()
        return result


class Stage:
    """One server, one task queue, one ledger; workers come and go."""

    def __init__(self, client: Client, task_queue: str, environment: WorkflowEnvironment | None = None) -> None:
        """Uses the server behind the client; `environment` where time can be skipped."""
        self.client = client
        self.task_queue = task_queue
        self.ledger = FakeLedger()
        self.reader = Reader(client)
        self._environment = environment
        self._started: list[Handle] = []

    async def clear(self) -> None:
        """Ends what a test has left open: a task that nobody polls for stops the time of the skipping server."""
        for handle in self._started:
            with contextlib.suppress(RPCError):
                await handle.terminate("the test is over")

    @asynccontextmanager
    async def worker(
        self, *, workflows: bool = True, activities: bool = True, **options: Any
    ) -> AsyncGenerator[Worker]:
        """Runs a worker that has seen nothing before, for both or for one of the two."""
        async with Worker(
            self.client,
            task_queue=self.task_queue,
            workflows=[ApprovalWorkflow] if workflows else [],
            activities=[self.ledger.record, self.reader.when_recorded] if activities else [],
            workflow_runner=runner(),
            build_id="test",
            sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
            **options,
        ) as worker:
            yield worker

    async def ask(self, sent: dict[str, Any] = CALL, **changed: Any) -> Handle:
        """Starts an approval."""
        return await self.start({**sent, **changed})

    async def start(self, *inputs: Any, id: str | None = None, **options: Any) -> Handle:  # noqa: A002
        """Starts the workflow with whatever input."""
        handle = await self.client.start_workflow(
            WORKFLOW_TYPE,
            args=inputs,
            id=id or ID_PREFIX + uuid.uuid4().hex,
            task_queue=self.task_queue,
            task_timeout=timedelta(seconds=5),
            **options,
        )
        self._started.append(handle)
        return handle

    async def pending(self, handle: Handle) -> ApprovalState:
        """Waits until the approval's request is in the ledger and returns its state."""
        await until(lambda: bool(self.ledger.story(handle)), "approval.requested in the ledger")
        return await handle.query("state", result_type=ApprovalState)

    async def skip(self, length: timedelta) -> None:
        """Lets time pass where it can be skipped."""
        assert self._environment is not None, "only on the server that skips time"
        await self._environment.sleep(length)

    async def pass_time(self, handle: Handle, moment: datetime | None) -> None:
        """Waits until Temporal's clock has passed a moment; a started timer has then fired."""
        assert moment is not None
        if self._environment is not None:
            left = moment - await self._environment.get_current_time()
            await self._environment.sleep(max(left, timedelta(0)) + timedelta(milliseconds=100))
            return
        left = moment - datetime.now(UTC)  # the server is on this machine
        await asyncio.sleep(left.total_seconds())
        await until(lambda: datetime.now(UTC) > moment, "the moment")
        await self._no_timer_left(handle)

    async def _no_timer_left(self, handle: Handle) -> None:
        """Waits until every timer that was started has fired or was cancelled."""
        give_up = time.monotonic() + PATIENCE
        while True:
            events = await self.events(handle)
            over = events.count(EventType.EVENT_TYPE_TIMER_FIRED) + events.count(EventType.EVENT_TYPE_TIMER_CANCELED)
            if events.count(EventType.EVENT_TYPE_TIMER_STARTED) == over:
                return
            assert time.monotonic() < give_up, "a timer does not fire"
            await asyncio.sleep(0.02)

    @staticmethod
    def lifetime(text: str) -> timedelta:
        """Returns a duration that is not `never`."""
        length = parse_duration(text)
        assert length is not None
        return length

    async def recorded(self, handle: Handle, kind: EventType.ValueType, count: int = 1) -> None:
        """Waits until the history holds so many events of a kind."""
        give_up = time.monotonic() + PATIENCE
        while (await self.events(handle)).count(kind) < count:
            assert time.monotonic() < give_up, f"no {EventType.Name(kind)}"
            await asyncio.sleep(0.02)

    async def task_completed_after(self, handle: Handle, kind: EventType.ValueType) -> None:
        """Waits until the workflow has been handed an event of a kind and has dealt with it."""
        completed = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        give_up = time.monotonic() + PATIENCE
        while True:
            events = await self.events(handle)
            if kind in events and completed in events[events.index(kind) :]:
                return
            assert time.monotonic() < give_up, f"no task after {EventType.Name(kind)}"
            await asyncio.sleep(0.02)

    async def events(self, handle: Handle, *, tasks: bool = True) -> list[EventType.ValueType]:
        """Returns the types of the events of the history, with or without those of workflow tasks."""
        found = [event.event_type for event in (await handle.fetch_history()).events]
        return [one for one in found if tasks or not EventType.Name(one).startswith("EVENT_TYPE_WORKFLOW_TASK")]

    async def outcome(self, handle: Handle) -> Outcome:
        """Waits for the end, and makes sure that no task failed on the way and that the history replays."""
        outcome = Outcome.model_validate(await asyncio.wait_for(handle.result(), PATIENCE))
        history = await handle.fetch_history()
        assert task_failures(history) == []
        await replay(history)
        return outcome

    async def failure(self, handle: Handle) -> ApplicationError:
        """Waits for a workflow to fail, and makes sure that no task of it did."""
        try:
            result = await asyncio.wait_for(handle.result(), PATIENCE)
        except WorkflowFailureError as error:
            history = await handle.fetch_history()
            if task_failures(history) or not isinstance(error.cause, ApplicationError):
                raise
            await replay(history)
            return error.cause
        message = f"did not fail: {result}"
        raise AssertionError(message)


async def update(
    handle: Handle,
    *payload: Any,
    name: str = "decide",
    id: str | None = None,  # noqa: A002
) -> DecideResult | ApplicationError:
    """Sends an Update and returns its result, or the error that refused it."""
    sent = handle.execute_update(  # pyright: ignore[reportUnknownMemberType]
        name, args=payload, id=id, result_type=DecideResult
    )
    try:
        return await asyncio.wait_for(sent, PATIENCE)
    except WorkflowUpdateFailedError as error:
        if isinstance(error.cause, ApplicationError):
            return error.cause
        raise


async def send(handle: Handle, payload: Any, name: str = "decide", id: str | None = None) -> str:  # noqa: A002
    """Sends an Update; returns the status that it led to, or the code with which it was refused."""
    answer = await update(handle, payload, name=name, id=id)
    return str(answer.type) if isinstance(answer, ApplicationError) else answer.status


async def refusal(handle: Handle, payload: Any, name: str = "decide") -> dict[str, Any]:
    """Sends an Update that is refused and returns the refusal's body."""
    error = await update(handle, payload, name=name)
    assert isinstance(error, ApplicationError), f"was not refused: {error}"
    body: dict[str, Any] = error.details[0]
    assert (error.type, error.message, error.non_retryable) == (body["code"], body["message"], True)
    return body


def task_failures(history: WorkflowHistory) -> list[str]:
    """Returns why workflow tasks failed; that something came while one completed is no failure."""
    harmless = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND
    failed = (
        event.workflow_task_failed_event_attributes
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
    )
    return [one.failure.message for one in failed if one.cause != harmless]


async def replay(*histories: WorkflowHistory) -> None:
    """Runs histories again with the code of now; raises where it would do something else."""
    replayer = Replayer(
        workflows=[ApprovalWorkflow], workflow_runner=runner(), data_converter=pydantic_data_converter, build_id="test"
    )
    for history in histories:
        await replayer.replay_workflow(history)


def _in_short(entry: Entry) -> str:
    if isinstance(entry, RefusedEntry):
        return f"refused {entry.code} {entry.decision.id}"
    if isinstance(entry, EndedEntry):
        return f"ended {entry.status}" + (f" {entry.decision.id}" if entry.decision else "")
    return "requested"
