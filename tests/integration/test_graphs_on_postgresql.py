"""Checkpoints of graphs in PostgreSQL: as safe as in SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import psycopg
import pytest
from sqlalchemy import make_url

from placet.graphs import Checkpoints, GraphChangedError
from placet_testing.graphs import shop_graphs
from placet_testing.graphs.stepping import Runs, approved, says


@pytest.fixture
async def runs(postgres_url: str) -> AsyncIterator[Runs]:
    checkpoints = Checkpoints(make_url(postgres_url))
    yield Runs(checkpoints)
    await checkpoints.close()


async def test_a_lost_end_is_applied_again_and_an_answer_told_twice_counts_once(runs: Runs) -> None:
    agent = runs.agent("one", "two", questions=["first?", "second?"])
    waits = await runs.until_it_waits(agent)
    both = tuple(says(waits, one.node, place) for place, one in enumerate(waits.waiting))
    second = await runs.step(agent, answers=both)
    again = await runs.step(agent, head=waits.head, answers=both, again=True)
    assert {one.id for one in again.waiting} == {one.id for one in second.waiting} != {one.id for one in waits.waiting}
    last = tuple(says(again, one.node, place) for place, one in enumerate(again.waiting))
    done = await runs.step(agent, answers=last)
    lost = await runs.step(agent, head=again.head, answers=last, again=True)
    assert sorted(runs.ran) == ["one", "two"]
    assert cast("Any", lost.output)["notes"] == cast("Any", done.output)["notes"]
    with pytest.raises(GraphChangedError):
        await runs.step(runs.agent("another"), head=again.head, answers=last)


async def test_everything_that_a_graph_has_goes_on_in_the_next_process(
    runs: Runs, postgres_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop_graphs, "EFFECTS", tmp_path / "effects.txt")
    message = {"role": "user", "content": "[]"}
    given = {"topic": "tea", "messages": [message], "notes": []}
    waits = await runs.until_it_rests(runs.of(shop_graphs.everything), given)
    await runs.checkpoints.close()
    another = Runs(Checkpoints(make_url(postgres_url)))
    another.goes_on(runs.wanted.thread_id, waits.head)
    agent, reached = another.of(shop_graphs.everything), waits
    while reached.status != "ended":
        answers = tuple(
            says(reached, "slow", place) if one.node == "words" else approved(reached, place)
            for place, one in enumerate(reached.waiting)
        )
        reached = await another.step(agent, answers=answers)
    assert cast("Any", reached.output)["notes"][-1] == "finish"
    await another.checkpoints.prune(another.wanted.thread_id, reached.head)
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        (left,) = connection.execute("SELECT count(*) FROM checkpoints WHERE checkpoint_ns = ''").fetchone() or (0,)
    assert left == 1
    await another.checkpoints.close()
