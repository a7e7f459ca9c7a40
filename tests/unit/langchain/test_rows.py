"""Calls behind their rows: each runs once, and what a crash left open is asked about."""

# pyright: reportUnknownVariableType=false
# `create_agent` is untyped here and there.

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from langchain.agents import create_agent
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from placet.agents import CALL_ROWS
from placet.langchain import ApprovalMiddleware
from placet_testing.graphs import governed_graph, shop_graphs
from placet_testing.graphs.fake_rows import FakeCallRows, permitted

CONFIG: Final[Any] = {"configurable": {"thread_id": "one"}}
REFUND: Final = {"order": 1, "amount": 7}
APPROVE: Final = {"type": "approve"}


@pytest.fixture(autouse=True)
def effects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(shop_graphs, "EFFECTS", tmp_path / "effects.txt")
    return tmp_path / "effects.txt"


@pytest.fixture
def rows() -> Iterator[FakeCallRows]:
    lent = FakeCallRows()
    token = CALL_ROWS.set(lent)
    yield lent
    CALL_ROWS.reset(token)


@pytest.fixture
def agent() -> Any:
    tools = [*shop_graphs.TOOLS, *governed_graph.OWN]
    return create_agent(shop_graphs.Model(), tools, middleware=[ApprovalMiddleware()], checkpointer=InMemorySaver())


async def asked(agent: Any, tool: str, args: object) -> Any:
    """Returns the interrupt of a message with this one call."""
    given = {"messages": [{"role": "user", "content": json.dumps([(tool, args)])}]}
    (interrupt,) = (await agent.ainvoke(given, CONFIG))["__interrupt__"]
    return interrupt


async def resumed(agent: Any, interrupt: Any, answer: object) -> Any:
    return await agent.ainvoke(Command(resume={interrupt.id: answer}), CONFIG)


def result(state: Any) -> Any:
    """Returns the message that answers the call."""
    return next(message for message in reversed(state["messages"]) if message.type == "tool")


def done(effects: Path) -> list[str]:
    return [line for line in effects.read_text().splitlines() if not line.startswith("model")]


async def test_a_call_claims_its_row_before_it_runs_and_leaves_its_result_there(
    agent: Any, rows: FakeCallRows, effects: Path
) -> None:
    waiting = await asked(agent, "lookup", {"order": 3})
    answered = result(await resumed(agent, waiting, permitted(APPROVE, "lookup", {"order": 3})))
    assert (answered.text, answered.id) == ("Order 3 is there.", "m-a1/0")
    assert done(effects) == ["lookup 3 a1:0"], "the tool knows under which key it runs"
    assert rows.diary == ["start a1/0", "finish a1/0"]


@pytest.mark.parametrize(("tool", "args"), [("refund", REFUND), ("ship", {"order": 5})])
async def test_what_a_row_holds_is_the_result_and_nothing_runs(
    agent: Any, rows: FakeCallRows, effects: Path, tool: str, args: dict[str, Any]
) -> None:
    """The worker died after the row and before LangGraph had stored that the task was done."""
    waiting = await asked(agent, tool, args)
    before = (await agent.aget_state(CONFIG)).config
    first = result(await resumed(agent, waiting, permitted(APPROVE, tool, args)))
    lost = {"configurable": {**before["configurable"]}}
    again = await agent.ainvoke(Command(resume={waiting.id: permitted(APPROVE, tool, args)}), lost)
    assert result(again).text == first.text
    assert len(done(effects)) == 1
    assert rows.diary == ["start a1/0", "finish a1/0", "start a1/0"]


@pytest.mark.parametrize(
    ("looked", "text", "lines", "diary"),
    [
        ("ran", "it did", [], ["start a1/0", "start a1/0", "ran a1/0"]),
        ("unknown", "", [], ["start a1/0", "start a1/0", "unknown a1/0"]),
        ("not_run", "Refunded 7 on 1.", ["refund 1 7"], ["start a1/0"] * 2 + ["start a1/1", "finish a1/1"]),
    ],
)
async def test_a_row_without_a_result_is_asked_about(
    agent: Any, rows: FakeCallRows, effects: Path, looked: str, text: str, lines: list[str], diary: list[str]
) -> None:
    rows.started.add("a1/0")
    waiting = await asked(agent, "refund", REFUND)
    (question,) = (await resumed(agent, waiting, permitted(APPROVE, "refund", REFUND)))["__interrupt__"]
    assert (question.value["type"], question.value["name"], question.value["of"]) == (
        "placet_uncertain",
        "refund",
        "a1/0",
    )
    said = {"type": looked, "said": "it did" if looked == "ran" else None, "of": "a1/0"}
    assert result(await resumed(agent, question, said)).text == text
    assert done(effects) == lines
    assert rows.diary == diary


async def test_an_answer_that_is_not_about_the_row_asks_on(agent: Any, rows: FakeCallRows, effects: Path) -> None:
    rows.started.add("a1/0")
    waiting = await asked(agent, "refund", REFUND)
    (question,) = (await resumed(agent, waiting, permitted(APPROVE, "refund", REFUND)))["__interrupt__"]
    for answer in ("not_run", {"type": "not_run", "of": "a2/0"}, {"type": "approve"}):
        (question,) = (await resumed(agent, question, answer))["__interrupt__"]
    await resumed(agent, question, {"type": "ran", "of": "a1/0"})
    assert done(effects) == []


async def test_a_tool_that_waits_by_itself_leaves_its_row(agent: Any, rows: FakeCallRows, effects: Path) -> None:
    waiting = await asked(agent, "wire", {"order": 6})
    (own,) = (await resumed(agent, waiting, permitted(APPROVE, "wire", {"order": 6})))["__interrupt__"]
    assert own.value == "To which account, for 6?"
    assert result(await resumed(agent, own, "DE-1")).text == "Sent to DE-1."
    assert rows.diary == ["start a1/0", "let_go a1/0", "start a1/0", "finish a1/0"]
    assert done(effects) == ["wire 6 DE-1"]


async def test_a_tool_that_raised_is_not_run_again(agent: Any, rows: FakeCallRows, effects: Path) -> None:
    waiting = await asked(agent, "breaks", {"order": 7})
    for _ in range(2):
        with pytest.raises(Exception, match="no such account"):
            await resumed(agent, waiting, permitted(APPROVE, "breaks", {"order": 7}))
    assert done(effects) == ["breaks 7"]
    assert rows.diary == ["start a1/0", "failed a1/0", "start a1/0"]


async def test_other_arguments_than_were_shown_do_not_run(agent: Any, rows: FakeCallRows, effects: Path) -> None:
    waiting = await asked(agent, "refund", REFUND)
    answered = result(await resumed(agent, waiting, permitted(APPROVE, "refund", {"order": 1, "amount": 8})))
    assert (answered.status, "not the ones that were shown" in answered.text) == ("error", True)
    assert rows.diary == []
    assert done(effects) == []


async def test_an_edited_call_runs_behind_the_row_of_what_it_became(
    agent: Any, rows: FakeCallRows, effects: Path
) -> None:
    waiting = await asked(agent, "refund", REFUND)
    edited = {"order": 1, "amount": 5}
    decision = {"type": "edit", "edited_action": {"name": "refund", "args": edited}}
    answered = result(await resumed(agent, waiting, permitted(decision, "refund", edited)))
    assert answered.text.endswith("Refunded 5 on 1.")
    assert rows.finished["a1/0"]["data"]["content"] == answered.text
    assert done(effects) == ["refund 1 5"]


def test_a_graph_that_runs_in_a_thread_does_the_same(agent: Any, rows: FakeCallRows, effects: Path) -> None:
    given = {"messages": [{"role": "user", "content": json.dumps([("refund", REFUND)])}]}
    (waiting,) = agent.invoke(given, CONFIG)["__interrupt__"]
    state = agent.invoke(Command(resume={waiting.id: permitted(APPROVE, "refund", REFUND)}), CONFIG)
    assert result(state).text == "Refunded 7 on 1."
    assert (rows.diary, done(effects)) == (["start a1/0", "finish a1/0"], ["refund 1 7"])
