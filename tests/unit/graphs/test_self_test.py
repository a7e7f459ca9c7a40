"""The trial before LangGraph is relied upon, and how graphs run where it fails."""

# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false
# LangGraph's builder is untyped here and there.

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from langgraph.cache.memory import InMemoryCache
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.store.memory import InMemoryStore

from placet.contracts.config import Config
from placet.effects._pending import Pendings
from placet.effects._superstep import SuperstepActivities
from placet.graphs import GraphAgent, _drain, _stepping, self_test
from placet.graphs._drain import Drain
from placet.graphs._warnings import warnings_of
from placet.ledger import Ledger
from placet_testing.graphs import shop_graphs
from placet_testing.graphs.stepping import Runs, says


def deaf(self: Drain, reason: str) -> None:
    """Does not have the graph stop."""


async def test_this_langgraph_stops_after_a_superstep_and_goes_on_as_if_it_had_not() -> None:
    assert await self_test() is None


@pytest.mark.parametrize("way", ["gone", "deaf"])
async def test_it_is_noticed_where_there_is_no_drain_or_it_is_not_heard(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    if way == "gone":
        monkeypatch.setattr(_drain, "_CONTROL", None)
    else:
        monkeypatch.setattr(Drain, "ask", deaf)
    problem = await self_test()
    assert problem is not None
    assert "did not stop at the end of a superstep" in problem


async def test_it_is_noticed_where_going_on_is_taken_for_resuming(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_stepping, "_RESUMING", "__another_key")
    problem = await self_test()
    assert problem is not None
    assert problem.startswith("stepped, it came to ")


async def test_it_is_noticed_where_langgraph_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(*_: object) -> None:
        message = "it works otherwise now"
        raise TypeError(message)

    monkeypatch.setattr(Drain, "ask", raises)
    assert await self_test() == "NodeError: TypeError: it works otherwise now"


async def test_a_graph_in_segments_waits_and_ends_the_same_in_fewer_activities(runs: Runs) -> None:
    agent = runs.agent("one", "two", questions=["first?", "second?"])
    agent.run_in_segments("why")
    reached = await runs.step(agent, begins=True, given={"notes": []})
    while reached.status != "ended":
        assert reached.status == "waits"
        answers = tuple(says(reached, place.node, at) for at, place in enumerate(reached.waiting))
        again = await runs.step(agent, answers=answers)
        assert again.status != "drained"
        reached = again
    notes = cast("Any", reached.output)["notes"]
    assert sorted(notes) == ["one one", "one one", "two two", "two two"]
    assert agent.describe().warnings == ("it runs from wait to wait in one activity, and a crash repeats more: why",)


async def test_a_worker_runs_its_graphs_in_segments_where_the_trial_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: Runs
) -> None:
    monkeypatch.setattr(Drain, "ask", deaf)
    ledger = Ledger.at(str(tmp_path / "ledger.db"))
    agent: GraphAgent = runs.agent("one")
    pendings = Pendings(ledger, Config(), cast("Any", None))
    supersteps = SuperstepActivities(cast("Any", None), ledger, {"a": agent}, pendings, slots=1)
    await supersteps.start()
    supersteps.close()
    await ledger.close()
    (warning,) = agent.describe().warnings
    assert "a crash repeats more" in warning


def test_what_is_in_memory_and_calls_in_one_task_are_warned_of() -> None:
    inner = StateGraph(MessagesState).add_node("calls", ToolNode(shop_graphs.TOOLS)).add_edge(START, "calls")
    builder = StateGraph(MessagesState).add_node("inner", inner.compile()).add_edge(START, "inner")
    graph = cast("Any", builder.compile(store=InMemoryStore(), cache=InMemoryCache()))
    store, cache, calls = warnings_of(graph)
    assert store.startswith("its store is in memory")
    assert cache.startswith("its cache is in memory")
    assert calls.startswith("the calls of node calls share one task")
    assert warnings_of(cast("Any", shop_graphs.batched)) == []
