"""A run of a graph that an operator resets in Temporal: what was answered before counts for nothing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from temporalio.client import Client

from placet.engine.connection import data_converter
from placet_testing import resets
from placet_testing.graphs.running import Graphs, Json

pytestmark = pytest.mark.timeout(180)


def reset(graphs: Graphs, run: Json) -> None:
    """Resets a run to where it first asked somebody."""

    async def act() -> None:
        client = await Client.connect(graphs.up.addresses["temporal"], data_converter=data_converter())
        await resets.reset(client, run["id"], resets.asks_a_person)

    asyncio.run(act())


def fresh(graphs: Graphs, run: Json, known: set[str], count: int) -> dict[str, Any]:
    """Returns what the run waits for and did not before, by its node, as soon as it is so much."""

    def found() -> dict[str, Any] | None:
        waiting = [one for one in graphs.run(run)["pending"] if one["id"] not in known]
        return {one["metadata"]["graph"]["node"]: one for one in waiting} if len(waiting) == count else None

    asked = graphs.until(found, run)
    known |= {one["id"] for one in asked.values()}
    return asked


def test_an_answer_of_before_a_reset_is_not_the_one_that_the_graph_goes_on_with(graphs: Graphs) -> None:
    known = set[str]()
    run = graphs.start("report", {"topic": "reset"})
    asked = fresh(graphs, run, known, 3)
    assert graphs.answer(asked["colour"], "0").status_code == 200
    graphs.until(lambda: "colour red" in graphs.lines() or None, run)
    reset(graphs, run)
    again = fresh(graphs, run, known, 3)
    assert graphs.answer(again["colour"], "1").status_code == 200
    last = fresh(graphs, run, known, 3)
    assert graphs.answer(last["colour"], "1").status_code == 200
    assert graphs.answer(last["words"], text="few").status_code == 200
    assert graphs.decide(last["publish"], "reject").status_code == 200
    notes = json.loads(graphs.ended(run)["output"])["notes"]
    assert [note for note in notes if note.startswith(("colour", "publish"))] == ["colour blue", "publish ignore"]
