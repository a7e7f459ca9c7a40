"""The events of the ledger and of every stream: their types, and the `data` of each."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal, get_args

from pydantic import Field

from placet.contracts._base import Message
from placet.contracts.decisions import DecisionRecord

EventType = Literal[
    "run.started",
    "run.cancel_requested",
    "run.completed",
    "run.failed",
    "run.cancelled",
    "run.expired",
    "run.reset",
    "turn.completed",
    "call.allowed",
    "call.denied",
    "call.started",
    "call.finished",
    "call.uncertain",
    "approval.requested",
    "approval.decided",
    "approval.refused",
    "approval.expired",
    "approval.cancelled",
    "approval.superseded",
]
EVENT_TYPES: Final[tuple[EventType, ...]] = get_args(EventType)

RUN_ENDS: Final = frozenset({"run.completed", "run.failed", "run.cancelled", "run.expired"})
"""The events after which nothing is appended to a run."""
APPROVAL_ENDS: Final[frozenset[EventType]] = frozenset(
    {"approval.decided", "approval.expired", "approval.cancelled", "approval.superseded"}
)
"""The events of which an approval has exactly one."""

SYSTEM_TIMEOUT: Final = "system:timeout"
SYSTEM_RECONCILER: Final = "system:reconciler"
OPERATOR: Final = "operator"


class Event(Message):
    """One event as every stream shows it.

    Attributes:
        id: An opaque cursor; the order of ids is the order of the log.
        actor: `user:…`, `agent:…`, `system:timeout`, `system:reconciler` or `operator`.
    """

    id: str
    type: EventType
    at: datetime
    run_id: str | None = None
    approval_id: str | None = None
    call_id: str | None = None
    actor: str | None = None
    data: dict[str, Any] = Field(default_factory=dict)


class RunStarted(Message):
    """`run.started`."""

    agent: str
    thread_id: str
    requester: str | None = None


class RunCancelRequested(Message):
    """`run.cancel_requested`."""

    reason: str | None = None


class RunEnded(Message):
    """`run.completed`, `run.failed`, `run.cancelled` and `run.expired`."""

    output: str | None = None
    error: str | None = None
    reason: str | None = None


class RunReset(Message):
    """`run.reset`: an operator took the run back to an earlier point."""

    turn: int | None = None


class TurnCompleted(Message):
    """`turn.completed`: the model has answered, or a graph taken a step; `message_id` is the message, if any."""

    turn: int
    message_id: str | None = None
    calls: int
    usage: dict[str, int] | None = None


class CallJudged(Message):
    """`call.allowed` and `call.denied`."""

    tool: str
    digest: str
    turn: int | None = None
    index: int | None = None
    rule: str | None = None
    reason: str | None = None


class CallStarted(Message):
    """`call.started`: written before the tool runs, never after."""

    tool: str
    digest: str
    turn: int
    index: int
    attempt: int = 1


class CallFinished(Message):
    """`call.finished`."""

    tool: str
    digest: str
    turn: int
    index: int
    status: Literal["succeeded", "failed", "refused"]
    message_id: str | None = None


class CallUncertain(Message):
    """`call.uncertain`: a crash left it open whether the tool ran."""

    tool: str
    digest: str
    turn: int
    index: int


class ApprovalRequested(Message):
    """`approval.requested`."""

    kind: str
    tool: str
    title: str
    digest: str
    risk: str
    expires_at: datetime | None = None


class ApprovalDecided(Message):
    """`approval.decided`: how it ended, and the decision that ended it."""

    status: str
    decision: DecisionRecord


class ApprovalRefused(Message):
    """`approval.refused`: a recorded decision that did not count, and why."""

    decision_id: str
    code: str
    type: str | None = None
    message: str | None = None


class ApprovalEnded(Message):
    """`approval.expired`, `approval.cancelled` and `approval.superseded`: nobody decided."""

    status: str
    reason: str | None = None


EVENT_DATA: Final[dict[EventType, type[Message]]] = {
    "run.started": RunStarted,
    "run.cancel_requested": RunCancelRequested,
    "run.completed": RunEnded,
    "run.failed": RunEnded,
    "run.cancelled": RunEnded,
    "run.expired": RunEnded,
    "run.reset": RunReset,
    "turn.completed": TurnCompleted,
    "call.allowed": CallJudged,
    "call.denied": CallJudged,
    "call.started": CallStarted,
    "call.finished": CallFinished,
    "call.uncertain": CallUncertain,
    "approval.requested": ApprovalRequested,
    "approval.decided": ApprovalDecided,
    "approval.refused": ApprovalRefused,
    "approval.expired": ApprovalEnded,
    "approval.cancelled": ApprovalEnded,
    "approval.superseded": ApprovalEnded,
}
"""The model of each event's `data`."""
