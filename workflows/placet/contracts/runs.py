"""A run: what starts it, what its activities take and give, how it looks from outside."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal, get_args

from pydantic import Field, JsonValue

from placet.contracts._base import CLOSED, Inside, Message
from placet.contracts.approvals import Approval, Outcome, WorkflowLink
from placet.contracts.calls import Args, JudgeCall, Judgement

RunEnd = Literal["completed", "failed", "cancelled", "expired"]
RunStatus = Literal["running", "waiting"] | RunEnd
RUN_STATUSES: Final[tuple[str, ...]] = ("running", "waiting", *get_args(RunEnd))


class RunRequest(Message):
    """The body of POST `/v1/runs`; `input` is text or LangChain message dicts, or a graph's own input."""

    model_config = CLOSED

    agent: str = Field(min_length=1)
    input: str | tuple[dict[str, JsonValue], ...] | dict[str, JsonValue]
    thread_id: str | None = Field(default=None, min_length=1, max_length=200)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


class Run(Message):
    """A run as REST shows it; the fields of contract "Run"."""

    id: str
    agent: str
    thread_id: str
    status: RunStatus
    requester: str | None = None
    input: Any = None
    output: str | None = None
    error: str | None = None
    pending: tuple[Approval, ...] = ()
    started_at: datetime
    ended_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    temporal: WorkflowLink


class RunStart(Inside):
    """What every run is started with; no text, only ids.

    Attributes:
        input_turn: The ledger's turn row that holds the input messages (and, through its parents,
            the thread before them).
        requester: `user:…`, who started the run.
    """

    run_id: str
    agent: str
    thread_id: str
    input_turn: str
    requester: str | None = None
    tool_timeout_seconds: float = 3600.0


class RunInput(RunStart):
    """The input of the workflow `AgentRun`.

    Attributes:
        turn: The turn to begin with, from 0; with `head` and `results` it is all that a run carries
            from one history into the next.
        head: The turn row that the transcript ends with; None at the first turn.
        results: Message ids of the calls of that row, in call order.
        turns_a_history: After how many turns history begins anew; None: when Temporal suggests it.
    """

    max_turns: int = 40
    turn: int = 0
    head: str | None = None
    results: tuple[str, ...] = ()
    turns_a_history: int | None = Field(default=None, ge=1)


class RunResult(Inside):
    """The result of a run's workflow; the text lies in the ledger."""

    status: RunEnd
    message_id: str | None = None
    error: str | None = None


class ModelInput(Inside):
    """The input of the activity `placet.model`.

    Attributes:
        requester: Who started the run.
        started_at: When, with the first turn: for the run's row, should the gateway have died before it wrote it.
        parent_turn: The turn row that the transcript ends with.
        results: Message ids of the parent turn's calls, in call order.
    """

    run_id: str
    agent: str
    thread_id: str
    turn: int
    parent_turn: str
    results: tuple[str, ...] = ()
    requester: str | None = None
    started_at: datetime | None = None


class ModelCall(Message):
    """One call that the model asked for.

    Attributes:
        index: Its place in the turn; with run and turn it names the call (`call_id`s repeat).
        schema_ref: Names the tool's JSON Schema in the ledger; absent where policy asks nobody.
        tool_ref: The same of the tool as the model saw it (name, description, schema).
        allow_skip: Of questions (`ask_human`): the person may leave them open.
        context: Of questions: what the model wants the person to know.
        problem: The id of the error message that already answers it (no such tool, arguments that
            break the schema); nobody is asked then and nothing runs.
        verdict: What policy says of it; absent where it was not judged with the answer, and is by an activity
            of its own.
    """

    index: int
    call_id: str
    tool: str
    args: Args | None = None
    schema_ref: str | None = None
    tool_ref: str | None = None
    allow_skip: bool = False
    context: dict[str, JsonValue] | None = None
    problem: str | None = None
    verdict: Judgement | None = None


def to_judge(call: ModelCall) -> JudgeCall:
    """Returns a call as policy judges it."""
    return JudgeCall(
        tool=call.tool,
        args_text=call.args.text if call.args else None,
        args_ref=call.args.ref if call.args else None,
        call_id=call.call_id,
        index=call.index,
    )


class ModelResult(Inside):
    """What the model answered: the turn row's id, and the calls; none ends the run.

    Attributes:
        cut: What stopped the answer in the middle, where something did, in the provider's word.
    """

    turn_row: str
    message_id: str
    calls: tuple[ModelCall, ...] = ()
    cut: str | None = None


class CallRef(Message):
    """Which call of which run.

    Attributes:
        release: What lets it run: the approval's id, or the model's turn row where policy allowed it. After a
            reset the same place of a run may hold another call, or one that was decided anew.
    """

    run_id: str
    agent: str
    thread_id: str
    turn: int
    index: int
    call_id: str
    tool: str
    requester: str | None = None
    release: str = ""


class ToolInput(Inside):
    """The input of the activity `placet.tool`.

    Attributes:
        args: What runs.
        gated: Policy asked for a person, so `approval_id` and `outcome` must cover `args.digest`.
        again: How often a person said "run it again" after an uncertain attempt.
        tool_ref: Names the tool as it was shown in the ledger; absent where nobody was asked.
        asked_digest: Of the call as the model wanted it, where it is another one than that of `args`: after an edit.
    """

    call: CallRef
    args: Args
    gated: bool = False
    approval_id: str | None = None
    outcome: Outcome | None = None
    again: int = 0
    tool_ref: str | None = None
    asked_digest: str | None = None


class Change(Message):
    """What is not as it was shown to the person who approved: texts, cut to what a person reads."""

    what: str
    before: str | None = None
    after: str | None = None


class AskedAgain(Message):
    """Why a call is asked about again: `asked_again` in the context of its approval.

    Attributes:
        previous_approval: The approval that the call had; None where policy had allowed it.
        changes: What is not as it was then.
    """

    previous_approval: str | None = None
    changes: tuple[Change, ...] = ()


class ToolResult(Inside):
    """What became of a call.

    Attributes:
        status: `ask`: a person is wanted (again), by policy of this moment or because the tool is not the
            one that was shown; nothing ran. `uncertain`: an earlier attempt may have run the tool;
            nothing ran now.
        message_id: The result's message in the ledger; absent for `ask` and `uncertain`.
        changes: For `ask`: how the tool differs from the one that was shown.
        tool_ref: For `ask`: the tool as it is now, where it differs from the one that was shown, or none was.
        schema_ref: The same of its arguments' JSON Schema.
    """

    status: Literal["succeeded", "failed", "refused", "uncertain", "ask"]
    message_id: str | None = None
    changes: tuple[Change, ...] = ()
    tool_ref: str | None = None
    schema_ref: str | None = None


SettleReason = Literal[
    "denied",
    "rejected",
    "responded",
    "answered",
    "skipped",
    "expired",
    "cancelled",
    "superseded",
    "ran",
    "uncertain",
]


class SettleInput(Inside):
    """The input of the activity `placet.settle`: give a call that did not run its message.

    Attributes:
        reason: Why it did not run here; `ran`: a person said that the uncertain call had run;
            `uncertain`: nobody could say.
        outcome: The approval's, where there was one.
        verdict_reason: What policy said, for `denied`.
        questions: What was asked, for a call of `ask_human`.
    """

    call: CallRef
    reason: SettleReason
    approval_id: str | None = None
    outcome: Outcome | None = None
    verdict_reason: str | None = None
    digest: str | None = None
    questions: Args | None = None


class SettleResult(Inside):
    """The id of the message that answers the call."""

    message_id: str


class CloseInput(Inside):
    """The input of the activity `placet.close`: the run's end.

    Attributes:
        last_turn: The turn row whose calls may still be open; each gets a message.
        open_calls: Calls of that turn without a result.
        results: Message ids of the calls that have one, by index.
        output_ref: Names the output in the ledger where no message is it.
    """

    run_id: str
    agent: str
    thread_id: str
    status: RunEnd
    message_id: str | None = None
    output_ref: str | None = None
    error: str | None = None
    reason: str | None = None
    last_turn: str | None = None
    turn: int = 0
    open_calls: tuple[ModelCall, ...] = ()
    results: dict[int, str] = Field(default_factory=dict)
    actor: str | None = None


class CloseResult(Inside):
    """The run's end is in the ledger."""
