"""Many people at one approval, two gateways, again and again: one winner, whom every loser is told, and one effect."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any
from uuid import uuid4

import httpx
import pytest

from placet_testing.deployment import Deployment, Json, together
from placet_testing.faults.deadlines import Aim, at, check_against
from placet_testing.processes import CROWD

pytestmark = pytest.mark.timeout(2_400)

BATCH = 10
ENOUGH = 200
"""Of so many races each of those who take part has won some."""
MANY = pytest.mark.repeated
Answers = list[httpx.Response]
Race = Callable[[Deployment, Random, Json], Answers]


def in_batches(count: int, size: int = BATCH) -> Iterator[range]:
    """Gives the numbers up to a count, some at a time."""
    for first in range(0, count, size):
        yield range(first, min(first + size, count))


def crowd(deployment: Deployment, asked: Json, around: Callable[[Any], Any] = lambda send: send) -> list[Any]:
    """Eight people, every other one for it and the others against, at both gateways."""
    return [
        around(partial(deployment.decide, asked, ("approve", "reject")[place % 2], user=user, gateway=place % 2))
        for place, user in enumerate(CROWD)
    ]


def compete(
    deployment: Deployment,
    seed: int,
    tool: str,
    count: int,
    race: Race,
    *,
    at_once: int = BATCH,
    may_be_cancelled: bool = False,
) -> Counter[str]:
    """Lets a race go on for so many runs of one gated call, checks each, and counts how they ended."""
    chance, ends = Random(seed), Counter[str]()  # noqa: S311 - moments of a race
    for numbers in in_batches(count, at_once):
        texts = [f"{tool}-{uuid4()}" for _ in numbers]
        begun = [deployment.run([{"tool": tool, "args": {"text": text}}]) for text in texts]
        raced: list[tuple[Json, Json, str, Answers]] = []
        for run, text in zip(begun, texts, strict=True):
            (asked,) = deployment.pending(run)
            raced.append((run, asked, text, race(deployment, chance, asked)))
        finished = [deployment.finished(run) for run, _, _, _ in raced]
        for _, asked, _, _ in raced:
            deployment.closed(asked)
        told = deployment.events()
        for run, (_, asked, text, answers) in zip(finished, raced, strict=True):
            kept = deployment.read(asked)
            own = [event["type"] for event in told if event["approval_id"] == asked["id"]]
            status = check_against(asked, kept, [kind for kind in own if kind.startswith("approval.")], answers)
            times = len(deployment.effects(text))
            if may_be_cancelled and run["status"] == "cancelled":
                assert times <= (status == "approved"), (status, times)
            else:
                assert run["status"] == "completed", run
                assert times == (status == "approved"), (status, times)
            ends[status] += 1
    return ends


@pytest.mark.parametrize("count", [BATCH, pytest.param(1_000, marks=MANY)])
def test_of_eight_people_one_wins_and_the_tool_runs_as_the_winner_said(
    deployment: Deployment, seed: int, count: int
) -> None:
    def race(site: Deployment, chance: Random, asked: Json) -> Answers:
        actions = crowd(site, asked)
        chance.shuffle(actions)
        answers: Answers = together(actions)
        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 7}, [one.text for one in answers]
        return answers

    ends = compete(deployment, seed, "send", count, race)
    assert ends["approved"] + ends["rejected"] == count


@pytest.mark.parametrize("count", [3, pytest.param(200, marks=MANY)])
def test_eight_people_within_five_milliseconds_of_the_deadline(deployment: Deployment, seed: int, count: int) -> None:
    aim = Aim()

    def race(site: Deployment, chance: Random, asked: Json) -> Answers:
        lead = aim.lead
        answers: Answers = together(
            crowd(site, asked, lambda send: partial(at, asked, chance.uniform(-5, 5), send, lead))
        )
        aim.learn(site.ended(asked)["status"])
        return answers

    # One after the other: each has a deadline of its own to wait for.
    ends = compete(deployment, seed, "send_soon", count, race, at_once=1)
    if count >= ENOUGH:
        assert ends["expired"], ends
        assert ends["approved"] + ends["rejected"], ends


@pytest.mark.parametrize("count", [5, pytest.param(200, marks=MANY)])
def test_eight_people_against_a_cancel_of_the_run(deployment: Deployment, seed: int, count: int) -> None:
    def race(site: Deployment, chance: Random, asked: Json) -> Answers:
        cancel = partial(site.client("bot").post, f"/v1/runs/{asked['run_id']}/cancel", json={})
        actions = [*crowd(site, asked), cancel]
        chance.shuffle(actions)
        answers: Answers = together(actions)
        return [one for one in answers if not one.request.url.path.endswith("/cancel")]

    compete(deployment, seed, "send", count, race, may_be_cancelled=True)


@pytest.mark.parametrize("count", [20, pytest.param(1_000, marks=MANY)])
def test_approve_reject_withdraw_and_the_deadline_within_ten_milliseconds(
    deployment: Deployment, seed: int, count: int
) -> None:
    chance, ends, aim = Random(seed), Counter[str](), Aim()  # noqa: S311 - moments of a race
    for numbers in in_batches(count):
        # As many at once as this machine sends within some milliseconds; the deadlines lie some tens apart.
        asked = [deployment.ask(expires_after="4s", title=str(number)) for number in numbers]
        moments = [
            partial(at, one, chance.uniform(-5, 5), send, aim.lead)
            for one in asked
            for send in (
                partial(deployment.decide, one, gateway=0),
                partial(deployment.decide, one, "reject", user="eve", gateway=1),
                partial(deployment.withdraw, one, gateway=chance.randrange(2)),
            )
        ]
        answers: Answers = together(moments)
        kept = [deployment.closed(one) for one in asked]
        told = deployment.events()
        for place, (one, end) in enumerate(zip(asked, kept, strict=True)):
            own = [event["type"] for event in told if event["approval_id"] == one["id"]]
            status = check_against(one, end, own, answers[3 * place : 3 * place + 3])
            aim.learn(status)
            ends[status] += 1
    if count >= ENOUGH:
        assert ends.keys() == {"approved", "rejected", "cancelled", "expired"}, ends


def answered(send: Callable[[], httpx.Response]) -> httpx.Response:
    """Sends until a gateway has time to answer, as a client should; with a hundred at its door it may have none."""
    while (answer := send()).status_code == 503:
        time.sleep(float(answer.headers["Retry-After"]))
    return answer


def a_hundred_times(deployment: Deployment, asked: Json, key: str) -> Answers:
    """Sends one decision through both gateways at once, under keys of this form."""
    return together(
        [
            partial(answered, partial(deployment.decide, asked, key=key.format(place), gateway=place % 2))
            for place in range(100)
        ]
    )


def test_the_same_decision_a_hundred_times_with_one_key(deployment: Deployment) -> None:
    asked = deployment.ask()
    answers = a_hundred_times(deployment, asked, "same")
    assert {answer.status_code for answer in answers} <= {200, 202}, [one.text for one in answers]
    kept = deployment.ended(asked)
    for answer in answers:
        body = answer.json()
        assert (body["decision_id"] if answer.status_code == 202 else body["decision"]["id"]) == kept["decision"]["id"]
    assert kept["refused"] == []
    assert deployment.told(asked["id"]) == ["approval.requested", "approval.decided"]


def test_the_same_decision_a_hundred_times_with_as_many_keys(deployment: Deployment) -> None:
    asked = deployment.ask()
    answers = a_hundred_times(deployment, asked, "k{}")
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses.keys() <= {200, 202, 409}, statuses
    assert statuses[200] <= 1
    kept = deployment.closed(asked)
    ids = {answer.json()["decision_id"] for answer in answers if answer.status_code == 202}
    refused = {entry["decision_id"] for entry in kept["refused"]}
    # The last twenty refusals are shown; each has its event.
    assert ids - {kept["decision"]["id"]} <= refused or len(refused) == 20
    ends = [kind for kind in deployment.told(asked["id"]) if kind != "approval.refused"]
    assert ends == ["approval.requested", "approval.decided"]
