"""Runs and decisions go on while parts are killed, stopped and cut off; afterwards every promise holds."""

from __future__ import annotations

from random import Random

import pytest

from placet_testing.faults.besieged import Besieged
from placet_testing.faults.enduring import endure
from placet_testing.faults.harms import ALL, KINDS, PARTITIONS, STORM

pytestmark = pytest.mark.timeout(600)


def test_one_harm_of_each_kind_after_another_while_people_work(besieged: Besieged, seed: int) -> None:
    endure(besieged, seed, [Random(seed).choice(sorted(kind)) for kind in KINDS], runs=10, seconds=2)  # noqa: S311 - no secret


@pytest.mark.repeated
@pytest.mark.parametrize("name", ALL)
def test_one_harm_while_people_work(besieged: Besieged, seed: int, name: str) -> None:
    endure(besieged, seed, [name], runs=12, seconds=6)


@pytest.mark.repeated
@pytest.mark.parametrize("name", PARTITIONS)
def test_a_link_that_is_down_for_a_minute(besieged: Besieged, seed: int, name: str) -> None:
    endure(besieged, seed, [name], runs=20, seconds=60, exactly=True)


@pytest.mark.repeated
@pytest.mark.parametrize("storm", range(5))
def test_one_harm_after_another(besieged: Besieged, seed: int, storm: int) -> None:
    names = Random(seed + storm).sample(sorted(STORM), 6)  # noqa: S311 - no secret
    endure(besieged, seed + storm, names, runs=30)
