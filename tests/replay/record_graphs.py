"""Records the golden histories of `GraphRun`, one a shape; run it by hand when a new shape appears.

`python tests/replay/record_graphs.py` starts everything, runs real graphs and writes `histories/graph-SHAPE.json` for
shapes that have none. A history that is there is never written again: it stands for runs that wait in production.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

sys.path.append(str(Path(__file__).parent))

from record_runs import HISTORIES, without_traces
from temporalio.client import Client

from placet.engine.connection import data_converter
from placet_testing.graphs.running import Graphs, Json, running_graphs

REFUND: Final = ("refund", {"order": 1, "amount": 7})
FIND: Final = ("find", {"order": 2})
SEND: Final = ("send", {"to": "ada", "text": "hi"})


def nothing(graphs: Graphs, run: Json) -> None:
    """Lets the run go on by itself."""
    del graphs, run


def approves(graphs: Graphs, run: Json, count: int = 1) -> None:
    """Approves what waits."""
    for waiting in graphs.pending(run, count):
        graphs.decide(waiting)


def crosswise(graphs: Graphs, run: Json) -> None:
    """Decides on the second call before the first, and rejects that."""
    first, second = graphs.pending(run, 2)
    graphs.decide(second)
    graphs.pending(run, 1)
    graphs.decide(first, "reject", message="no")


def edits_the_second(graphs: Graphs, run: Json) -> None:
    """Edits one call and approves the other; both run behind rows that their answers name."""
    waiting = {one["tool"]: one for one in graphs.pending(run, 2)}
    graphs.decide(waiting["send"], "edit", args={"to": "bob", "text": "hi"})
    graphs.pending(run, 1)
    graphs.decide(waiting["refund"])


def reports(graphs: Graphs, run: Json) -> None:
    """Answers each of three interrupts by itself."""
    waiting = {one["metadata"]["graph"]["node"]: one for one in graphs.pending(run, 3)}
    graphs.decide(waiting["publish"])
    graphs.pending(run, 2)
    graphs.answer(waiting["words"], text="few")
    graphs.answer(waiting["colour"], "0")


def stops(graphs: Graphs, run: Json) -> None:
    """Ends the run at its breakpoint."""
    graphs.answer(graphs.pending(run, 1)[0], "stop")


def cancels(graphs: Graphs, run: Json) -> None:
    """Cancels the run while two calls wait."""
    graphs.pending(run, 2)
    graphs.post(f"/v1/runs/{run['id']}/cancel", {})


def uncertain(choice: str, point: str) -> Callable[[Graphs, Json], None]:
    """Has the worker die in an approved call, and says what came of the call."""

    def steps(graphs: Graphs, run: Json) -> None:
        graphs.dies(point)
        (approved,) = graphs.pending(run, 1)
        graphs.decide(approved)
        asked = graphs.until(
            lambda: next((one for one in graphs.run(run)["pending"] if one["id"] != approved["id"]), None), run
        )
        graphs.decide(asked, "answer", answers={"what_happened": {"options": [choice]}})

    return steps


SHAPES: Final[dict[str, tuple[str, object, Callable[[Graphs, Json], None]]]] = {
    "answered": ("batched", "hello", nothing),
    "batch": ("batched", json.dumps([REFUND, FIND, SEND]), lambda graphs, run: approves(graphs, run, 2)),
    "crosswise": ("per-call", json.dumps([REFUND, SEND]), crosswise),
    "governed": ("governed", json.dumps([REFUND, FIND, ("drop_table", {"name": "orders"})]), approves),
    "parallel": ("report", {"topic": "tea"}, reports),
    "breakpoint-stopped": ("stops", "x", stops),
    "failed": ("stops", "fail", nothing),
    "told-at-changes": ("batched", "hello", nothing),
    "permitted": ("governed", json.dumps([REFUND, FIND, SEND]), edits_the_second),
    "expired": ("governed", json.dumps([("ship", {"order": 98})]), nothing),
    "aborted": ("governed", json.dumps([("ship", {"order": 99})]), nothing),
    "in-segments": ("quick", json.dumps([REFUND, FIND]), approves),
    "uncertain-ran": ("governed", json.dumps([REFUND]), uncertain("ran", "after refund 1 7")),
    "uncertain-not-run": ("governed", json.dumps([SEND]), uncertain("not_run", "before send ada hi")),
    "uncertain-stopped": ("governed", json.dumps([REFUND]), uncertain("stop", "after refund 1 7")),
    "cancelled": ("batched", json.dumps([REFUND, SEND]), cancels),
}


async def history_of(address: str, run: Json) -> str:
    """Returns the history of a run, as JSON."""
    client = await Client.connect(address, data_converter=data_converter())
    found: Any = json.loads((await client.get_workflow_handle(run["id"]).fetch_history()).to_json())
    return json.dumps(without_traces(found), indent=1)


def main() -> None:
    """Records what has no history yet."""
    with tempfile.TemporaryDirectory() as folder, running_graphs(Path(folder)) as graphs:
        for shape, (agent, given, steps) in SHAPES.items():
            path = HISTORIES / f"graph-{shape}.json"
            if path.exists():
                continue
            run = graphs.start(agent, given)
            steps(graphs, run)
            graphs.ended(run)
            path.write_text(asyncio.run(history_of(graphs.up.addresses["temporal"], run)), encoding="utf-8")
            sys.stdout.write(f"{path.name}\n")


if __name__ == "__main__":
    main()
