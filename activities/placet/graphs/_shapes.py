"""What a superstep takes and gives, inside the worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from langchain_core.messages import BaseMessage

from placet.contracts.graphs import Answered, Form
from placet.contracts.questions import Question
from placet.ledger import GraphState


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A superstep that the workflow wants.

    Attributes:
        head: The checkpoint to go on from; None where the thread has none.
        begins: It begins a run, with this input.
        messages: Of the input, and of the thread since the graph saw it last.
        given: The graph's own input, where it is not messages.
        context: What its nodes get beside the state.
        known: Where an earlier attempt may have begun, the ids of the messages that the transcript has.
        uncertain: The ids of calls of earlier runs that may have run and have no result.
        stop_at: LangGraph's step at which it has taken too many; None begins to count.
        again: An earlier attempt may have begun.
        mark: What all attempts of it share, and no other superstep has.
    """

    run_id: str
    agent: str
    thread_id: str
    requester: str | None = None
    head: str | None = None
    begins: bool = False
    messages: Sequence[BaseMessage] = ()
    given: Mapping[str, Any] | None = None
    context: Mapping[str, Any] | None = None
    known: frozenset[str] = frozenset()
    uncertain: frozenset[str] = frozenset()
    stop_at: int | None = None
    answers: Sequence[Answered] = ()
    again: bool = False
    mark: str = ""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One thing that an interrupt asks.

    Attributes:
        tool: Its name; None where it is a question.
        decisions: What the graph takes; empty for a question.
        questions: What is asked, where it is a question.
        args_schema: Of the tool, where it is known.
        refusable: There is a decision that says no.
        allow_skip: A question may be left open.
        index: Its place in what waited when it was asked about, where it is asked about again.
    """

    tool: str | None = None
    args: Mapping[str, Any] = field(default_factory=dict[str, Any])
    decisions: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    args_schema: dict[str, Any] | None = None
    context: dict[str, Any] | None = None
    refusable: bool = True
    allow_skip: bool = False
    index: int | None = None


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """An interrupt that waits at the head.

    Attributes:
        task: Of the graph itself, in which it waits.
        turn: The superstep after which it was asked about, where it is asked about again.
    """

    id: str
    task: str
    form: Form
    node: str
    namespace: str
    calls: tuple[Call, ...]
    turn: int | None = None


@dataclass(frozen=True, kw_only=True)
class Reached:
    """Where a superstep has brought the graph.

    Attributes:
        messages: What it added to the state's messages.
        state: What stands in the state beside them.
        output: What the graph gives, where it has ended.
    """

    status: Literal["drained", "waits", "ended"]
    head: str
    stop_at: int
    next: tuple[str, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    messages: Sequence[BaseMessage] = ()
    state: GraphState | None = None
    output: object = None
