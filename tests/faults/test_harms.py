"""Runs and decisions go on while parts are killed, stopped and cut off; afterwards every promise holds."""

from __future__ import annotations

from random import Random

import pytest

from placet_testing.faults.besieged import Besieged
from placet_testing.faults.harms import ALL, suffer
from placet_testing.faults.outside import assert_nothing_broke
from placet_testing.faults.work import Work

pytestmark = pytest.mark.timeout(600)


def endure(site: Besieged, seed: int, names: list[str], *, runs: int = 10, seconds: float = 3.0) -> None:
    """Lets people work while harm is done, heals everything, and checks what the outside can see."""
    chance = Random(seed)  # noqa: S311 - moments of harm
    work = Work(site, chance)
    with work.going_on(runs=runs, over=len(names) * (seconds + 1)):
        suffer(site, chance, names, seconds=seconds)
    assert_nothing_broke(work)


def test_everything_killed_at_once_while_people_work(besieged: Besieged, seed: int) -> None:
    endure(besieged, seed, ["everything killed"], runs=6)


@pytest.mark.repeated
@pytest.mark.parametrize("name", ALL)
def test_one_harm_while_people_work(besieged: Besieged, seed: int, name: str) -> None:
    endure(besieged, seed, [name], runs=12, seconds=6)
