"""Decisions within milliseconds of the deadline: one end, never a late winner, and a 200 is never taken back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import httpx
import pytest

from placet_testing.deployment import ENDINGS, Deployment, Json, together

pytestmark = [pytest.mark.repeated, pytest.mark.timeout(600)]

OFFSETS = (-200, -60, -30, -15, -8, -5, -3, -1, 0, 1, 3, 5, 8, 15, 30)
"""Milliseconds from the deadline at which a decision is sent, by this machine's clock."""


def at(approval: Json, milliseconds: float, send: Callable[[], httpx.Response]) -> httpx.Response:
    """Sends something at that distance from the deadline."""
    deadline = datetime.fromisoformat(approval["expires_at"]).timestamp() + milliseconds / 1000
    wait = deadline - datetime.now(UTC).timestamp()
    time.sleep(max(0.0, wait))
    return send()


def check(deployment: Deployment, asked: Json, answers: list[httpx.Response]) -> str:
    """Checks what was answered against what is kept, and returns how it ended."""
    kept = deployment.ended(asked)
    told = deployment.told(asked["id"])
    assert sum(kind in ENDINGS for kind in told) == 1, told
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {200, 202, 409}, [answer.text for answer in answers]
    assert statuses.count(200) <= 1
    deadline = datetime.fromisoformat(asked["expires_at"])
    if kept["decision"] is not None:
        assert datetime.fromisoformat(kept["ended_at"]) < deadline, "a late winner"
    else:
        assert kept["status"] in {"expired", "cancelled"}
    for answer in answers:
        body = answer.json()
        if answer.status_code == 200:
            assert {**body, "refused": kept["refused"]} == kept, "a 200 was contradicted"
        elif answer.status_code == 409:
            shown = body["approval"]
            if shown["status"] != kept["status"]:
                pytest.fail(f"told {shown['status']}, kept {kept['status']}: {body}")
            assert shown["decision"] == kept["decision"]
            assert shown["ended_at"] == kept["ended_at"]
    return kept["status"]


@pytest.mark.parametrize("repetition", range(4))
def test_decisions_around_the_deadline(deployment: Deployment, repetition: int) -> None:
    ends: Counter[str] = Counter()
    asked = [deployment.ask(expires_after="3s", title=f"{repetition} {offset}") for offset in OFFSETS]
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
    asked = [deployment.ask(expires_after="3s", title=f"{repetition} {offset}") for offset in OFFSETS]
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
    offsets = (-1500, -1000, -500, -200, -100, -50, -20, -5, 0, 5, 20)
    asked = [deployment.ask(expires_after="5s", title=str(offset)) for offset in offsets]
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
    for one, answer in zip(asked, answers, strict=True):
        check(deployment, one, [answer])
