"""History begins anew after every turn, and workers die all the while: nothing is asked twice and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from placet_testing.faults.besieged import Besieged
from placet_testing.faults.enduring import endure
from placet_testing.processes import PLACET

pytestmark = [pytest.mark.repeated, pytest.mark.timeout(600)]


@pytest.fixture
def short_histories(besieged: Besieged) -> Iterator[Besieged]:
    """Workers whose runs begin a new history after every turn."""
    besieged.kill_workers()
    besieged.worker_program = "placet_testing.short_histories"
    besieged.whole()
    yield besieged
    besieged.worker_program = PLACET
    besieged.kill_workers()


def test_history_begins_anew_after_every_turn_while_workers_die(short_histories: Besieged, seed: int) -> None:
    endure(short_histories, seed, ["a worker killed", "all workers killed"], runs=16)
