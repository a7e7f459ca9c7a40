"""Two hundred clients of streams that drop, and a gateway that dies: each gets every event once, in order."""

from __future__ import annotations

from contextlib import ExitStack
from random import Random

import pytest

from placet_testing.deployment import Deployment, Json
from placet_testing.reading import Reader, owed

pytestmark = [pytest.mark.repeated, pytest.mark.timeout(600)]

CLIENTS = 200


def test_two_hundred_clients_that_drop_and_come_back(deployment: Deployment, seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - no secret
    readers = [
        Reader(deployment, "root", longest=chance.randint(5, 40), luck=Random(chance.random()))  # noqa: S311
        for _ in range(CLIENTS)
    ]
    with ExitStack() as stack:
        for reader in readers:
            stack.enter_context(reader.reading())
        decided: list[Json] = []
        for number in range(30):
            asked = deployment.ask(gateway=number % len(deployment.gateways))
            if number % 2:
                assert deployment.decide(asked).status_code == 200
                decided.append(asked)
            if number == 10:
                deployment.gateways.pop().kill()
            if number == 20:
                deployment.up(gateways=2)
        for asked in decided:
            deployment.ended(asked)
        last = deployment.events()[-1]["id"]
        for reader in readers:
            reader.wait(lambda reader=reader: reader.cursor == last, limit=180)
        for reader in readers:
            reader.stop()
    for reader in readers:
        assert reader.ids == owed(deployment, reader)
        assert reader.refused == []
    assert sum(reader.connections for reader in readers) > 2 * CLIENTS
