"""What is asked besides interrupts: whether to go on at a breakpoint, and again what was answered wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from placet.contracts.graphs import BREAKPOINT, GO_ON, STOP_HERE
from placet.contracts.questions import Option, Question
from placet.graphs._shapes import Call, Waiting


def breakpoint_at(following: Sequence[str]) -> Waiting:
    """Returns the question that a breakpoint is."""
    names = ", ".join(following)
    question = Question(
        id=BREAKPOINT,
        question=f"The graph stands at a breakpoint before {names}. Shall it go on?",
        options=(Option(id=GO_ON, label="Go on"), Option(id=STOP_HERE, label="Stop", description="End the run.")),
    )
    call = Call(questions=(question,), refusable=False)
    return Waiting(id=BREAKPOINT, task="", form="breakpoint", node=following[0], namespace="", calls=(call,))


def with_problem(waiting: Waiting, problem: str) -> Waiting:
    """Returns what waits with the reason why its last answer did not count."""
    calls = [replace(call, context={**(call.context or {}), "last_answer_refused": problem}) for call in waiting.calls]
    return replace(waiting, calls=tuple(calls))
