"""Racing with a deadline: sending something at a distance from it, and what must hold of the answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import httpx
import pytest

from placet_testing.deployment import ENDINGS, Deployment, Json

_LEAST_LEAD: Final = 0.002
_LARGEST_LEAD: Final = 1.0
_REFUSED_SHOWN: Final = 20
"""An approval shows its last refusals only."""


@dataclass
class Aim:
    """Sends so early that what is sent is recorded about the deadline, and learns from each race how early that is.

    Attributes:
        lead: How long what is sent is on its way, in seconds, as it is taken to be.
    """

    lead: float = 0.05

    def learn(self, status: str) -> None:
        """Aims earlier where the clock was first, and later where somebody was."""
        step = 1.25 if status == "expired" else 0.8
        self.lead = min(max(self.lead * step, _LEAST_LEAD), _LARGEST_LEAD)


def at(approval: Json, milliseconds: float, send: Callable[[], httpx.Response], lead: float = 0.0) -> httpx.Response:
    """Sends something at that distance from the deadline and so many seconds earlier, by this machine's clock."""
    deadline = datetime.fromisoformat(approval["expires_at"]).timestamp() + milliseconds / 1000
    wait = deadline - lead - datetime.now(UTC).timestamp()
    time.sleep(max(0.0, wait))
    return send()


def check(deployment: Deployment, asked: Json, answers: list[httpx.Response]) -> str:
    """Checks what was answered against what is kept, and returns how it ended."""
    kept = deployment.closed(asked)
    return check_against(asked, kept, deployment.told(asked["id"]), answers)


def check_against(asked: Json, kept: Json, told: list[str], answers: list[httpx.Response]) -> str:
    """Checks what was answered against the approval and its events; returns how it ended."""
    assert sum(kind in ENDINGS for kind in told) == 1, told
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {200, 202, 409}, [answer.text for answer in answers]
    assert statuses.count(200) <= 1
    if kept["decision"] is not None:
        assert datetime.fromisoformat(kept["ended_at"]) < datetime.fromisoformat(asked["expires_at"]), "a late winner"
    else:
        assert kept["status"] in {"expired", "cancelled"}
    for answer in answers:
        _check_answer(answer, kept)
    return kept["status"]


def _check_answer(answer: httpx.Response, kept: Json) -> None:
    body = answer.json()
    if answer.status_code == httpx.codes.OK.value:
        # What came after it, and whether the tool has run by now, it could not know.
        later = {"refused": kept["refused"], "execution": kept["execution"]}
        assert {**body, **later} == kept, "a 200 was contradicted"
    elif answer.status_code == httpx.codes.CONFLICT.value:
        shown = body["approval"]
        if shown["status"] != kept["status"]:
            pytest.fail(f"told {shown['status']}, kept {kept['status']}: {body}")
        assert shown["decision"] == kept["decision"]
        assert shown["ended_at"] == kept["ended_at"]
    elif answer.request.url.path.endswith("/decision"):
        won = kept["decision"] is not None and kept["decision"]["id"] == body["decision_id"]
        refused = {entry["decision_id"] for entry in kept["refused"]}
        assert won or body["decision_id"] in refused or len(refused) == _REFUSED_SHOWN, "a recorded decision vanished"
