"""The superstep activity: one step of a graph in its own loop, and what came of it in the ledger."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

import structlog
from langchain_core.messages import AIMessage, BaseMessage, messages_from_dict
from pydantic_core import to_jsonable_python
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from placet.contracts.canonical import parse_object
from placet.contracts.events import TurnCompleted
from placet.contracts.graphs import Pending, StepInput, StepResult
from placet.contracts.runs import CloseInput
from placet.effects._answers import usage_of
from placet.effects._beat import beat_of
from placet.effects._graph_rows import GraphRows
from placet.effects._messages import stored_message
from placet.effects._pending import Pendings
from placet.effects._threads import ToolThreads
from placet.effects._undisturbed import undisturbed
from placet.effects._watch import NOBODY, Watch
from placet.ledger import Ledger, MessageDict, RunRow, TurnRow
from placet.runs import effects

if TYPE_CHECKING:
    from placet.graphs import Checkpoints, GraphAgent, Reached, Wanted

_ROWS: Final = uuid.UUID("0b5f2b6e-7f43-5c5e-8f0c-6a1f0f1f8f55")
_OUTPUT: Final = "output"
_LARGEST_OUTPUT: Final = 256 * 1024
_PRUNING_LIMIT: Final = 10.0
_log = structlog.get_logger("placet.graphs")


class SuperstepActivities:
    """The activity that runs graphs, each in a loop and threads of its own."""

    def __init__(
        self,
        client: Client,
        ledger: Ledger,
        graphs: Mapping[str, GraphAgent],
        pendings: Pendings,
        *,
        slots: int,
        watch: Watch = NOBODY,
    ) -> None:
        """Runs these graphs.

        Args:
            client: For heartbeats.
            ledger: Where everything is written.
            graphs: The agents that are graphs, by name.
            pendings: Says what people are asked.
            slots: How many activities the worker runs at once.
            watch: Is told of what models have said.
        """
        self._client = client
        self._ledger = ledger
        self._graphs = graphs
        self._pendings = pendings
        self._watch = watch
        self._threads = {name: ToolThreads(slots, f"graph {name}") for name in graphs}
        self._checkpoints = _checkpoints(ledger) if graphs else None

    async def start(self) -> None:
        """Tries whether LangGraph stops after a superstep as it should; where not, graphs run from wait to wait."""
        if not self._graphs:
            return
        from placet.graphs import self_test  # noqa: PLC0415 - only where there are graphs

        first = next(iter(self._threads.values()))
        problem = await first.run(self_test())
        if problem is not None:
            _log.warning("graphs.in_segments", meaning="a crash repeats more of them", problem=problem)
            for graph in self._graphs.values():
                graph.run_in_segments(problem)

    async def stop(self) -> None:
        """Lets go of what the graphs hold open."""
        for name, graph in self._graphs.items():
            await self._threads[name].run(self._leave(graph))
        if self._checkpoints is not None:
            await self._checkpoints.close()

    def close(self) -> None:
        """Stops the loops of the graphs."""
        for threads in self._threads.values():
            threads.close()

    @activity.defn(name=effects.SUPERSTEP)
    async def superstep(self, given: StepInput) -> StepResult:
        """Runs the graph to its next boundary and returns where it stands then.

        Only what the result names counts. Should it get lost, the next attempt applies again what the graph's
        tasks have stored, and none of those that had finished runs twice.
        """
        graph = self._graphs.get(given.agent)
        if graph is None:
            message = f"This worker has no graph {given.agent!r}."
            raise ApplicationError(message, type="unknown_agent", non_retryable=True)
        if given.started_at is not None:
            await self._ledger.open_run(_run_row(given))
        beat = beat_of(self._client, activity.info().task_token)
        rows = GraphRows(self._ledger, given, beat, graph.is_idempotent)
        async with beat.going():
            wanted = await self._wanted(given)
            if given.head is not None and self._checkpoints is not None:
                await self._checkpoints.prune_behind(given.thread_id, given.head, given.step, stepped=graph.stepped)
            reached = await self._run(graph, wanted, rows)
            return await self._kept(given, reached, rows.kept)

    async def closed(self, given: CloseInput) -> None:
        """Deletes the checkpoints of a run that has ended, but the one from which its thread goes on.

        What cannot be deleted now is when the thread's next run ends.
        """
        if self._checkpoints is None or given.agent not in self._graphs or given.last_turn is None:
            return
        try:
            turn = await self._ledger.turn(given.last_turn)
            if turn is not None and turn.checkpoint is not None:
                pruning = self._checkpoints.prune(given.thread_id, turn.checkpoint)
                await asyncio.wait_for(pruning, _PRUNING_LIMIT)
        except Exception as error:  # noqa: BLE001 - the run has ended, whatever this is
            _log.warning("graph.not_pruned", run_id=given.run_id, error=str(error))

    async def _run(self, graph: GraphAgent, wanted: Wanted, rows: GraphRows) -> Reached:
        from placet.graphs import GraphChangedError, GraphError  # noqa: PLC0415 - only where there are graphs

        if self._checkpoints is None:
            message = "there is no database of checkpoints"
            raise ApplicationError(message)
        stop: list[Callable[[], object]] = []
        work = graph.superstep(wanted, self._checkpoints, stop.append, rows)
        running = asyncio.create_task(self._threads[graph.name].run(work))
        try:
            return await undisturbed(running, lambda: [one() for one in stop])
        except GraphError as error:
            kind = "graph_changed" if isinstance(error, GraphChangedError) else "graph_failed"
            raise ApplicationError(str(error), type=kind, non_retryable=True) from error

    async def _wanted(self, given: StepInput) -> Wanted:
        from placet.graphs import Wanted  # noqa: PLC0415 - only where there are graphs

        messages: list[BaseMessage] = []
        head, uncertain = given.head, frozenset[str]()
        if given.input_turn is not None:
            start = await self._ledger.graphs.start(given.input_turn, given.agent)
            head, messages, uncertain = start.checkpoint, _with_ids(start.messages), start.uncertain
        own, context = [
            parse_object(await self._ledger.get_args(ref)) if ref else None
            for ref in (given.input_ref, given.context_ref)
        ]
        again = activity.info().attempt > 1
        return Wanted(
            run_id=given.run_id,
            agent=given.agent,
            thread_id=given.thread_id,
            requester=given.requester,
            head=head,
            begins=given.input_turn is not None,
            messages=messages,
            given=own,
            context=context,
            uncertain=uncertain,
            stop_at=given.stop_at,
            answers=await self._pendings.still_allowed(given),
            again=again,
            known=await self._known(given) if again else frozenset(),
            mark=_mark_of(given),
        )

    async def _known(self, given: StepInput) -> frozenset[str]:
        """Returns the ids that the messages of the transcript have in the graph."""
        told = await self._ledger.transcript(given.parent_turn)
        return frozenset(str(message["data"].get("id")) for message in told)

    async def _kept(self, given: StepInput, reached: Reached, results: Collection[str]) -> StepResult:
        """Writes what the superstep has said, and returns it as the workflow holds it.

        Args:
            given: The superstep.
            reached: What came of it.
            results: The ids of messages that the ledger has already.
        """
        named = f"{_mark_of(given)} {reached.head}"
        rows: dict[str, BaseMessage] = {}
        for place, one in enumerate(reached.messages):
            there = one.id if one.id in results else None
            rows[there or uuid.uuid5(_ROWS, f"{named} {place}").hex] = one
        pending = await self._pendings.of(given, reached.waiting)
        turn = TurnRow(
            id=uuid.uuid5(_ROWS, named).hex,
            run_id=given.run_id,
            thread_id=given.thread_id,
            turn=given.step,
            parent_turn=given.parent_turn,
            message_ids=tuple(rows),
            checkpoint=reached.head,
            state=reached.state and replace(reached.state, waits=_approvals_of(reached, pending)),
        )
        kept = {message_id: stored_message(message) for message_id, message in rows.items()}
        await self._ledger.put_turn(turn, kept, _completed(given, reached, rows))
        await self._pendings.log(given, pending)
        said = [message_id for message_id, message in rows.items() if isinstance(message, AIMessage)]
        for message in reached.messages:
            if isinstance(message, AIMessage):
                self._watch.answered(given.agent, usage_of(message))
        ended = reached.status == "ended"
        return StepResult(
            status=reached.status,
            head=reached.head,
            turn_row=turn.id,
            message_id=said[-1] if said else None,
            output_ref=await self._output(reached.output) if ended else None,
            stop_at=reached.stop_at,
            next=reached.next,
            pending=pending,
        )

    async def _output(self, output: object) -> str:
        """Keeps what the graph has given: the text of its last message, or else its values as JSON."""
        text = _text_of(output)[:_LARGEST_OUTPUT]
        return await self._ledger.put_args(_OUTPUT, json.dumps(text))

    async def _leave(self, graph: GraphAgent) -> None:
        await graph.close()
        if self._checkpoints is not None:
            await self._checkpoints.close()


def _mark_of(given: StepInput) -> str:
    return f"{activity.info().workflow_run_id} {given.step}"


def _with_ids(stored: Mapping[str, MessageDict]) -> list[BaseMessage]:
    """Returns messages under the ids of their rows: the graph adds each once."""
    read = messages_from_dict(list(stored.values()))
    return [message.model_copy(update={"id": row}) for row, message in zip(stored, read, strict=True)]


def _checkpoints(ledger: Ledger) -> Checkpoints:
    from placet.graphs import Checkpoints  # noqa: PLC0415 - only where there are graphs

    return Checkpoints(ledger.url)


def _run_row(given: StepInput) -> RunRow:
    """Returns the row that the gateway would have written, had it not died before."""
    return RunRow(
        id=given.run_id,
        agent=given.agent,
        thread_id=given.thread_id,
        requester=given.requester,
        started_at=given.started_at or activity.info().started_time,
        input_turn=given.input_turn,
    )


def _completed(given: StepInput, reached: Reached, rows: Mapping[str, BaseMessage]) -> TurnCompleted | None:
    """Returns what readers are told; None where nothing was said, and its wait or its end is told of anyway."""
    shows = reached.status == "drained" and reached.state is not None and reached.state.values
    if not rows and not shows:
        return None
    answers = [message for message in rows.values() if isinstance(message, AIMessage)]
    return TurnCompleted(
        turn=given.step,
        message_id=list(rows)[-1] if rows else None,
        calls=sum(len(answer.tool_calls) for answer in answers),
        usage=usage_of(answers[-1]) if answers else None,
    )


def _approvals_of(reached: Reached, found: Sequence[Pending]) -> dict[str, int]:
    """Returns how many approvals each interrupt is put to people as; none where the graph goes on meanwhile."""
    if reached.status != "waits":
        return {}
    return {pending.id: sum(ask.verdict.effect == "ask" for ask in pending.asks) for pending in found}


def _text_of(output: object) -> str:
    if isinstance(output, str):
        return output
    found: object = cast("Mapping[str, object]", output).get("messages") if isinstance(output, Mapping) else None
    messages = cast("list[object]", found) if isinstance(found, list) else []
    if messages and isinstance(messages[-1], AIMessage):
        return messages[-1].text
    plain = to_jsonable_python(output, fallback=str, inf_nan_mode="constants", bytes_mode="base64")
    return json.dumps(plain, ensure_ascii=False)
