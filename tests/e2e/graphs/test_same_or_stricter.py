"""The same decisions on the same agent: LangChain's middleware with its in-memory saver, and Placet.

Each row of the table in `docs/reference/human-in-the-loop.md` is observed here on both sides, and stands there as it
was observed.
"""

# pyright: reportUnknownVariableType=false
# `create_agent` is untyped here and there.

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from placet_testing.graphs import shop_graphs
from placet_testing.graphs.running import Graphs, Json

pytestmark = pytest.mark.timeout(180)

PAGE: Final = Path(__file__).parents[3] / "docs" / "reference" / "human-in-the-loop.md"
RUNS_ONCE: Final = "runs once"
STUCK: Final = "raises, and no answer is taken any more"


class Plain:
    """An agent with LangChain's middleware and saver, and nothing of Placet."""

    def __init__(self, effects: Path) -> None:
        asks = HumanInTheLoopMiddleware(interrupt_on=shop_graphs.GATED)
        self._agent: Any = create_agent(
            shop_graphs.Model(), shop_graphs.TOOLS, middleware=[asks], checkpointer=InMemorySaver()
        )
        self._config = {"configurable": {"thread_id": uuid.uuid4().hex}}
        self._effects = effects

    def says(self, text: str) -> Json:
        given = {"messages": [{"role": "user", "content": text}]}
        return asyncio.run(self._agent.ainvoke(given, self._config))

    def decides(self, *decisions: Json) -> Json:
        resume: Command[Any] = Command(resume={"decisions": list(decisions)})
        return asyncio.run(self._agent.ainvoke(resume, self._config))

    def both_decide(self, decision: Json) -> None:
        """Sends the same answer twice at once."""

        async def both() -> None:
            resume: Command[Any] = Command(resume={"decisions": [decision]})
            await asyncio.gather(*(self._agent.ainvoke(resume, self._config) for _ in range(2)))

        asyncio.run(both())

    def refuses(self, *decisions: Json) -> bool:
        """Returns whether these decisions raise."""
        try:
            self.decides(*decisions)
        except (ValueError, TypeError, KeyError):
            return True
        return False

    def lines(self) -> list[str]:
        return [line for line in self._effects.read_text().splitlines() if not line.startswith("model")]


APPROVE: Final[Json] = {"type": "approve"}
Seen = Callable[[Plain], str]
SeenHere = Callable[[Graphs], str]


def calls(*listed: tuple[str, Json]) -> str:
    return json.dumps(listed)


def refund(order: int) -> tuple[str, Json]:
    return "refund", {"order": order, "amount": 7}


SEND: Final = ("send", {"to": "ada", "text": "hi"})


def ran(lines: list[str], *wanted: str) -> str:
    found = [lines.count(line) for line in wanted]
    return RUNS_ONCE if found == [1] * len(wanted) else f"runs {found} times"


def plain_approve(plain: Plain) -> str:
    plain.says(calls(refund(1)))
    plain.decides(APPROVE)
    return ran(plain.lines(), "refund 1 7")


def placet_approve(graphs: Graphs) -> str:
    run = graphs.start("batched", calls(refund(901)))
    graphs.decide(graphs.pending(run, 1)[0])
    graphs.ended(run)
    return ran(graphs.lines(), "refund 901 7")


def plain_reject(plain: Plain) -> str:
    plain.says(calls(refund(1)))
    said = plain.decides({"type": "reject", "message": "too much"})["messages"][-1].text
    return "does not run, and the model reads why" if not plain.lines() and "too much" in said else said


def placet_reject(graphs: Graphs) -> str:
    run = graphs.start("batched", calls(refund(902)))
    graphs.decide(graphs.pending(run, 1)[0], "reject", message="too much")
    said = graphs.ended(run)["output"]
    quiet = "refund 902 7" not in graphs.lines()
    return "does not run, and the model reads why" if quiet and "too much" in said else said


def plain_edit(plain: Plain) -> str:
    plain.says(calls(refund(1)))
    plain.decides({"type": "edit", "edited_action": {"name": "refund", "args": {"order": 1, "amount": 5}}})
    return ran(plain.lines(), "refund 1 5")


def placet_edit(graphs: Graphs) -> str:
    run = graphs.start("batched", calls(refund(903)))
    graphs.decide(graphs.pending(run, 1)[0], "edit", args={"order": 903, "amount": 5})
    graphs.ended(run)
    return ran(graphs.lines(), "refund 903 5")


def plain_too_few(plain: Plain) -> str:
    plain.says(calls(refund(1), SEND))
    refused = plain.refuses(APPROVE)
    return STUCK if refused and plain.refuses(APPROVE, APPROVE) else "taken"


def placet_too_few(graphs: Graphs) -> str:
    run = graphs.start("batched", calls(refund(904), ("send", {"to": "ada", "text": "904"})))
    first, second = graphs.pending(run, 2)
    graphs.decide(first)
    assert "refund 904 7" not in graphs.lines()
    graphs.decide(second)
    graphs.ended(run)
    assert ran(graphs.lines(), "refund 904 7", "send ada 904") == RUNS_ONCE
    return "waits for the others"


def plain_not_allowed(plain: Plain) -> str:
    plain.says(calls(SEND))
    refused = plain.refuses({"type": "respond", "message": "done"})
    return STUCK if refused and plain.refuses(APPROVE) else "taken"


def placet_not_allowed(graphs: Graphs) -> str:
    run = graphs.start("batched", calls(("send", {"to": "ada", "text": "905"})))
    (waiting,) = graphs.pending(run, 1)
    answer = graphs.decide(waiting, "respond", message="done")
    graphs.decide(waiting)
    graphs.ended(run)
    assert ran(graphs.lines(), "send ada 905") == RUNS_ONCE
    return f"{answer.status_code} `{answer.json()['code']}`, and it still waits"


def plain_other_tool(plain: Plain) -> str:
    plain.says(calls(refund(1)))
    plain.decides({"type": "edit", "edited_action": {"name": "send", "args": SEND[1]}})
    return "runs the other tool, and nobody is asked about that" if plain.lines() == ["send ada hi"] else "refused"


def placet_other_tool(graphs: Graphs) -> str:
    run = graphs.start("batched", calls(refund(906)))
    (waiting,) = graphs.pending(run, 1)
    answer = graphs.decide(waiting, "edit", args={"to": "ada", "text": "906"})
    graphs.decide(waiting, "reject")
    graphs.ended(run)
    assert "send ada 906" not in graphs.lines()
    return f"an edit has no tool; {answer.status_code} `{answer.json()['code']}`"


def plain_twice(plain: Plain) -> str:
    plain.says(calls(refund(1)))
    plain.both_decide(APPROVE)
    return f"runs {plain.lines().count('refund 1 7')} times"


def placet_twice(graphs: Graphs) -> str:
    run = graphs.start("batched", calls(refund(907)))
    (waiting,) = graphs.pending(run, 1)
    with ThreadPoolExecutor(2) as threads:
        codes = sorted(one.status_code for one in threads.map(graphs.decide, [waiting, waiting]))
    graphs.ended(run)
    assert codes == [200, 409]
    return ran(graphs.lines(), "refund 907 7") + "; the other gets 409"


def plain_late(plain: Plain) -> str:
    plain.says(calls(refund(1)))
    plain.decides({"type": "reject"})
    plain.says(calls(refund(2)))
    plain.decides(APPROVE)  # meant for the first: a client that repeats itself, or a second tab
    return "approves the next call" if plain.lines() == ["refund 2 7"] else "refused"


def placet_late(graphs: Graphs) -> str:
    first = graphs.start("batched", calls(refund(908)))
    (waiting,) = graphs.pending(first, 1)
    graphs.decide(waiting, "reject")
    graphs.ended(first)
    second = graphs.start("batched", calls(refund(909)), thread_id=first["thread_id"])
    (other,) = graphs.pending(second, 1)
    answer = graphs.decide(waiting)
    graphs.decide(other, "reject")
    graphs.ended(second)
    assert "refund 909 7" not in graphs.lines()
    return f"{answer.status_code} `{answer.json()['code']}`"


def plain_message(plain: Plain) -> str:
    plain.says(calls(refund(1)))
    waits = "__interrupt__" in plain.says("never mind")
    return "still waits" if waits else "the call is forgotten"


def placet_message(graphs: Graphs) -> str:
    run = graphs.start("batched", calls(refund(910)))
    (waiting,) = graphs.pending(run, 1)
    more = {"agent": "batched", "input": "never mind", "thread_id": run["thread_id"]}
    answer = graphs.post("/v1/runs", more)
    graphs.decide(waiting, "reject")
    graphs.ended(run)
    return f"{answer.status_code} `{answer.json()['code']}`: answer or cancel first"


@dataclass(frozen=True)
class Row:
    """A behaviour, seen on both sides."""

    name: str
    plain: Seen
    placet: SeenHere


ROWS: Final = (
    Row("approve", plain_approve, placet_approve),
    Row("reject, with a reason", plain_reject, placet_reject),
    Row("edit the arguments", plain_edit, placet_edit),
    Row("decide on one of two calls", plain_too_few, placet_too_few),
    Row("a type of decision that is not allowed", plain_not_allowed, placet_not_allowed),
    Row("an edit into a call of another tool", plain_other_tool, placet_other_tool),
    Row("two approvals at once", plain_twice, placet_twice),
    Row("an answer to a call that was decided before", plain_late, placet_late),
    Row("a new message while a call waits", plain_message, placet_message),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_is_observed_stands_in_the_table(
    row: Row, graphs: Graphs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    effects = tmp_path / "effects.txt"
    effects.touch()
    monkeypatch.setattr(shop_graphs, "EFFECTS", effects)
    observed = f"| {row.name} | {row.plain(Plain(effects))} | {row.placet(graphs)} |"
    assert observed in PAGE.read_text("utf-8")


def test_there_is_no_row_that_nobody_observes() -> None:
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[2:]] == [row.name for row in ROWS]
