"""One try: people work, harm is done, everything is healed, and every promise is checked."""

from __future__ import annotations

from random import Random

from placet_testing.faults.besieged import Besieged
from placet_testing.faults.harms import suffer
from placet_testing.faults.outside import assert_nothing_broke
from placet_testing.faults.work import Work


def endure(
    site: Besieged, seed: int, names: list[str], *, runs: int = 10, seconds: float = 3.0, exactly: bool = False
) -> None:
    """Lets people work while harm is done, heals everything, and checks what the outside can see."""
    chance = Random(seed)  # noqa: S311 - moments of harm
    work = Work(site, chance)
    with work.going_on(runs=runs, over=len(names) * (seconds + 1)):
        suffer(site, chance, names, seconds=seconds, exactly=exactly)
    assert_nothing_broke(work)
