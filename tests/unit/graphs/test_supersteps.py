"""Supersteps of a real graph with a real saver: what is answered once counts once, and only the head is read."""

# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false
# LangGraph's builder is untyped here and there.

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from langchain_core.messages import AIMessage
from langgraph.errors import GraphRecursionError
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel, field_validator

from placet.graphs import GraphChangedError, Reached, TooManyStepsError
from placet.graphs._stepping import configurable_of
from placet_testing.graphs import shop_graphs
from placet_testing.graphs.stepping import Notes, Runs, says


async def test_an_answer_that_comes_twice_does_not_answer_the_next_question(runs: Runs) -> None:
    """Nor does the second attempt fail: the node has asked something else meanwhile, and waits for that."""
    agent = runs.agent("one", questions=["first?", "second?"])
    first = await runs.until_it_waits(agent)
    once = says(first, "a")
    second = await runs.step(agent, answers=(once,))
    again = await runs.step(agent, head=first.head, answers=(once,), again=True)
    assert [one.id for one in again.waiting] == [one.id for one in second.waiting] != [one.id for one in first.waiting]
    done = await runs.step(agent, head=first.head, answers=(says(second, "b"),))
    while done.status == "drained":
        done = await runs.step(agent)
    assert done.output == {"notes": ["one a", "one b"]}
    assert runs.ran == ["one"]


async def test_a_superstep_whose_end_was_not_heard_is_applied_again_and_nothing_runs_twice(runs: Runs) -> None:
    agent = runs.agent("one")
    waits = await runs.until_it_waits(agent)
    answers = (says(waits, "a"),)
    lost = await runs.step(agent, answers=answers)
    again = await runs.step(agent, head=waits.head, answers=answers, again=True)
    assert runs.ran == ["one"]
    assert again.head != lost.head
    assert (again.status, again.output) == (lost.status, lost.output)


async def test_only_the_head_is_read_whatever_was_stored_after_it(runs: Runs) -> None:
    """A worker that was stopped and wakes later has stored a checkpoint that nobody heard of."""
    agent = runs.agent("one", "two")
    waits = await runs.until_it_waits(agent)
    places = {one.node: place for place, one in enumerate(waits.waiting)}
    both = [says(waits, "a", places["one"]), says(waits, "b", places["two"])]
    first = await runs.step(agent, answers=(both[0],))
    assert [one.node for one in first.waiting] == ["two"]
    late = await runs.step(agent, answers=(both[1],))
    assert late.status in {"drained", "ended"}
    stepped = await runs.step(agent, head=first.head, again=True, answers=(both[1],))
    assert sorted(runs.ran) == ["one", "two"]
    assert stepped.output == late.output


@pytest.mark.parametrize("way", ["in one superstep after another", "in segments"])
@pytest.mark.parametrize("place", ["the graph itself", "a node", "called in a node"])
async def test_what_was_answered_before_a_reset_is_asked_again_and_counts_for_nothing(
    runs: Runs, place: str, way: str
) -> None:
    """LangGraph itself goes on with what its task wrote after the first answer, whatever it is told then."""
    agent = runs.agent("one", "two") if place == "the graph itself" else runs.of(nested("asks", place))
    if way == "in segments":
        agent.run_in_segments("as it was told to")
    waits = await runs.until_it_waits(agent)

    async def told(reached: Reached, text: str, mark: str) -> Reached:
        """Answers everything, in one superstep under this mark; what follows has others."""
        answers = tuple(says(reached, text, at) for at in range(len(reached.waiting)))
        return await runs.step(agent, head=reached.head, answers=answers, mark=mark)

    async def ended(reached: Reached) -> Any:
        while reached.status == "drained":
            reached = await runs.step(agent)
        return "".join(cast("Any", reached.output)["notes"])

    assert "yes" in await ended(await told(waits, "yes", "before 1"))
    again = await told(waits, "no", "after 1")
    assert again.status == "waits"
    assert not {one.id for one in again.waiting} & {one.id for one in waits.waiting}
    after_a_crash = await runs.step(agent, head=waits.head, answers=(says(waits, "no"),), mark="after 1", again=True)
    assert after_a_crash.status == "waits"
    notes = await ended(await told(after_a_crash, "no", "after 2"))
    assert "no" in notes
    assert "yes" not in notes


async def test_what_was_answered_is_gone_when_its_node_was_renamed_meanwhile(runs: Runs) -> None:
    """LangGraph itself would report the graph as finished."""
    waits = await runs.until_it_waits(runs.agent("one"))
    with pytest.raises(GraphChangedError, match="has changed"):
        await runs.step(runs.agent("another"), answers=(says(waits, "a"),))


@pytest.mark.parametrize("way", ["a node", "called in a node"])
async def test_a_node_of_a_subgraph_that_was_renamed_meanwhile_is_missed(runs: Runs, way: str) -> None:
    """LangGraph itself passes over it: the subgraph ends without having asked, and the graph goes on."""
    waits = await runs.until_it_waits(runs.of(nested("asks", way)))
    assert waits.waiting[0].namespace.startswith("press:")
    with pytest.raises(GraphChangedError, match="has changed"):
        await runs.step(runs.of(nested("renamed", way)), answers=(says(waits, "a"),))


@pytest.mark.parametrize("way", ["a node", "called in a node"])
async def test_a_subgraph_that_is_as_it_was_hears_its_answer(runs: Runs, way: str) -> None:
    waits = await runs.until_it_waits(runs.of(nested("asks", way)))
    done = await runs.step(runs.of(nested("asks", way)), answers=(says(waits, "a"),))
    while done.status == "drained":
        done = await runs.step(runs.of(nested("asks", way)))
    assert cast("Any", done.output)["notes"][-2:] == ["told a", "after"]


def nested(name: str, way: str) -> Any:
    """Returns a graph with a subgraph, in which a node of this name asks."""

    def before(state: Notes) -> Notes:
        del state
        return {"notes": ["before"]}

    def asks(state: Notes) -> Notes:
        del state
        return {"notes": [f"told {interrupt('which?')}"]}

    def after(state: Notes) -> Notes:
        del state
        return {"notes": ["after"]}

    builder = StateGraph(Notes).add_node(before).add_node(name, asks).add_edge(START, "before")
    inner: Any = builder.add_edge("before", name).compile()

    def calls(state: Notes) -> Notes:
        del state
        return {"notes": inner.invoke({"notes": []})["notes"]}

    outer = StateGraph(Notes).add_node("press", inner if way == "a node" else calls).add_node(after)
    return outer.add_edge(START, "press").add_edge("press", "after").compile()


async def test_a_node_that_was_added_meanwhile_does_no_harm(runs: Runs) -> None:
    waits = await runs.until_it_waits(runs.agent("one"))
    done = await runs.step(runs.agent("one", "added"), answers=(says(waits, "a"),))
    while done.status == "drained":
        done = await runs.step(runs.agent("one", "added"))
    assert done.output == {"notes": ["one a"]}


async def test_an_answer_that_does_not_fit_is_asked_again_and_the_graph_hears_nothing(runs: Runs) -> None:
    agent = runs.agent("one", questions=[{"what": "?"}])
    waits = await runs.until_it_waits(agent)
    again = await runs.step(agent, answers=(says(waits, "null"),), mark="w 1")
    assert [one.id for one in again.waiting] == [one.id for one in waits.waiting]
    assert again.waiting[0].calls[0].context == {
        "value": {"what": "?"},
        "last_answer_refused": "LangGraph takes no null for an answer",
    }
    assert (again.head, runs.ran) == (waits.head, [])
    assert (await runs.step(agent, answers=(says(again, "5"),), mark="w 2")).output == {"notes": ["one 5"]}


class Pairs(BaseModel):
    """What a graph takes: its schema says less than its check."""

    count: int

    @field_validator("count")
    @classmethod
    def _even(cls, count: int) -> int:
        if count % 2:
            message = "an even count is wanted"
            raise ValueError(message)
        return count


@pytest.mark.parametrize("way", ["a node", "called in a node"])
async def test_an_answer_that_the_graphs_own_check_refuses_is_asked_again(runs: Runs, way: str) -> None:
    """It would fail the run: the schema that the graph shows does not say all of its check."""

    def counts(state: Notes) -> dict[str, list[str]]:
        del state
        answer: Any = interrupt("How many?", response_schema=Pairs)
        runs.ran.append(f"counted {answer.count}")
        return {"notes": [f"counted {answer.count}"]}

    inner: Any = StateGraph(Notes).add_node(counts).add_edge(START, "counts").compile()

    def calls(state: Notes) -> dict[str, list[str]]:
        del state
        return inner.invoke({"notes": []})

    node = counts if way == "a node" else calls
    agent = runs.of(StateGraph(Notes).add_node("asks", node).add_edge(START, "asks").compile())
    waits = await runs.until_it_waits(agent)
    again = await runs.step(agent, answers=(says(waits, '{"count": 3}'),), mark="w 1")
    assert (again.status, again.head, runs.ran) == ("waits", waits.head, [])
    assert (again.waiting[0].id, again.waiting[0].node) == (waits.waiting[0].id, waits.waiting[0].node)
    assert again.waiting[0].namespace == waits.waiting[0].namespace
    problem = cast("Any", again.waiting[0].calls[0].context)["last_answer_refused"]
    assert "an even count is wanted" in problem
    ended = await runs.step(agent, answers=(says(again, '{"count": 4}'),), mark="w 2")
    while ended.status == "drained":
        ended = await runs.step(agent)
    assert runs.ran == ["counted 4"]


async def test_a_right_answer_is_taken_where_another_of_the_same_moment_is_refused(runs: Runs) -> None:
    def counts(state: Notes) -> dict[str, list[str]]:
        del state
        answer: Any = interrupt("How many?", response_schema=Pairs)
        runs.ran.append(f"counted {answer.count}")
        return {"notes": [f"counted {answer.count}"]}

    builder = StateGraph(Notes)
    for name in ("left", "middle", "right"):
        builder.add_node(name, counts).add_edge(START, name)
    agent = runs.of(builder.compile())
    waits = await runs.until_it_waits(agent)
    texts = {"left": '{"count": 3}', "middle": '{"count": 4}', "right": '{"count": 5}'}
    answers = tuple(says(waits, texts[one.node], at) for at, one in enumerate(waits.waiting))
    again = await runs.step(agent, answers=answers, mark="w 1")
    assert sorted(one.node for one in again.waiting) == ["left", "right"]
    assert runs.ran == ["counted 4"]
    answers = tuple(says(again, '{"count": 6}', at) for at in range(2))
    ended = await runs.step(agent, answers=answers, mark="w 2")
    while ended.status == "drained":
        ended = await runs.step(agent)
    assert sorted(cast("Any", ended.output)["notes"]) == ["counted 4", "counted 6", "counted 6"]


async def test_a_graph_may_take_as_many_steps_as_in_one_go(runs: Runs) -> None:
    def on(state: Notes) -> dict[str, list[str]]:
        del state
        runs.ran.append("on")
        return {"notes": ["on"]}

    graph = StateGraph(Notes).add_node(on).add_edge(START, "on").add_edge("on", "on").compile()
    limited = graph.with_config(recursion_limit=6)
    with pytest.raises(GraphRecursionError):
        await limited.ainvoke({"notes": []})
    in_one_go = len(runs.ran)
    with pytest.raises(TooManyStepsError, match="more than 6 supersteps"):
        await runs.until_it_waits(runs.of(limited))
    assert len(runs.ran) - in_one_go == in_one_go == 6


async def test_every_superstep_has_the_context_of_the_run_and_nobody_sets_what_is_langgraphs_own(runs: Runs) -> None:
    agent = runs.of(shop_graphs.signed)
    context = {"clerk": "ada"}
    waits = await runs.step(agent, begins=True, given={"text": "x"}, context=context)
    while waits.status == "drained":
        waits = await runs.step(agent, context=context)
    waits = await runs.step(agent, answers=(says(waits, "yes"),), context=context)
    while waits.status == "drained":
        waits = await runs.step(agent, context=context)
    ended = await runs.step(agent, answers=(says(waits, "no"),), context=context)
    assert ended.output == {"text": "x yes ada ada no ada ada"}
    harmful = {"thread_id": "another", "checkpoint_id": "1", "__pregel_resuming": True, "clerk": "bob"}
    assert configurable_of(replace(runs.wanted, context=harmful)) == {
        "thread_id": runs.wanted.thread_id,
        "clerk": "bob",
    }


@pytest.mark.parametrize("way", ["in one superstep after another", "in segments"])
async def test_what_was_said_before_a_crash_is_told_by_the_attempt_that_follows(runs: Runs, way: str) -> None:
    """LangGraph shows a state with what its tasks have written since, so that it seems to have been there before."""

    def says_so(state: MessagesState) -> Any:
        del state
        answer = interrupt("What?")
        return {"messages": [AIMessage(f"said {answer}", id="m1")]}

    def last(state: MessagesState) -> Any:
        return {"messages": [AIMessage(f"after {len(state['messages'])}", id="m2")]}

    builder = StateGraph(MessagesState).add_node("says", says_so).add_node(last)
    agent = runs.of(builder.add_edge(START, "says").add_edge("says", "last").compile())
    if way == "in segments":
        agent.run_in_segments("as it was told to")
    waits = await runs.until_it_rests(agent, {"messages": []})
    answers = (says(waits, "a"),)
    lost = await runs.step(agent, answers=answers, mark="w 1")
    again = await runs.step(agent, head=waits.head, answers=answers, mark="w 1", again=True)
    assert [one.text for one in again.messages] == [one.text for one in lost.messages] != []
    known = frozenset({"m1"})
    more = await runs.step(agent, head=waits.head, answers=answers, mark="w 1", again=True, known=known)
    assert "m1" not in [one.id for one in more.messages]
