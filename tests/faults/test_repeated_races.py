"""Decide against cancel, in every way that there is to cancel, again and again."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from functools import partial
from typing import Any

import pytest

from placet_testing.deployment import Deployment, Json, together
from placet_testing.faults.deadlines import check
from placet_testing.processes import CROWD

pytestmark = [pytest.mark.repeated, pytest.mark.timeout(900)]


def seeded(number: int) -> random.Random:
    return random.Random(number)  # noqa: S311 - moments of a race


def after(seconds: float, action: Any) -> Any:
    time.sleep(seconds)
    return action()


def test_decide_against_withdraw(deployment: Deployment) -> None:
    chance, ends = seeded(7), Counter[str]()
    for _ in range(60):
        asked = deployment.ask()
        answers = together(
            [
                partial(after, chance.random() / 50, partial(deployment.decide, asked, gateway=0)),
                partial(after, chance.random() / 50, partial(deployment.withdraw, asked, gateway=1)),
            ]
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409], [one.text for one in answers]
        ends[check(deployment, asked, answers)] += 1
    assert min(ends["approved"], ends["cancelled"]) > 3, ends


def test_decide_against_a_cancel_of_the_workflow(deployment: Deployment) -> None:
    chance, ends = seeded(11), Counter[str]()

    def cancel(asked: Json) -> None:
        async def send() -> None:
            client = await deployment.temporal_client()
            await client.get_workflow_handle(f"approval-{asked['id']}").cancel(reason="an operator's")

        asyncio.run(send())

    for _ in range(40):
        asked = deployment.ask()
        actions: list[Any] = [
            partial(after, chance.random() / 10, partial(deployment.decide, asked)),
            partial(after, chance.random() / 10, partial(cancel, asked)),
        ]
        ends[check(deployment, asked, together(actions)[:1])] += 1
    assert min(ends["approved"], ends["cancelled"]) > 0, ends


def test_eight_people_at_two_gateways_and_two_workers(deployment: Deployment) -> None:
    deployment.up(workers=2, gateways=2)
    for _ in range(25):
        asked = deployment.ask()
        answers = together(
            [
                partial(deployment.decide, asked, ("approve", "reject")[place % 2], user=user, gateway=place % 2)
                for place, user in enumerate(CROWD)
            ]
        )
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
        check(deployment, asked, answers)


def test_a_worker_killed_at_any_moment_of_a_race(deployment: Deployment) -> None:
    chance = seeded(3)
    for _ in range(10):
        deployment.up(workers=1, gateways=2)
        asked = deployment.ask()
        actions: list[Any] = [
            partial(after, chance.random() / 30, partial(deployment.decide, asked, user=user, gateway=place % 2))
            for place, user in enumerate(CROWD[:4])
        ]
        actions.append(partial(after, chance.random() / 15, deployment.kill_workers))
        answers = [answer for answer in together(actions) if answer is not None]
        deployment.up(workers=1, gateways=2)
        check(deployment, asked, answers)
