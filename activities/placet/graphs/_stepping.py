"""One superstep of a graph, by LangGraph's cooperative drain.

The saver asks for the drain when the graph has stored the checkpoint of a superstep; LangGraph then stops at that
boundary. What it is told here and nowhere else are two private keys of its configuration: to go on at a boundary as if
it had never stopped, and to refuse an answer to what does not wait.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import CheckpointMetadata
from langgraph.errors import GraphRecursionError, is_invalid_resume
from langgraph.types import Command, Interrupt, StateSnapshot

from placet.agents import Tool
from placet.contracts.graphs import BREAKPOINT, PERMIT, Answered
from placet.graphs._asking import breakpoint_at, with_problem
from placet.graphs._claims import are_first, claim, release
from placet.graphs._drain import Drain, GraphDrained
from placet.graphs._input import input_of
from placet.graphs._interrupts import Place, answer, read
from placet.graphs._loading import Graph
from placet.graphs._messages import new_messages
from placet.graphs._pinned import Pinned
from placet.graphs._shapes import Reached, Waiting, Wanted
from placet.graphs._state import shown_state
from placet.graphs.errors import (
    CheckpointGoneError,
    CheckpointsUnavailableError,
    GraphChangedError,
    MisfitError,
    NodeError,
    TooManyStepsError,
)

_RESUMING: Final = "__pregel_resuming"
_STRICT: Final = "__pregel_strict_resume"
_INTERRUPT: Final = "__interrupt__"
_MARK: Final = "placet_superstep"
_COPY: Final = "__copy__"
_LANGGRAPHS: Final = ("__", "thread_", "checkpoint")
_LONGEST_PROBLEM: Final = 500
_MODES: Final = ("tasks", "values")
_Part = tuple[tuple[str, ...], str, Any]
_ROOM_TO_BEGIN: Final = 3
_ROOM_TO_GO_ON: Final = 1
"""With no more steps left than this the rest runs without a drain: LangGraph counts otherwise when it begins."""


class Stepping:
    """One superstep."""

    def __init__(
        self,
        graph: Graph,
        saver: Pinned,
        tools: Mapping[str, Tool],
        wanted: Wanted,
        limit: int,
        *,
        stepped: bool = True,
    ) -> None:
        """Prepares a superstep.

        Args:
            graph: A copy that has this saver.
            saver: Reads from the checkpoint that counts.
            tools: The graph's.
            wanted: What to do.
            limit: How many supersteps the graph may take in one go.
            stepped: It stops after a superstep; else where it would by itself.
        """
        self._graph = graph
        self._saver = saver
        self._tools = tools
        self._wanted = wanted
        self._limit = limit
        self._stepped = stepped
        self.drain = Drain()
        self._places: dict[str, Place] = {}
        self._failed: str | None = None
        self._output: object = None
        self._before: object = None
        self._problems: dict[str, str] = {}
        self._ran: set[tuple[str, str]] = set()

    async def run(self) -> Reached:
        """Runs the superstep.

        Raises:
            CheckpointGoneError: The head is not there any more.
            CheckpointsUnavailableError: The database of checkpoints did not answer.
            GraphChangedError: What was answered is not there any more.
            NodeError: The graph failed.
            TooManyStepsError: It is not done after as many supersteps as it may take.
        """
        before = await self._state()
        if self._wanted.head is not None and before.metadata is None:
            raise CheckpointGoneError(self._wanted.head)
        self._before = await self._values_of_the_head(before)
        stop_at = self._stop_at(before)
        started = await self._taken_up() or await self._branched_off(before) or before
        try:
            given, flags = await (self._given(before) if started is before else self._going_on())
        except MisfitError:
            # Nothing of it fits: it is asked again, and the graph has not heard of it.
            return await self._reached(before, stop_at, drained=False)
        self._drain_at_the_boundary(started, stop_at)
        try:
            drained = await self._stream(given, self._config(flags, stop_at - _step(started) - 2))
        except MisfitError as error:
            drained = await self._stream_without_the_refused(str(error), stop_at - _step(started) - 2)
        self._check_who_was_told()
        after = await self._state()
        return await self._reached(after, stop_at, drained=drained)

    async def _state(self) -> StateSnapshot:
        with self._database():
            return await self._graph.aget_state(self._config({}))

    async def _values_of_the_head(self, before: StateSnapshot) -> object:
        """Returns the state without what tasks have written since: of that an earlier attempt may have told nothing."""
        if not self._wanted.again or self._wanted.head is None:
            return before.values
        config = self._config({"checkpoint_id": self._wanted.head})
        with self._database():
            return (await self._graph.aget_state(config)).values

    @contextlib.contextmanager
    def _database(self) -> Generator[None]:
        try:
            yield
        except Exception as error:
            broken = self._saver.pin.broken
            if broken is not None:
                message = f"the database of checkpoints cannot be used: {broken}"
                raise CheckpointsUnavailableError(message) from error
            raise

    async def _taken_up(self) -> StateSnapshot | None:
        """Goes on from where an earlier attempt has come to, where one activity is many supersteps."""
        if self._stepped or not self._wanted.again:
            return None
        with self._database():
            newest = await self._saver.newest(**{_MARK: self._wanted.mark})
        if newest is None:
            return None
        self._saver.pin.head = newest
        return await self._state()

    async def _branched_off(self, before: StateSnapshot) -> StateSnapshot | None:
        """Asks again, at a copy of the head, what was answered here before an operator reset the run."""
        tasks = {task.id for task in before.tasks}
        if not all(one.task in tasks or one.interrupt == BREAKPOINT for one in self._wanted.answers):
            return None  # The graph has changed.
        with self._database():
            if await are_first(self._saver, self._wanted, before):
                return None
            await self._graph.aupdate_state(self._config({}), None, as_node=_COPY)
        self._wanted = replace(self._wanted, answers=())
        return await self._state()

    async def _given(self, before: StateSnapshot) -> tuple[object, dict[str, Any]]:
        """Returns what the graph is given, and with which flags it goes on."""
        if self._wanted.begins:
            begun = None
            if self._wanted.again:
                with self._database():
                    begun = await self._saver.newest(source="input", placet_run_id=self._wanted.run_id)
            if begun is None:
                return input_of(self._graph, self._wanted, before.values), {}
            self._saver.pin.head = begun
        elif self._wanted.answers:
            resume = self._resume(before)
            with self._database():
                await claim(self._saver, self._wanted.mark, resume)
            return (Command(resume=resume), {_STRICT: True}) if resume else (None, {})
        return await self._going_on()

    async def _going_on(self) -> tuple[None, dict[str, Any]]:
        """Returns how the graph goes on at a boundary as if it had never stopped."""
        with self._database():
            began = await self._saver.subgraph_began()
        return None, {} if began else {_RESUMING: False}

    def _resume(self, before: StateSnapshot) -> dict[str, object]:
        """Returns the answers that are still waited for, by the id of their interrupt.

        Raises:
            GraphChangedError: One was neither waited for nor consumed.
            MisfitError: None of them fits.
        """
        waiting = {interrupt.id: interrupt for interrupt in before.interrupts}
        told: dict[str, object] = {}
        tasks = {task.id for task in before.tasks}
        for one in self._wanted.answers:
            if one.interrupt == BREAKPOINT:
                continue
            interrupt = waiting.get(one.interrupt)
            if interrupt is None and one.task not in tasks:
                raise GraphChangedError(one.interrupt)
            if interrupt is None:
                continue  # An earlier attempt has given this answer to its task.
            try:
                told[one.interrupt] = self._answer(interrupt, one)
            except MisfitError as error:
                self._problems[one.interrupt] = str(error)
        if self._problems and not told:
            raise MisfitError(*self._problems.values())
        return told

    async def _stream_without_the_refused(self, problem: str, limit: int) -> bool:
        """Asks again what the graph's own check refused, of which it has stored nothing, and gives the other answers.

        Returns:
            Whether the graph was drained.
        """
        waiting = {interrupt.id: interrupt for interrupt in (await self._state()).interrupts}
        told = [one for one in self._wanted.answers if one.interrupt in waiting.keys() - self._problems.keys()]
        refused = [one.interrupt for one in told if one.node == self._failed] or [one.interrupt for one in told]
        self._problems.update(dict.fromkeys(refused, problem))
        with self._database():
            await release(self._saver, self._wanted.mark, refused)
        others = {
            one.interrupt: self._answer(waiting[one.interrupt], one) for one in told if one.interrupt not in refused
        }
        if not others:
            return False
        self._failed = None
        try:
            return await self._stream(Command(resume=others), self._config({_STRICT: True}, limit))
        except MisfitError as error:
            return await self._stream_without_the_refused(str(error), limit)

    def _check_who_was_told(self) -> None:
        """Checks that each node that had asked has run: in a subgraph LangGraph passes over one that is gone.

        Where an earlier attempt may have run it, it need not run again.

        Raises:
            GraphChangedError: One has not.
        """
        if self._wanted.again:
            return
        for one in self._wanted.answers:
            asked = one.node is not None and one.interrupt != BREAKPOINT and one.interrupt not in self._problems
            if asked and one.namespace and (one.namespace, one.node) not in self._ran:
                raise GraphChangedError(one.interrupt)

    def _answer(self, interrupt: Interrupt[Any], answered: Answered) -> object:
        asked = read(interrupt, Place(""), self._tools)
        value = answer(interrupt, asked, [call.outcome for call in answered.calls])
        permit = answered.calls[0].permit
        if permit is None or not isinstance(value, dict):
            return value
        return {**cast("dict[str, object]", value), PERMIT: permit.model_dump()}

    def _stop_at(self, before: StateSnapshot) -> int:
        """Returns LangGraph's step at which the graph has taken too many; it counts anew from an input or an answer."""
        if self._wanted.stop_at is not None and not self._wanted.answers and not self._wanted.begins:
            return self._wanted.stop_at
        return _step(before) + self._limit + 2

    def _drain_at_the_boundary(self, before: StateSnapshot, stop_at: int) -> None:
        begins = self._wanted.begins or bool(self._wanted.answers)
        left = stop_at - _step(before) - 2
        if not self._stepped or left <= (_ROOM_TO_BEGIN if begins else _ROOM_TO_GO_ON):
            return

        def stored(metadata: CheckpointMetadata) -> None:
            if metadata.get("source") == "loop":
                self.drain.ask("superstep")

        self._saver.pin.stored = stored

    def _config(self, flags: Mapping[str, Any], limit: int | None = None) -> RunnableConfig:
        wanted = self._wanted
        config: RunnableConfig = {
            "configurable": {**configurable_of(wanted), **flags},
            "metadata": metadata_of(wanted),
            "run_name": wanted.agent,
        }
        if limit is not None:
            config["recursion_limit"] = max(limit, 1)
        return config

    async def _stream(self, given: object, config: RunnableConfig) -> bool:
        """Runs the graph to the next boundary, or to where it stops by itself; returns whether it was drained."""
        stream = cast("Callable[..., AsyncIterator[_Part]]", self._graph.astream)
        context = None if self._wanted.context is None else dict(self._wanted.context)
        more = {"durability": "sync", "context": context, **self.drain.given}
        parts = stream(given, config, stream_mode=list(_MODES), subgraphs=True, **more)
        try:
            with self._database():
                async for namespace, mode, payload in parts:
                    self._hear("|".join(namespace), mode, payload)
        except GraphDrained:
            return True
        except CheckpointsUnavailableError:
            raise
        except GraphRecursionError as error:
            raise TooManyStepsError(self._limit) from error
        except Exception as error:
            if is_invalid_resume(error):
                raise MisfitError(str(error)[:_LONGEST_PROBLEM]) from error
            raise NodeError(self._failed, error) from error
        return False

    def _hear(self, namespace: str, mode: str, payload: Any) -> None:  # noqa: ANN401 - LangGraph's
        if mode == "values":
            if not namespace and not (isinstance(payload, dict) and _INTERRUPT in payload):
                self._output = payload
            return
        self._ran.add((namespace, payload["name"]))
        for interrupt in payload.get("interrupts") or ():
            known = self._places.get(interrupt["id"])
            if known is None or len(known.namespace) < len(namespace):
                self._places[interrupt["id"]] = Place(payload["name"], namespace)
        if payload.get("error") is not None and self._failed is None:
            self._failed = payload["name"]

    async def _reached(self, after: StateSnapshot, stop_at: int, *, drained: bool) -> Reached:
        waiting = () if drained else tuple(self._waiting(after))
        output = after.values if self._output is None else self._output
        new = new_messages(self._before, after.values, self._wanted.messages)
        return Reached(
            status="drained" if drained else "waits" if waiting else "ended",
            head=self._saver.pin.head or "",
            stop_at=stop_at,
            next=after.next,
            waiting=waiting,
            messages=[one for one in new if one.id not in self._wanted.known],
            state=shown_state(self._graph, after.values, output),
            output=output,
        )

    def _waiting(self, state: StateSnapshot) -> Iterator[Waiting]:
        """Yields what waits for people: interrupts, or the breakpoint at which the graph stands."""
        told = {one.interrupt: Place(one.node, one.namespace) for one in self._wanted.answers if one.node is not None}
        for task in state.tasks:
            for interrupt in task.interrupts:
                place = self._places.get(interrupt.id) or told.get(interrupt.id) or Place(task.name)
                place = place._replace(task=task.id)
                found = read(interrupt, place, self._tools)
                problem = self._problems.get(interrupt.id)
                yield found if problem is None else with_problem(found, problem)
        if not state.interrupts and state.next:
            yield breakpoint_at(state.next)


def configurable_of(wanted: Wanted) -> dict[str, Any]:
    """Returns what nodes and factories find under `configurable`: the context is there as well, for those of before.

    What LangGraph itself keeps there nobody sets from outside.
    """
    told = {name: value for name, value in (wanted.context or {}).items() if not name.startswith(_LANGGRAPHS)}
    return {**told, "thread_id": wanted.thread_id}


def metadata_of(wanted: Wanted) -> dict[str, str]:
    """Returns what every checkpoint of a superstep says of it."""
    return {"placet_run_id": wanted.run_id, "placet_agent": wanted.agent, _MARK: wanted.mark}


def _step(state: StateSnapshot) -> int:
    return (state.metadata or {}).get("step", -2)
