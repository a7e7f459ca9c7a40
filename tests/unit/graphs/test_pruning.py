"""Old checkpoints: what is deleted, what stays, and how many bytes that is."""

# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false
# LangGraph's builder is untyped here and there.

from __future__ import annotations

import operator
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import pytest
from langgraph.channels import DeltaChannel
from langgraph.graph import END, START, StateGraph
from sqlalchemy import make_url
from typing_extensions import TypedDict

from placet.graphs import Checkpoints
from placet.graphs._pruning import KEPT, Stored, superfluous
from placet.graphs.errors import CheckpointGoneError
from placet_testing.graphs.stepping import Notes, Runs

LENGTH: Final = 60
NOTE: Final = "x" * 100


@pytest.fixture
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a ledger beside which checkpoints lie."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/ledger.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def runs(database: str) -> AsyncIterator[Runs]:
    checkpoints = Checkpoints(make_url(database))
    yield Runs(checkpoints)
    await checkpoints.close()


def a_long_one(runs: Runs, memory: str = "none") -> Any:
    """Returns a graph that takes `LENGTH` supersteps and whose state grows in each."""

    def on(state: Notes) -> dict[str, list[str]]:
        return {"notes": [f"{len(state['notes'])} {NOTE}"]}

    def counts(state: Any) -> dict[str, int]:
        return {"count": state.get("count", 0) + 1}

    inner = StateGraph(Count).add_node(counts).add_edge(START, "counts")
    builder = StateGraph(Counting).add_node(on).add_node("inner", inner.compile(checkpointer=memory == "own"))
    builder.add_edge(START, "on").add_edge("on", "inner")

    def again(state: Notes) -> str:
        return "on" if len(state["notes"]) % (LENGTH // 2) else END

    builder.add_conditional_edges("inner", again)
    return runs.of(builder.compile())


class Count(TypedDict, total=False):
    """What the inner graph works on."""

    count: int


class Counting(Notes, Count, total=False):
    """What the outer graph works on."""


class Parts(TypedDict):
    """A state of which a checkpoint holds only what was added."""

    notes: Annotated[list[str], DeltaChannel(operator.add)]


def rows(folder: Path) -> tuple[int, int]:
    """Returns how many checkpoints there are, and how many bytes they and their writes take."""
    with closing(sqlite3.connect(folder / "ledger-graphs.db")) as connection:
        query = "SELECT count(*), sum(length(checkpoint) + length(metadata)) FROM checkpoints"
        count, size = connection.execute(query).fetchone()
        (writes,) = connection.execute("SELECT coalesce(sum(length(value)), 0) FROM writes").fetchone()
    return count, size + writes


async def to_the_end(runs: Runs, agent: Any, *, pruned: bool) -> Any:
    """Runs the graph as the superstep activity does."""
    reached = await runs.step(agent, begins=True, given={"notes": []})
    step = 1
    while reached.status == "drained":
        if pruned:
            await runs.checkpoints.prune_behind(runs.wanted.thread_id, reached.head, step, stepped=True)
        reached = await runs.step(agent)
        step += 1
    assert step > LENGTH
    return reached


async def test_a_thread_stays_small_while_it_grows_long(runs: Runs, tmp_path: Path) -> None:
    """Without it the bytes grow with the square of the length."""
    whole = await to_the_end(runs, a_long_one(runs), pruned=False)
    count, before = rows(tmp_path)
    await runs.checkpoints.prune(runs.wanted.thread_id, whole.head)
    ended, ended_bytes = rows(tmp_path)
    assert ended < 5 < LENGTH < count
    assert ended_bytes < before / 10
    runs.wanted = replace(runs.wanted, thread_id="another", head=None)
    pruned = await to_the_end(runs, a_long_one(runs), pruned=True)
    assert pruned.output == whole.output
    left, left_bytes = (after - ended for after, ended in zip(rows(tmp_path), (ended, ended_bytes), strict=True))
    assert left < count / 2
    assert left_bytes < before * 0.75


async def test_a_reset_may_go_back_a_few_supersteps_and_says_so_where_it_goes_too_far(runs: Runs) -> None:
    agent, heads = a_long_one(runs), list[str]()
    reached = await runs.step(agent, begins=True, given={"notes": []})
    while reached.status == "drained":
        heads.append(reached.head)
        reached = await runs.step(agent)
    await runs.checkpoints.prune(runs.wanted.thread_id, heads[-1], KEPT)
    again = await runs.step(agent, head=heads[-1 - KEPT])
    assert again.status == "drained"
    with pytest.raises(CheckpointGoneError, match="not there any more"):
        await runs.step(agent, head=heads[-2 - KEPT])


async def test_a_subgraph_with_a_memory_of_its_own_keeps_it(runs: Runs) -> None:
    agent = a_long_one(runs, memory="own")
    first = await to_the_end(runs, agent, pruned=True)
    await runs.checkpoints.prune(runs.wanted.thread_id, first.head)
    second = await to_the_end(runs, agent, pruned=True)
    assert (first.output["count"], second.output["count"]) == (LENGTH // 2, LENGTH)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_postgresql_deletes_the_same_and_what_no_checkpoint_names_any_more(runs: Runs, database: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    agent = a_long_one(runs)
    await to_the_end(runs, agent, pruned=True)
    await runs.checkpoints.prune(runs.wanted.thread_id, runs.wanted.head or "")
    counts = "SELECT (SELECT count(*) FROM checkpoints), (SELECT count(*) FROM checkpoint_blobs)"
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        checkpoints, blobs = connection.execute(counts).fetchone()
    assert checkpoints < 5
    assert blobs < 20
    await to_the_end(runs, agent, pruned=True)


async def test_a_state_that_is_kept_in_parts_is_left_alone(runs: Runs, tmp_path: Path) -> None:
    """Such a checkpoint cannot be read without those before it."""

    def on(state: Parts) -> dict[str, list[str]]:
        return {"notes": [f"{len(state['notes'])}"]}

    builder = StateGraph(Parts).add_node(on).add_edge(START, "on")

    def again(state: Parts) -> str:
        return END if len(state["notes"]) >= 10 else "on"

    builder.add_conditional_edges("on", again)
    reached = await runs.until_it_rests(runs.of(builder.compile()), {"notes": []})
    count, _ = rows(tmp_path)
    await runs.checkpoints.prune(runs.wanted.thread_id, reached.head)
    assert rows(tmp_path)[0] == count


class TestSuperfluous:
    """The rule by itself."""

    LINE: Final = [Stored("", "1", None), Stored("", "2", "1"), Stored("", "3", "2"), Stored("", "4", "3")]

    def test_so_many_before_the_head_stay_and_what_comes_after_it(self) -> None:
        stored = [*self.LINE, Stored("", "5", "4")]
        assert superfluous(stored, "4", 1) == [("", "1"), ("", "2")]

    def test_what_a_lost_attempt_has_stored_goes_with_them(self) -> None:
        assert superfluous([*self.LINE, Stored("", "35", "2"), Stored("", "36", "35")], "4", 9) == [
            ("", "35"),
            ("", "36"),
        ]

    def test_another_agents_checkpoints_stay(self) -> None:
        assert superfluous([*self.LINE, Stored("", "0", None), Stored("", "05", "0")], "4", 3) == []

    def test_a_subgraph_goes_with_its_superstep_but_for_the_newest_of_a_memory(self) -> None:
        nested = [Stored("in:a", "11", None, "1"), Stored("mem", "12", None, "1"), Stored("mem", "22", None, "2")]
        assert superfluous([*self.LINE, *nested], "4", 0)[3:] == [("in:a", "11"), ("mem", "12")]

    def test_a_head_that_is_not_there_deletes_nothing(self) -> None:
        assert superfluous(self.LINE, "9", 0) == []


async def test_after_a_segment_what_is_old_is_deleted_at_once(runs: Runs, tmp_path: Path) -> None:
    """Its supersteps are none of the workflow's: it would count to eight only in eight waits."""
    whole = await to_the_end(runs, a_long_one(runs), pruned=False)
    count, _ = rows(tmp_path)
    await runs.checkpoints.prune_behind(runs.wanted.thread_id, whole.head, 1, stepped=True)
    assert rows(tmp_path)[0] == count
    await runs.checkpoints.prune_behind(runs.wanted.thread_id, whole.head, 1, stepped=False)
    assert rows(tmp_path)[0] < count
