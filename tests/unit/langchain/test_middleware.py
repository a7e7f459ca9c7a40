"""`ApprovalMiddleware` on LangGraph alone: what it asks, what it takes, and that nothing leaves a thread stuck."""

# pyright: reportUnknownVariableType=false
# `create_agent` is untyped here and there.

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from placet.contracts.config import PolicyConfig
from placet.langchain import ApprovalMiddleware, UntranslatableError, ask_human, policy_of
from placet_testing.graphs import shop_graphs

Agent = Callable[[Any], Any]
CONFIG: Any = {"configurable": {"thread_id": "one"}}
CALL = [("refund", {"order": 1, "amount": 7})]


@pytest.fixture
def effects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(shop_graphs, "EFFECTS", tmp_path / "effects.txt")
    return tmp_path / "effects.txt"


@pytest.fixture
def agent(effects: Path) -> Any:
    del effects
    tools = [*shop_graphs.TOOLS, ask_human]
    return create_agent(shop_graphs.Model(), tools, middleware=[ApprovalMiddleware()], checkpointer=InMemorySaver())


async def asked(agent: Any, calls: object) -> list[Any]:
    """Returns what a message with these calls interrupts with."""
    given = {"messages": [{"role": "user", "content": json.dumps(calls)}]}
    return (await agent.ainvoke(given, CONFIG))["__interrupt__"]


async def resumed(agent: Any, interrupt: Any, answer: object) -> Any:
    return await agent.ainvoke(Command(resume={interrupt.id: answer}), CONFIG)


def done(effects: Path) -> list[str]:
    return [line for line in effects.read_text().splitlines() if not line.startswith("model")]


async def test_every_call_interrupts_in_the_form_of_langchains_own(agent: Any) -> None:
    first, second = await asked(agent, [*CALL, ("find", {"order": 2})])
    assert first.value == {
        "type": "tool_approval",
        "tool_call_id": "call_0",
        "name": "refund",
        "args": {"order": 1, "amount": 7},
        "description": "",
        "policy_decides": True,
    }
    assert second.value["name"] == "find"


@pytest.mark.parametrize(
    ("answer", "told", "lines"),
    [
        ({"type": "approve"}, "Refunded 7 on 1.", ["refund 1 7"]),
        ({"type": "reject", "message": "too much"}, "too much", []),
        ({"type": "reject"}, "This call was not allowed", []),
        ({"type": "respond", "message": "done by hand"}, "done by hand", []),
        (
            {"type": "edit", "edited_action": {"name": "refund", "args": {"order": 1, "amount": 5}}},
            'it ran with {"amount":5,"order":1}\n\nRefunded 5 on 1.',
            ["refund 1 5"],
        ),
    ],
)
async def test_a_call_is_done_as_it_was_decided(
    agent: Any, effects: Path, answer: object, told: str, lines: list[str]
) -> None:
    (waiting,) = await asked(agent, CALL)
    ended = await resumed(agent, waiting, answer)
    assert told in ended["messages"][-1].text
    assert done(effects) == lines


@pytest.mark.parametrize(
    "answer",
    [
        "approve",
        True,
        {"decisions": [{"type": "approve"}]},
        [{"type": "accept", "args": None}],
        {"type": "accept"},
        {"type": "respond"},
        {"type": "edit"},
        {"type": "edit", "editedAction": {"name": "refund", "args": {}}},
        {"type": "edit", "edited_action": {"name": "send", "args": {"to": "ada", "text": "hi"}}},
    ],
)
async def test_what_is_no_decision_asks_again_and_nothing_runs(agent: Any, effects: Path, answer: object) -> None:
    (waiting,) = await asked(agent, CALL)
    (again,) = (await resumed(agent, waiting, answer))["__interrupt__"]
    assert again.value["description"].startswith("The last answer did not count: ")
    assert done(effects) == []
    await resumed(agent, again, {"type": "approve"})
    assert done(effects) == ["refund 1 7"]


async def test_a_call_runs_while_another_waits(agent: Any, effects: Path) -> None:
    first, second = await asked(agent, [*CALL, ("find", {"order": 2})])
    await resumed(agent, second, {"type": "approve"})
    assert done(effects) == ["find 2"]
    await resumed(agent, first, {"type": "approve"})
    assert done(effects) == ["find 2", "refund 1 7"]


async def test_questions_of_the_model_are_no_calls_to_be_approved(agent: Any) -> None:
    (waiting,) = await asked(agent, [("ask_human", {"questions": [{"question": "Why?", "allow_text": True}]})])
    assert (waiting.value["type"], waiting.value["questions"][0]["id"]) == ("ask_human", "q1")
    assert (await resumed(agent, waiting, {"status": "skipped"}))["messages"][-1].text == '{"status":"skipped"}'


def test_the_configuration_of_langchains_middleware_becomes_policy() -> None:
    middleware = HumanInTheLoopMiddleware(
        interrupt_on={
            "refund": True,
            "send": {"allowed_decisions": ["reject", "approve"], "description": "A letter leaves the house"},
            "find": False,
        }
    )
    policy = policy_of(middleware)
    assert policy == {
        "mode": "bypass",
        "rules": [
            {
                "name": "refund asks",
                "tool": "refund",
                "effect": "ask",
                "decisions": ["approve", "edit", "reject", "respond"],
            },
            {
                "name": "send asks",
                "tool": "send",
                "effect": "ask",
                "decisions": ["approve", "reject"],
                "reason": "A letter leaves the house",
            },
        ],
    }
    assert PolicyConfig.model_validate(policy).mode == "bypass"


@pytest.mark.parametrize("part", ["when", "description"])
def test_code_in_that_configuration_is_named_and_not_passed_over(part: str) -> None:
    said: Any = {"allowed_decisions": ["approve"], part: print}
    with pytest.raises(UntranslatableError, match=f"`{part}` of refund"):
        policy_of(HumanInTheLoopMiddleware(interrupt_on={"refund": said}))
