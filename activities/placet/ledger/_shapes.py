"""What the ledger takes and gives, where the contracts have no model for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, Literal, TypeVar

from pydantic import Field, JsonValue

from placet.contracts._base import Message
from placet.contracts.events import CallJudged
from placet.contracts.runs import ModelCall

MessageDict = dict[str, Any]
"""A LangChain message as `{type, data}`."""

CallEnd = Literal["succeeded", "failed", "refused"]
"""How a call ends."""

LARGEST_PAGE: Final = 200


def page_size(limit: int) -> int:
    """Returns how many items a page holds where somebody asks for that many."""
    return min(max(limit, 1), LARGEST_PAGE)


_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Page(Generic[_Item]):
    """A part of a list; `next_cursor` is None at its end."""

    items: tuple[_Item, ...]
    next_cursor: str | None = None


@dataclass(frozen=True)
class Viewer:
    """Somebody who sees a part of the ledger; where a viewer is None, all of it is seen.

    A requester sees what they asked for. An approver sees what names them, with its run.

    Attributes:
        user_id: `user:dana`.
        groups: Without `group:`.
        roles: Without `role:`.
    """

    user_id: str
    groups: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """Every way in which a list of approvers may name them, but `requester`."""
        groups = sorted(f"group:{group}" for group in self.groups)
        return (self.user_id, *groups, *sorted(f"role:{role}" for role in self.roles))


ApprovalSort = Literal["expires_at", "requested_at", "-requested_at", "urgency"]
"""By `urgency`: critical ones that expire soon, then by risk, then the oldest."""


@dataclass(frozen=True, kw_only=True)
class ApprovalQuery:
    """Which approvals, in which order; what is None or empty filters nothing.

    Attributes:
        statuses: As people see them, the deadline applied.
        q: Every word of it occurs in the title, tool, agent, reason or arguments, in any case.
        source_type: The workflow type of the `source`.
        names: Only what names them among its approvers.
        decided_by: Only what they decided, `user:…`.
        expires_before: Only what has a deadline, and an earlier one.
        limit: 1 to `LARGEST_PAGE`.
        cursor: The `next_cursor` of the page before.
    """

    statuses: tuple[str, ...] = ("pending",)
    kind: str | None = None
    tool: str | None = None
    agent: str | None = None
    risk: str | None = None
    run_id: str | None = None
    turn: int | None = None
    thread_id: str | None = None
    source_type: str | None = None
    q: str | None = None
    names: Viewer | None = None
    decided_by: str | None = None
    expires_before: datetime | None = None
    sort: ApprovalSort = "expires_at"
    limit: int = 50
    cursor: str | None = None
    visible_to: Viewer | None = None


@dataclass(frozen=True, kw_only=True)
class RunQuery:
    """Which runs, the newest first; what is None or empty filters nothing."""

    statuses: tuple[str, ...] = ()
    agent: str | None = None
    thread_id: str | None = None
    requester: str | None = None
    limit: int = 50
    cursor: str | None = None
    visible_to: Viewer | None = None


@dataclass(frozen=True)
class StoredDecision:
    """What became of a decision.

    Attributes:
        state: `recorded`: answered 202 and not resolved yet.
        fingerprint: Of the body as it was sent.
        code: Why it was refused.
    """

    state: Literal["recorded", "won", "refused"]
    fingerprint: str
    code: str | None = None


@dataclass(frozen=True)
class KeyClaim:
    """What an idempotency key stands for: the values of whoever came first."""

    target_id: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """A run as whoever opens it knows it.

    The gateway knows all of it. The run's first activity, which writes the row should the gateway have
    died, knows less; what is None is filled in by whoever knows it.

    Attributes:
        input: As it was posted.
        input_turn: The turn row that holds the input messages.
    """

    id: str
    agent: str
    thread_id: str
    requester: str | None = None
    started_at: datetime
    input: Any = None
    input_turn: str | None = None
    metadata: Mapping[str, JsonValue] | None = None
    workflow_id: str | None = None
    workflow_run_id: str | None = None


@dataclass(frozen=True)
class GraphState:
    """What stands in a graph's state beside its messages.

    Attributes:
        values: By the names of the state's keys.
        left_out: The keys whose values were too long to be kept here.
        checkpoint: Where the graph stood then.
        waits: How many approvals each interrupt that waited then is put to people as; None where nobody has kept it.
    """

    values: Mapping[str, JsonValue]
    left_out: tuple[str, ...] = ()
    checkpoint: str | None = None
    waits: Mapping[str, int] | None = None


@dataclass(frozen=True, kw_only=True)
class TurnRow:
    """One step of a transcript.

    Attributes:
        parent_turn: The row before it, also across runs of a thread; None at the root.
        message_ids: Its own messages: the input's, or the model's one answer.
        results: Message ids that answer the parent's calls, in call order.
        calls: What the model asked for; once kept, without arguments, which are in its message.
        checkpoint: Where the graph stands after it, where the run is one of a graph.
        state: What stands in the graph's state then. Only that of a run's newest turn is kept.
    """

    id: str
    run_id: str
    thread_id: str
    turn: int
    parent_turn: str | None = None
    message_ids: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    calls: tuple[ModelCall, ...] = ()
    checkpoint: str | None = None
    state: GraphState | None = None


@dataclass(frozen=True)
class GraphStart:
    """Where a graph goes on from on a thread.

    Attributes:
        checkpoint: Where it stood when its last run there ended; None where it has none.
        messages: What the thread says since then by id, the new input last.
        uncertain: The `call_id`s of calls of its runs that may have run and have no result.
    """

    checkpoint: str | None
    messages: Mapping[str, MessageDict]
    uncertain: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ThreadHead:
    """Where a thread's next run goes on from.

    Attributes:
        runs: How many runs the ledger knows of the thread.
        turn_id: The last turn row of the latest run; None where there is none.
        results: Message ids that answer that turn's calls.
    """

    runs: int
    turn_id: str | None = None
    results: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One verdict that needs nobody, on its way to the log.

    Attributes:
        once: Names the call where no run of ours does (run, turn and index name ours), so that a
            repeat writes nothing.
        interrupt: Names the call of a graph in its run: it is listed in each superstep in which it waits.
    """

    type: Literal["call.allowed", "call.denied"]
    data: CallJudged
    call_id: str | None = None
    actor: str | None = None
    once: str | None = None
    interrupt: str | None = None


@dataclass(frozen=True)
class CallClaim:
    """Who may run a call.

    Attributes:
        state: `mine`: the caller inserted the row. `taken_over`: it has the row of an earlier attempt of
            an idempotent tool. `finished`: there is a result. `uncertain`: an earlier attempt may have
            run the tool, or still does.
        status: How it finished.
        message_id: The result's message.
    """

    state: Literal["mine", "taken_over", "finished", "uncertain"]
    status: CallEnd | None = None
    message_id: str | None = None


class ToolRow(Message):
    """A tool as its agent publishes it."""

    name: str
    description: str | None = None
    args_schema: dict[str, JsonValue] = Field(default_factory=dict)


class McpServerRow(Message):
    """An MCP server of an agent, and why nothing can be asked of it."""

    name: str
    problem: str | None = None


class AgentRow(Message):
    """An agent as the worker that runs it publishes it.

    Attributes:
        warnings: What its author should know of.
    """

    name: str
    description: str | None = None
    model: str | None = None
    tools: tuple[ToolRow, ...] = ()
    mcp: tuple[McpServerRow, ...] = ()
    warnings: tuple[str, ...] = ()
