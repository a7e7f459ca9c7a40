"""Clocks an hour off: Temporal's record alone says whether a decision came in time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Literal

import pytest

from placet_testing.faults.besieged import Besieged
from placet_testing.faults.harms import clock
from placet_testing.gateway import problem
from placet_testing.processes import Part

pytestmark = [pytest.mark.repeated, pytest.mark.timeout(300)]

AN_HOUR = timedelta(minutes=55)


def is_an_hour_off(part: Part) -> bool:
    """Whether what a process logs has another time than this one's."""
    told = [json.loads(line)["timestamp"] for line in part.log.read_text().splitlines() if line.startswith("{")]
    return bool(told) and abs(datetime.fromisoformat(told[-1]) - datetime.now(UTC)) > AN_HOUR


@pytest.mark.parametrize("skew", ["+1h", "-1h"])
@pytest.mark.parametrize("name", ["gateway", "worker"])
def test_a_decision_counts_before_the_deadline_and_never_after_it(
    besieged: Besieged, name: Literal["gateway", "worker"], skew: str
) -> None:
    with clock(name, skew)(besieged, Random(1)):  # noqa: S311 - no secret
        parts = besieged.workers if name == "worker" else besieged.gateways
        besieged.wait(lambda: parts and all(map(is_an_hour_off, parts)), limit=20)
        in_time, too_late, never = (besieged.ask(expires_after=length) for length in ("30m", "2s", "2s"))
        answer = besieged.decide(in_time)
        # A worker that has just been started may need longer than an Update waits.
        assert answer.status_code in {200, 202}, answer.text
        besieged.wait(lambda: "approval.expired" in besieged.told(too_late["id"]), limit=20)
        problem(besieged.decide(too_late), 409, "expired")
    body, kept = answer.json(), besieged.ended(in_time)
    decided = body["decision_id"] if answer.status_code == 202 else body["decision"]["id"]
    assert (kept["status"], kept["decision"]["id"]) == ("approved", decided)
    for approval in (too_late, never):
        kept = besieged.ended(approval)
        assert (kept["status"], kept["decision"]) == ("expired", None)
        assert besieged.told(approval["id"]) == ["approval.requested", "approval.expired"]
