"""A run of a LangGraph graph: what its workflow and its supersteps say to each other; no text, only ids."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from pydantic import Field, JsonValue

from placet.contracts._base import Inside, Message
from placet.contracts.approvals import Outcome
from placet.contracts.calls import Args, Verdict
from placet.contracts.runs import RunStart

Form = Literal["batch", "call", "policy", "uncertain", "old", "question", "breakpoint"]
"""What an interrupt wants for an answer.

`batch` and `call` are LangChain's human-in-the-loop middleware: all calls of a message in one, or each on its own;
`policy` is a call of ours, on which policy has the word: what it allows asks nobody; `uncertain` is one of those that a
crash has left open; `old` is the `HumanInterrupt` of
before; a `question` takes whatever fits; a `breakpoint` is a stop with which the
graph was compiled, and wants no answer but that it goes on.
"""

BREAKPOINT: Final = "breakpoint"
"""Stands where an interrupt has its id: a breakpoint is none."""
PERMIT: Final = "placet"
"""The key of an answer that holds what lets the call run."""
UNCERTAIN: Final = "placet_uncertain"
"""The type of the interrupt that asks whether a call ran."""
GO_ON: Final = "continue"
STOP_HERE: Final = "stop"


class GraphInput(RunStart):
    """The input of the workflow `GraphRun`.

    Attributes:
        input_ref: Names the graph's own input in the ledger; absent where the input is messages.
        context_ref: Names what the run's nodes get as their context, where there is any.
        step: The superstep to begin with, from 0; with what follows it is all that a run carries from one history
            into the next.
        head: The checkpoint after the last superstep; None before the first.
        last_turn: The turn row that the transcript ends with.
        stop_at: LangGraph's step at which the graph has taken too many.
        says: The id of the last message of a model's: what it says beside the calls that people are asked about.
        steps_a_history: After how many supersteps history begins anew; None: when Temporal suggests it.
    """

    input_ref: str | None = None
    context_ref: str | None = None
    step: int = 0
    head: str | None = None
    last_turn: str | None = None
    stop_at: int | None = None
    says: str | None = None
    steps_a_history: int | None = Field(default=None, ge=1)


class Permit(Message):
    """What lets a call of a graph's own tool run, and names its row; it travels with the answer to its interrupt.

    Attributes:
        turn: The superstep after which the call was asked about.
        index: Its place in what waited then.
        release: What lets it run: the approval's id, or the interrupt's where policy allowed it.
        digest: Of the call that may run.
        approver: Who approved it, `user:…`.
    """

    turn: int
    index: int
    release: str
    digest: str
    approval_id: str | None = None
    approver: str | None = None


class Released(Inside):
    """How the approval of one call ended.

    Attributes:
        args: Of the call as it was asked, where it was approved: what runs is judged once more.
        permit: Lets it run, where it runs behind a row of the ledger.
    """

    tool: str
    outcome: Outcome
    args: Args | None = None
    permit: Permit | None = None


class Answered(Inside):
    """How the approvals of one interrupt ended, in the order of its calls.

    Attributes:
        task: Of the graph itself, in which it waited: while that is there, an interrupt that is not has its answer.
        node: Which asked, and has to run when it is answered.
        namespace: Of the subgraph that has the node.
    """

    interrupt: str
    task: str
    node: str | None = None
    namespace: str = ""
    calls: tuple[Released, ...]


class StepInput(Inside):
    """The input of the activity `placet.superstep`.

    Attributes:
        input_turn: The turn row of the input, with the first superstep only.
        started_at: With the first: for the run's row, should the gateway have died before it wrote it.
        parent_turn: The turn row that the transcript ends with.
        head: The checkpoint to go on from, and the only one that is read.
        answers: What people answered to interrupts that wait at this checkpoint.
        context_ref: Names the context; it is in no checkpoint, so every superstep needs it.
    """

    run_id: str
    agent: str
    thread_id: str
    step: int
    requester: str | None = None
    parent_turn: str
    input_turn: str | None = None
    input_ref: str | None = None
    started_at: datetime | None = None
    head: str | None = None
    stop_at: int | None = None
    answers: tuple[Answered, ...] = ()
    context_ref: str | None = None


class Ask(Message):
    """One thing that an interrupt puts before a person.

    Attributes:
        tool: `ask_human` where it is a question.
        args: Of the call; the questions where there is no call.
        verdict: What policy says of it: `ask` with its terms, `deny`, or `allow` where policy has the word.
        refusable: The graph has a way to be told no; where it has none, nobody's answer ends the run.
        index: Its place in all that waits.
        allow_skip: A question may be left open.
        context: What else the person is shown.
    """

    tool: str
    args: Args
    verdict: Verdict
    allow_skip: bool = False
    schema_ref: str | None = None
    refusable: bool = True
    context: dict[str, JsonValue] | None = None
    index: int | None = None


class Pending(Inside):
    """An interrupt that waits at the head.

    Attributes:
        id: LangGraph's, or `breakpoint`.
        task: Of the graph itself, in which it waits.
        namespace: Of the subgraph, as LangGraph writes it; empty in the graph itself.
        turn: Of a call that is uncertain: the superstep after which it was asked about.
    """

    id: str
    task: str
    form: Form
    node: str
    namespace: str = ""
    turn: int | None = None
    asks: tuple[Ask, ...]

    @property
    def digests(self) -> tuple[str, ...]:
        """Tell whether it is still what was shown."""
        return tuple(one.args.digest for one in self.asks)


class StepResult(Inside):
    """What became of a superstep.

    Attributes:
        status: `drained`: it is complete and another one follows; `waits`: people are wanted; `ended`: the graph has.
        head: The checkpoint after it, or the one before where it is not complete.
        turn_row: The turn row that holds its messages.
        message_id: Its last message of the model's.
        output_ref: Names the output in the ledger, where the graph has ended and no message is it.
        next: What the next one runs.
    """

    status: Literal["drained", "waits", "ended"]
    head: str
    turn_row: str
    message_id: str | None = None
    output_ref: str | None = None
    stop_at: int | None = None
    next: tuple[str, ...] = ()
    pending: tuple[Pending, ...] = ()
