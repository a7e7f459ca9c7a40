"""Starting a run: its input into the ledger, then the workflow, then its row.

The run's id is the lock of its thread: it comes from the thread and a count, and Temporal starts a workflow
of one id once. Taken and open, the thread is busy; taken and closed, the next count is tried.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from placet.api.errors import ProblemError, TemporalError, UnreachableError
from placet.api.ports import Started, Taken
from placet.api.runs.messages import input_messages
from placet.contracts.canonical import canonical_text, fingerprint
from placet.contracts.durations import LONGEST, parse_duration
from placet.contracts.errors import Refusal, RefusedError
from placet.contracts.graphs import GraphInput
from placet.contracts.runs import RunInput, RunStart
from placet.ledger import LedgerError, RunQuery, RunRow, TurnRow
from placet.runs import agent_run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from placet.api.decisions.delivery import Clock
    from placet.api.identity import Caller
    from placet.api.ports import Runs
    from placet.contracts.config import Config
    from placet.contracts.runs import Run, RunRequest
    from placet.ledger import KeyClaim, MessageDict, Page, ThreadHead, Viewer

NAMESPACE: Final = uuid.UUID("6f0f7a2e-6d0c-5d8e-9a53-3b7c9f1d2e44")
"""Of the ids of runs."""
GRAPH_INPUT: Final = "input"
"""Stands where a call has its tool, in the digest under which a graph's input is kept."""
GRAPH_CONTEXT: Final = "context"
"""The key of a run's metadata under which a graph finds its context; and the same for it."""
ATTEMPTS: Final = 20
"""Counts that are tried, at most: only runs that the ledger does not know of are in the way."""
ROW_LOOKS: Final = 40
"""How often the row of a run that another request has just started is looked for, at most."""
ROW_PAUSE: Final = 0.05
"""Seconds between two looks."""


class RunRecords(Protocol):
    """What starting needs of the ledger."""

    async def claim_key(self, scope: str, key: str, fingerprint: str, target_id: str) -> KeyClaim:
        """Returns who has claimed the key: the first one to come."""
        ...

    async def thread_head(self, thread_id: str) -> ThreadHead:
        """Returns where the thread goes on from."""
        ...

    async def put_turn(self, turn: TurnRow, messages: Mapping[str, MessageDict] | None = None) -> None:
        """Keeps the input of a run."""
        ...

    async def put_args(self, tool: str, args_text: str) -> str:
        """Keeps the input of a graph where it is no messages, and returns its reference."""
        ...

    async def open_run(self, run: RunRow) -> None:
        """Writes the run's row, once."""
        ...

    async def run(self, run_id: str, now: datetime, visible_to: Viewer | None = None) -> Run | None:
        """Returns the run."""
        ...

    async def runs(self, query: RunQuery, now: datetime) -> Page[Run]:
        """Returns runs, the newest first."""
        ...


@dataclass(frozen=True)
class Order:
    """A run that somebody wants.

    Attributes:
        ticket: Names the request, whatever the number of its attempts.
        messages: The input, by the ids under which the ledger keeps it.
    """

    caller: Caller
    body: RunRequest
    thread_id: str
    ticket: str
    messages: dict[str, MessageDict]


class Starting:
    """Starts runs."""

    def __init__(self, records: RunRecords, runs: Runs, config: Config, clock: Clock) -> None:
        self._records = records
        self._runs = runs
        self._config = config
        self._clock = clock

    async def start(self, caller: Caller, body: RunRequest, key: str | None) -> Run:
        """Returns the run that was started, by this request or an earlier one of the same key.

        Raises:
            ProblemError: `unknown_agent`, `thread_busy`, `not_found`, `invalid_request`, `unavailable`.
            RefusedError: `idempotency_key_reused`.
        """
        if body.agent not in self._config.agents:
            known = sorted(self._config.agents)
            raise ProblemError(code="unknown_agent", detail=f"There is no agent {body.agent[:80]!r}.", agents=known)
        messages = await self._messages(body)
        used = key or uuid.uuid4().hex
        try:
            ticket = await self._ticket(caller, body, used)
            thread_id = body.thread_id or str(uuid.UUID(ticket))
            await self._check_thread(caller, thread_id)
            named = {f"{ticket}-{place}": message for place, message in enumerate(messages)}
            return await self._first_free(Order(caller, body, thread_id, ticket, named))
        except (LedgerError, TemporalError) as error:
            detail = f"Start it again with the same Idempotency-Key: {error}."
            sent = getattr(error, "sent", True)
            raise ProblemError(code="unavailable", detail=detail, maybe_recorded=sent, idempotency_key=used) from error

    async def _messages(self, body: RunRequest) -> list[MessageDict]:
        """Returns the messages of the input: those in it, where it is a graph's own."""
        if not isinstance(body.input, dict):
            return await input_messages(body.input)
        if self._config.agents[body.agent].graph is None:
            wrong = {"pointer": "/input", "message": "an object is the input of a graph, and this agent is none"}
            raise ProblemError(code="invalid_request", detail="The input fits no agent but a graph.", errors=[wrong])
        return []

    async def _ticket(self, caller: Caller, body: RunRequest, key: str) -> str:
        mark = fingerprint(body.model_dump(mode="json", exclude_unset=True))
        claim = await self._records.claim_key(f"runs {caller.id}", key, mark, uuid.uuid4().hex)
        if claim.fingerprint != mark:
            message = "The Idempotency-Key was used for another run."
            details = {"idempotency_key": key}
            raise RefusedError(Refusal(code="idempotency_key_reused", message=message, details=details))
        return claim.target_id

    async def _check_thread(self, caller: Caller, thread_id: str) -> None:
        """Lets only who began a thread, or an admin, go on with it.

        Raises:
            ProblemError: `not_found`: whose it is, is not told.
        """
        if caller.has("admin"):
            return
        page = await self._records.runs(RunQuery(thread_id=thread_id, limit=1), self._clock())
        if any(run.requester != caller.id for run in page.items):
            raise ProblemError(
                code="not_found", detail=f"There is no thread {thread_id[:80]!r} that you may go on with."
            )

    async def _first_free(self, order: Order) -> Run:
        """Tries one id after the other; a repeat of the request tries the same ids in the same order."""
        tried: set[str] = set()
        for attempt in range(ATTEMPTS):
            head = await self._records.thread_head(order.thread_id)
            run_id = await self._pinned(order, attempt, _next_id(order.thread_id, head, tried))
            tried.add(run_id)
            known = await self._records.run(run_id, self._clock())
            found = await (self._runs.find_run(run_id) if known else self._begin(order, head, run_id))
            if known is not None and found is None and _is_of(order, known):
                return known
            if isinstance(found, Taken) and found.is_open and found.ticket != order.ticket:
                raise busy(order.thread_id, known or await self._row_of(order, run_id))
            if found is not None and (isinstance(found, Started) or found.ticket == order.ticket):
                return await self._opened(order, run_id, found)
        raise busy(order.thread_id, None)

    async def _row_of(self, order: Order, run_id: str) -> Run | None:
        """Returns a run that another request has just started, once its row is there.

        Raises:
            ProblemError: `not_found`: it is of somebody else, as the thread then is.
        """
        for _ in range(ROW_LOOKS):
            run = await self._records.run(run_id, self._clock())
            if run is not None:
                await self._check_thread(order.caller, order.thread_id)
                return run
            await asyncio.sleep(ROW_PAUSE)
        return None

    async def _pinned(self, order: Order, attempt: int, candidate: str) -> str:
        claim = await self._records.claim_key("run ids", f"{order.ticket} {attempt}", "", candidate)
        return claim.target_id

    async def _begin(self, order: Order, head: ThreadHead, run_id: str) -> Started | Taken:
        """Starts the workflow, once nothing else runs on the thread and the input is in the ledger."""
        page = await self._records.runs(RunQuery(thread_id=order.thread_id, limit=1), self._clock())
        for latest in page.items:
            if latest.ended_at is None and await self._is_open(latest.id):
                raise busy(order.thread_id, latest)
        turn = TurnRow(
            id=_input_turn(order, run_id),
            run_id=run_id,
            thread_id=order.thread_id,
            turn=0,
            parent_turn=head.turn_id,
            message_ids=tuple(order.messages),
            results=head.results,
        )
        await self._records.put_turn(turn, order.messages)
        return await self._runs.start_run(await self._given(order, turn), order.ticket)

    async def _given(self, order: Order, turn: TurnRow) -> RunStart:
        """Returns the input of the workflow that the agent is."""
        agent = self._config.agents[order.body.agent]
        start = RunStart(
            run_id=turn.run_id,
            agent=order.body.agent,
            thread_id=order.thread_id,
            input_turn=turn.id,
            requester=order.caller.id,
            tool_timeout_seconds=_seconds(agent.tool_timeout),
        ).model_dump()
        if agent.graph is None:
            return RunInput(**start, max_turns=agent.max_turns)
        return GraphInput(
            **start,
            input_ref=await self._kept(GRAPH_INPUT, order.body.input),
            context_ref=await self._kept(GRAPH_CONTEXT, order.body.metadata.get(GRAPH_CONTEXT)),
        )

    async def _kept(self, name: str, given: object) -> str | None:
        """Keeps an object that a graph is given, and returns its reference; None where none is given."""
        if not isinstance(given, dict):
            return None
        return await self._records.put_args(name, canonical_text(cast("dict[str, Any]", given)))

    async def _is_open(self, run_id: str) -> bool:
        found = await self._runs.find_run(run_id)
        return found is not None and found.is_open

    async def _opened(self, order: Order, run_id: str, found: Started | Taken) -> Run:
        started = found.started if isinstance(found, Taken) else found
        row = RunRow(
            id=run_id,
            agent=order.body.agent,
            thread_id=order.thread_id,
            requester=order.caller.id,
            started_at=started.at,
            input=order.body.model_dump(mode="json")["input"],
            input_turn=_input_turn(order, run_id),
            metadata=order.body.metadata,
            workflow_id=started.workflow_id,
            workflow_run_id=started.workflow_run_id,
        )
        await self._records.open_run(row)
        run = await self._records.run(run_id, self._clock())
        if run is None:
            message = "the run's row is gone"
            raise UnreachableError(message, sent=True)
        return run


def busy(thread_id: str, run: Run | None) -> ProblemError:
    """Returns the answer for a thread that has a run which has not ended."""
    detail = f"The thread {thread_id[:80]!r} has a run that has not ended."
    return ProblemError(code="thread_busy", detail=detail, thread_id=thread_id, run=run)


def run_id_of(thread_id: str, count: int) -> str:
    """Returns the id of a thread's nth run."""
    return agent_run.ID_PREFIX + str(uuid.uuid5(NAMESPACE, f"{thread_id}\n{count}"))


def _next_id(thread_id: str, head: ThreadHead, tried: set[str]) -> str:
    """Returns the first id behind the known runs that was not tried; none is skipped, they are the lock."""
    count = head.runs + 1
    while run_id_of(thread_id, count) in tried:
        count += 1
    return run_id_of(thread_id, count)


def _seconds(limit: str) -> float:
    length = parse_duration(limit)
    return length.total_seconds() if length else LONGEST.total_seconds()


def _input_turn(order: Order, run_id: str) -> str:
    return uuid.uuid5(uuid.UUID(run_id.removeprefix(agent_run.ID_PREFIX)), order.ticket).hex


def _is_of(order: Order, run: Run) -> bool:
    """Returns whether a run that Temporal has forgotten is what the request once started."""
    same_input = fingerprint({"": run.input}) == fingerprint({"": order.body.model_dump(mode="json")["input"]})
    return run.requester == order.caller.id and run.agent == order.body.agent and same_input
