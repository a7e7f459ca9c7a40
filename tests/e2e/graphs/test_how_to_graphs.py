"""What the how-to for graphs shows, run."""

from __future__ import annotations

from typing import Any, Final

import pytest
import yaml
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.pregel import Pregel  # pyright: ignore[reportMissingTypeStubs] - it has types, and says so
from langgraph.types import Command

from placet.contracts.config import Config
from placet.graphs._interrupts import Place, read
from placet_testing.pages import file_of

PAGE: Final = "docs/how-to/run-a-langgraph-graph.md"
MOVING: Final = "docs/how-to/move-from-langgraph.md"


def test_the_agent_with_the_one_line_is_a_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "of nobody")
    made: dict[str, Any] = {}
    exec(compile(file_of(PAGE, "desk_graph.py"), "desk_graph.py", "exec"), made)  # noqa: S102 - the page's own code
    assert isinstance(made["graph"], Pregel)


def test_the_policy_that_is_printed_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(file_of(PAGE, "print_policy.py"), "print_policy.py", "exec"), {})  # noqa: S102 - the page's own code
    printed = yaml.safe_load(capsys.readouterr().out)
    (rule,) = Config.model_validate({"agents": {}, **printed}).policy.rules
    assert (rule.tool, rule.effect) == (("refund",), "ask")


def test_the_interrupt_of_ones_own_is_a_call_that_people_decide_on() -> None:
    made: dict[str, Any] = {}
    exec(compile(file_of(MOVING, "payout_graph.py"), "payout_graph.py", "exec"), made)  # noqa: S102 - the page's own code
    graph = made["graph"].copy(update={"checkpointer": InMemorySaver()})
    for place, (decision, paid) in enumerate(
        [
            ({"type": "approve"}, "paid 12.5 to A-1"),
            (
                {"type": "edit", "edited_action": {"name": "pay_out", "args": {"account": "A-1", "amount": 10}}},
                "paid 10 to A-1",
            ),
            ({"type": "reject", "message": "closed"}, "not paid: closed"),
        ]
    ):
        thread = {"configurable": {"thread_id": str(place)}}
        (asked,) = graph.invoke({"account": "A-1", "amount": 12.5}, thread)["__interrupt__"]
        (call,) = read(asked, Place("pay", "pay:1", "task"), {}).calls
        assert (call.tool, call.args, call.decisions) == (
            "pay_out",
            {"account": "A-1", "amount": 12.5},
            ("approve", "edit", "reject"),
        )
        assert graph.invoke(Command(resume={"decisions": [decision]}), thread)["paid"] == paid
