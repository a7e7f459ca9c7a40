"""Decisions within milliseconds of the deadline: one end, never a late winner, and a 200 is never taken back."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest

from placet_testing.deployment import Deployment, together
from placet_testing.faults.deadlines import at, check

pytestmark = [pytest.mark.repeated, pytest.mark.timeout(600)]

OFFSETS = (30, 15, 8, 5, 3, 1, 0, -1, -3, -5, -8, -15, -30, -60, -200, -5_000)
"""Milliseconds from the deadline at which a decision is sent, by this machine's clock.

The last is in time, also on a machine that takes half a second for each approval that is asked for before it.
"""
IN_TIME = -3_000
"""What is sent then is stored in time, though the gateway first waits for the worker for half of what is left."""


@pytest.mark.parametrize("repetition", range(4))
def test_decisions_around_the_deadline(deployment: Deployment, repetition: int) -> None:
    ends: Counter[str] = Counter()
    asked = [deployment.ask(expires_after="10s", title=f"{repetition} {offset}") for offset in OFFSETS]
    first = [
        partial(at, one, offset, partial(deployment.decide, one, gateway=0))
        for one, offset in zip(asked, OFFSETS, strict=True)
    ]
    second = [
        partial(at, one, offset, partial(deployment.decide, one, "reject", user="eve", gateway=1))
        for one, offset in zip(asked, OFFSETS, strict=True)
    ]
    answers = together(first + second)
    for place, one in enumerate(asked):
        ends[check(deployment, one, [answers[place], answers[place + len(asked)]])] += 1
    assert ends["expired"], "no decision came late"
    assert ends["approved"] + ends["rejected"], "no decision came in time"


@pytest.mark.parametrize("repetition", range(2))
def test_withdrawals_around_the_deadline(deployment: Deployment, repetition: int) -> None:
    asked = [deployment.ask(expires_after="10s", title=f"{repetition} {offset}") for offset in OFFSETS]
    first = [
        partial(at, one, offset, partial(deployment.decide, one, gateway=0))
        for one, offset in zip(asked, OFFSETS, strict=True)
    ]
    second = [
        partial(at, one, offset, partial(deployment.withdraw, one, gateway=1))
        for one, offset in zip(asked, OFFSETS, strict=True)
    ]
    answers = together(first + second)
    for place, one in enumerate(asked):
        check(deployment, one, [answers[place], answers[place + len(asked)]])


def test_decisions_around_the_deadline_with_a_frozen_worker(deployment: Deployment) -> None:
    """Update, Signal and timer reach the worker in one go, in no order of their own."""
    offsets = (20, 5, 0, -5, -20, -50, -100, -200, -500, -1000, -3000, -4000)
    asked = [deployment.ask(expires_after="10s", title=str(offset)) for offset in offsets]
    worker = deployment.workers[0]
    worker.freeze()
    actions = [
        partial(at, one, offset, partial(deployment.decide, one, gateway=place % 2))
        for place, (one, offset) in enumerate(zip(asked, offsets, strict=True))
    ]
    try:
        answers = together(actions)
    finally:
        worker.thaw()
    for offset, one, answer in zip(offsets, asked, answers, strict=True):
        status = check(deployment, one, [answer])
        if offset <= IN_TIME:
            assert status == "approved", "what Temporal had in time did not count"
