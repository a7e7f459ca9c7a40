"""Runs as clients know them: each a part of a run of ours, from a message or an answer to the next wait or the end.

The first part has the id of the run itself; one that an answer begins has the id of its first decision. Where somebody
decides elsewhere, the part that was under way goes on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from placet.api.approvals.listing import viewer_of
from placet.api.errors import ProblemError
from placet.langgraph_api.ids import assistant_id_of, first_segment_of
from placet.ledger import LARGEST_PAGE, RunQuery

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pydantic import JsonValue

    from placet.api.identity import Caller
    from placet.api.services import Services
    from placet.contracts.runs import Run
    from placet.langgraph_api.threads.snapshot import Snapshot
    from placet.ledger import SegmentRow, ThreadRow

_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ENDS: Final = {"completed": "success", "failed": "error", "cancelled": "interrupted", "expired": "timeout"}


@dataclass(frozen=True)
class Segment:
    """A part of a run.

    Attributes:
        id: As clients know it.
        run: The whole run as it is now.
        latest: Whether it is the last part of its run so far.
    """

    id: str
    thread_id: str
    run: Run
    began_at: datetime
    metadata: Mapping[str, JsonValue]
    latest: bool = True

    @property
    def place(self) -> str:
        """Its path below the surface, as both SDKs take it: they put their own address before it."""
        return f"/threads/{quote(self.thread_id, safe='')}/runs/{self.id}"

    def is_of(self, run: Run | None) -> bool:
        """Returns whether it is a part of a run."""
        return run is not None and run.id == self.run.id

    def document(self, snapshot: Snapshot) -> dict[str, Any]:
        """Returns the run as clients read it."""
        return {
            "run_id": self.id,
            "thread_id": self.thread_id,
            "assistant_id": assistant_id_of(self.run.agent),
            "created_at": self.began_at,
            "updated_at": self.run.ended_at or self.began_at,
            "status": self._status(snapshot),
            "metadata": {**self.metadata, "graph_id": self.run.agent, "placet_run_id": self.run.id},
            "kwargs": {},
            "multitask_strategy": "reject",
        }

    def _status(self, snapshot: Snapshot) -> str:
        if not self.latest:
            return "interrupted"
        if self.run.ended_at is not None:
            return _ENDS[self.run.status]
        return "interrupted" if snapshot.resting else "running"


async def segments_of(services: Services, caller: Caller, thread: ThreadRow) -> list[Segment]:
    """Returns the parts of a thread's runs that the caller may see, the newest first."""
    query = RunQuery(thread_id=thread.id, limit=LARGEST_PAGE, visible_to=viewer_of(caller))
    runs = {run.id: run for run in (await services.ledger.runs(query, services.clock())).items}
    found = [first_segment(run) for run in runs.values()]
    rows = await services.ledger.threads.segments(thread.id)
    found += [_of_row(row, runs[row.run_id]) for row in rows if row.run_id in runs]
    found.sort(key=lambda one: (one.began_at, one.id), reverse=True)
    last = {one.run.id: one.id for one in reversed(found)}
    return [one if last[one.run.id] == one.id else replace(one, latest=False) for one in found]


async def known_segment(services: Services, caller: Caller, thread: ThreadRow, segment_id: str) -> Segment:
    """Returns a part of a run of the thread.

    Raises:
        ProblemError: `not_found`.
    """
    if _ID.fullmatch(segment_id):
        for segment in await segments_of(services, caller, thread):
            if segment.id == segment_id:
                return segment
    raise ProblemError(code="not_found", detail=f"There is no run {segment_id[:80]!r} on this thread that you may see.")


async def begun(services: Services, row: SegmentRow) -> Segment:
    """Returns the part of a run that an answer has begun."""
    run = await services.ledger.run(row.run_id, services.clock())
    if run is None:
        raise ProblemError(code="not_found", detail=f"There is no run {row.run_id!r}.")
    return _of_row(row, run)


def _of_row(row: SegmentRow, run: Run) -> Segment:
    return Segment(row.id, row.thread_id, run, row.began_at, row.metadata)


def first_segment(run: Run) -> Segment:
    """Returns what a run does until its first wait."""
    return Segment(first_segment_of(run.id), run.thread_id, run, run.started_at, run.metadata)
