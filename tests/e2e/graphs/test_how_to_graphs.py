"""What the how-to for graphs shows, run."""

from __future__ import annotations

from typing import Any, Final

import pytest
import yaml
from langgraph.pregel import Pregel  # pyright: ignore[reportMissingTypeStubs] - it has types, and says so

from placet.contracts.config import Config
from placet_testing.pages import file_of

PAGE: Final = "docs/how-to/run-a-langgraph-graph.md"


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
