"""Graphs on one thread, stepped as the workflow does it."""

# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false
# LangGraph's builder is untyped here and there.

from __future__ import annotations

import operator
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from langgraph.graph import START, StateGraph
from langgraph.types import interrupt
from typing_extensions import TypedDict

from placet.contracts.approvals import Outcome
from placet.contracts.config import AgentConfig
from placet.contracts.decisions import DecisionRecord
from placet.contracts.graphs import Answered, Released
from placet.graphs import Checkpoints, GraphAgent, Reached, Waiting, Wanted
from placet.graphs._loading import Source


class Notes(TypedDict):
    """What these graphs work on."""

    notes: Annotated[list[str], operator.add]


@dataclass
class Runs:
    """A graph on one thread, stepped as the workflow does it."""

    checkpoints: Checkpoints
    wanted: Wanted = field(default_factory=lambda: Wanted(run_id="run-1", agent="a", thread_id=uuid.uuid4().hex))
    ran: list[str] = field(default_factory=list[str])

    def agent(self, *nodes: str, questions: Sequence[object] = ("which?",)) -> GraphAgent:
        """Returns a graph of parallel nodes, each of which asks these questions."""
        builder = StateGraph(Notes)
        for name in nodes:
            builder.add_node(name, self._asks(name, questions))
            builder.add_edge(START, name)
        return self.of(builder.compile())

    def _asks(self, name: str, questions: Sequence[object]) -> Any:
        def node(state: Notes) -> dict[str, list[str]]:
            del state
            said = [interrupt(question) for question in questions]
            self.ran.append(name)
            return {"notes": [f"{name} {one}" for one in said]}

        return node

    def goes_on(self, thread_id: str, head: str) -> None:
        """Takes over a thread where another process left it."""
        self.wanted = replace(self.wanted, thread_id=thread_id, head=head)

    def of(self, graph: Any) -> GraphAgent:
        """Returns a graph as an agent."""
        return GraphAgent("a", AgentConfig(graph="x:y"), Source(graph))

    async def step(self, agent: GraphAgent, **changes: Any) -> Reached:
        """Runs a superstep; where it is not told otherwise, from where the last one ended."""
        reached = await agent.superstep(replace(self.wanted, **changes), self.checkpoints, lambda _: None)
        self.wanted = replace(self.wanted, head=reached.head, stop_at=reached.stop_at)
        return reached

    async def until_it_waits(self, agent: GraphAgent) -> Reached:
        """Begins a run, and steps until people are wanted."""
        return await self.until_it_rests(agent, {"notes": []})

    async def until_it_rests(self, agent: GraphAgent, given: dict[str, Any] | None = None) -> Reached:
        """Begins a run with an input, or goes on, until people are wanted or the graph has ended."""
        reached = await self.step(agent) if given is None else await self.step(agent, begins=True, given=given)
        while reached.status == "drained":
            reached = await self.step(agent)
        return reached


def approved(reached: Reached, place: int = 0) -> Answered:
    """Returns the answer that says yes to one of those that wait: a question's first option, or approvals."""
    waiting = reached.waiting[place]
    asks = waiting.form == "question"
    decision = {
        "id": "d",
        "type": "answer" if asks else "approve",
        "by": {"id": "user:dana", "name": "Dana", "via": "api"},
    }
    answers = {"answers": {"answer": {"options": ["0"]}}} if asks else {}
    record = DecisionRecord.model_validate({**decision, "received_at": "2026-03-01T00:00:00Z", "digest": "", **answers})
    outcome = Outcome(status="answered" if asks else "approved", digest="", decision=record)
    calls = tuple(Released(tool=call.tool or "ask_human", outcome=outcome) for call in waiting.calls)
    return _answered(waiting, calls)


def says(reached: Reached, text: str, place: int = 0) -> Answered:
    """Returns the answer to one of those that wait."""
    waiting = reached.waiting[place]
    decision = {"id": "d", "type": "answer", "by": {"id": "user:dana", "name": "Dana", "via": "api"}}
    record = DecisionRecord.model_validate(
        {**decision, "received_at": "2026-03-01T00:00:00Z", "digest": "", "answers": {"answer": {"text": text}}}
    )
    outcome = Outcome(status="answered", digest="", decision=record)
    return _answered(waiting, (Released(tool="ask_human", outcome=outcome),))


def _answered(waiting: Waiting, calls: tuple[Released, ...]) -> Answered:
    where = {"node": waiting.node, "namespace": waiting.namespace}
    return Answered(interrupt=waiting.id, task=waiting.task, calls=calls, **where)
