"""A thread as one reader sees it at one moment: what was said, what waits, and where it stands."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from placet.api.answers import as_json
from placet.api.approvals.listing import viewer_of
from placet.api.errors import ProblemError
from placet.api.rights import may_see
from placet.langgraph_api.ids import checkpoint_id_of
from placet.langgraph_api.interrupts import Interrupt
from placet.langgraph_api.messages import open_calls, shown_messages
from placet.ledger import LARGEST_PAGE, ApprovalQuery, GraphState, Progress, RunQuery, Shown, ThreadRow

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from placet.api.identity import Caller
    from placet.api.services import Services
    from placet.contracts.approvals import Approval
    from placet.contracts.runs import Run
    from placet.ledger import MessageDict, ThreadStatus, Viewer

MOST: Final = 200
"""Characters of a thread's id, at most."""
_ATTEMPTS: Final = 5


@dataclass(frozen=True)
class Snapshot:
    """A thread at one moment.

    Attributes:
        run: The latest that the reader may see.
        messages: The conversation to its end.
        interrupt: What waits for the reader's eyes; None while anything still goes on.
        resting: Whether nothing goes on by itself: the run has ended, or all that is open waits for people.
        progress: How far the log had come with the run: the same moment, whoever reads.
        state: What a graph's state holds beside the messages.
    """

    thread: ThreadRow
    run: Run | None
    messages: list[dict[str, Any]]
    interrupt: Interrupt | None
    resting: bool
    progress: Progress = field(default_factory=Progress)
    state: GraphState = field(default_factory=lambda: GraphState({}))

    @property
    def status(self) -> ThreadStatus:
        """Where the thread stands, in the four words that clients know."""
        if self.interrupt is not None:
            return "interrupted"
        if self.run is None or self.run.status in {"completed", "cancelled", "expired"}:
            return "idle"
        return "error" if self.run.status == "failed" else "busy"

    @property
    def values(self) -> dict[str, Any]:
        """The state: messages, and what a graph has beside them."""
        return {**self.state.values, "messages": self.messages}

    @property
    def checkpoint_id(self) -> str:
        """Names the moment: the same for as long as nothing is said, asked, decided or done."""
        run = self.run
        waits = self.interrupt.id if self.interrupt else ""
        ids = json.dumps(as_json([message.get("id") for message in self.messages]))
        place = self.state.checkpoint or ""
        return checkpoint_id_of(self.thread.id, run.id if run else "", run.status if run else "", waits, ids, place)

    def stream_values(self) -> dict[str, Any]:
        """Returns the state with what waits: the whole of both, so that no client shows one without the other."""
        if self.interrupt is None:
            return self.values
        return {**self.values, "__interrupt__": [self.interrupt.document()]}


async def visible_thread(services: Services, caller: Caller, thread_id: str) -> ThreadRow:
    """Returns a thread that the caller may see.

    Raises:
        ProblemError: `not_found`.
    """
    thread = await services.ledger.threads.one(thread_id, viewer_of(caller)) if len(thread_id) <= MOST else None
    if thread is None or thread.deleted_at is not None:
        raise ProblemError(code="not_found", detail=f"There is no thread {thread_id[:80]!r} that you may see.")
    return thread


async def snapshot_of(
    services: Services, caller: Caller, thread: ThreadRow, answered: Collection[str] = (), *, noted: bool = True
) -> Snapshot:
    """Returns the thread as it is now, and notes what of it the caller is shown to wait.

    Args:
        services: Where to look.
        caller: Who reads.
        thread: The thread.
        answered: Approvals that have just been decided on; the ledger may not have heard yet.
        noted: Whether the caller gets to see it.
    """
    viewer = viewer_of(caller)
    page = await services.ledger.runs(RunQuery(thread_id=thread.id, limit=1, visible_to=viewer), services.clock())
    if not page.items:
        return Snapshot(thread, None, [], None, resting=True)
    run, kept, progress = await _at_one_moment(services, page.items[0])
    state = await _state_of(services, run, viewer)
    messages = shown_messages(kept, run)
    if run.ended_at is not None:
        return Snapshot(thread, run, messages, None, resting=True, progress=progress, state=state)
    waiting = [one for one in run.pending if not one.recorded and one.id not in answered]
    resting = bool(waiting) and len(waiting) >= open_calls(kept) and await _graph_rests(services, run, waiting, state)
    seen = tuple(one for one in waiting if may_see(caller, one))
    interrupt = Interrupt(seen) if resting and seen else None
    if interrupt is not None and noted:
        await _note(services, caller, thread.id, interrupt)
    return Snapshot(thread, run, messages, interrupt, resting=resting, progress=progress, state=state)


def reader_of(caller: Caller) -> str:
    """Returns what tells a reader from others: the key or session, or the one person of local mode."""
    return caller.credential or caller.id


async def _at_one_moment(services: Services, run: Run) -> tuple[Run, list[MessageDict], Progress]:
    """Returns the run with everything that it waits for, what was said until then, and where the log was.

    Where the log went on while they were read they are read again: the last words of a run are not left out, and
    whoever reads at the same place of the log is shown the same.
    """
    threads = services.ledger.threads
    before, kept = await threads.progress(run.id), list["MessageDict"]()
    for _ in range(_ATTEMPTS):
        run = await services.ledger.run(run.id, services.clock()) or run
        kept = await services.ledger.run_messages(run.id)
        after = await threads.progress(run.id)
        if before == after:
            return run, kept, before
        before = after
    # It never stands still: what waits is shown at the next look.
    return run.model_copy(update={"pending": ()}), kept, before


async def _state_of(services: Services, run: Run, viewer: Viewer | None) -> GraphState:
    """Returns what the graph's state holds beside the messages; before its first step what it held before."""
    agent = services.config.agents.get(run.agent)
    if agent is not None and agent.graph is None:
        return GraphState({})
    state = await services.ledger.graphs.state(run.id)
    if state is None:
        query = RunQuery(thread_id=run.thread_id, agent=run.agent, limit=2, visible_to=viewer)
        before = [one for one in (await services.ledger.runs(query, services.clock())).items if one.id != run.id]
        state = await services.ledger.graphs.state(before[0].id) if before else None
    return state or GraphState({})


async def _graph_rests(services: Services, run: Run, waiting: Sequence[Approval], state: GraphState) -> bool:
    """Returns whether every interrupt of a graph waits for people; also where the run is none of a graph.

    An interrupt whose approvals have all ended lets its branch go on, and one whose approvals are not all there is
    being asked about.
    """
    if state.waits is None:
        return True
    there = Counter(_interrupt_of(one) for one in waiting)
    if any(name not in there for name in state.waits):
        return False
    if all(there[name] >= count for name, count in state.waits.items()):
        return bool(state.waits)
    ever = await services.ledger.approvals(
        ApprovalQuery(run_id=run.id, statuses=(), limit=LARGEST_PAGE), services.clock()
    )
    asked = Counter(_interrupt_of(one) for one in ever.items)
    return all(asked[name] >= count for name, count in state.waits.items())


def _interrupt_of(approval: Approval) -> str:
    graph = approval.metadata.get("graph")
    return str(graph.get("interrupt_id")) if isinstance(graph, dict) else ""


async def _note(services: Services, caller: Caller, thread_id: str, interrupt: Interrupt) -> None:
    reader = reader_of(caller)
    shown = Shown(interrupt.id, tuple(approval.id for approval in interrupt.approvals))
    if await services.ledger.threads.shown(reader, thread_id) != shown:
        await services.ledger.threads.show(reader, {thread_id: shown})
