"""The checks themselves: each notices what it is there to notice."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from placet_testing.deployment import Json
from placet_testing.faults.deadlines import check_against
from placet_testing.faults.outside import check_one_end, check_run

ASKED: Json = {"id": "a", "expires_at": "2026-01-01T12:00:00Z"}
DECIDED: Json = {
    "id": "a",
    "status": "approved",
    "decision": {"id": "d1"},
    "ended_at": "2026-01-01T11:59:59Z",
    "refused": [{"decision_id": "d2"}],
    "execution": None,
}
EXPIRED: Json = {**DECIDED, "status": "expired", "decision": None, "ended_at": "2026-01-01T12:00:00Z", "refused": []}
ONE_END = ["approval.requested", "approval.decided"]


def answered(status: int, body: Json) -> httpx.Response:
    """An answer to a decision."""
    return httpx.Response(status, json=body, request=httpx.Request("POST", "http://placet/v1/approvals/a/decision"))


def event(kind: str, **of: Any) -> Json:
    """An event of the log."""
    return {"type": kind, "run_id": None, **of}


WON = answered(200, DECIDED)


@pytest.mark.parametrize(
    ("kept", "told", "answers"),
    [
        (DECIDED, [*ONE_END, "approval.expired"], [WON]),
        (DECIDED, ["approval.requested"], [WON]),
        (DECIDED, ONE_END, [WON, WON]),
        (DECIDED, ONE_END, [answered(500, {})]),
        (DECIDED, ONE_END, [answered(200, {**DECIDED, "decision": {"id": "d3"}})]),
        (DECIDED, ONE_END, [answered(202, {"decision_id": "lost"})]),
        (DECIDED, ONE_END, [answered(409, {"approval": {**DECIDED, "decision": {"id": "d3"}}})]),
        ({**DECIDED, "ended_at": ASKED["expires_at"]}, ONE_END, []),
        (EXPIRED, ["approval.requested", "approval.expired"], [WON]),
        (EXPIRED, ["approval.requested", "approval.expired"], [answered(202, {"decision_id": "lost"})]),
    ],
    ids=[
        *("two ends", "no end", "two winners", "5xx", "a 200 taken back", "a 202 lost"),
        *("another winner named", "a late winner", "a 200 that expired", "a 202 that expired"),
    ],
)
def test_an_answer_that_does_not_hold_is_noticed(kept: Json, told: list[str], answers: list[httpx.Response]) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check_against(ASKED, kept, told, answers)


def test_answers_that_hold_pass() -> None:
    lost = answered(409, {"approval": DECIDED})
    assert check_against(ASKED, DECIDED, ONE_END, [WON, lost, answered(202, {"decision_id": "d2"})]) == "approved"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("approved", ["approval.requested"]),
        ("approved", ["approval.requested", "approval.expired"]),
        ("approved", ["approval.requested", "approval.decided", "approval.decided"]),
        ("approved", ["approval.requested", "approval.requested", "approval.decided"]),
        ("pending", ["approval.requested", "approval.decided"]),
    ],
)
def test_an_approval_without_its_one_end_is_noticed(status: str, told: list[str]) -> None:
    with pytest.raises(AssertionError):
        check_one_end({"id": "a", "status": status}, [event(kind) for kind in told])


@pytest.mark.parametrize(
    ("run", "told"),
    [
        ({"status": "completed", "ended_at": "now"}, ["run.started"]),
        ({"status": "waiting", "ended_at": None}, ["run.started", "run.completed"]),
        ({"status": "completed", "ended_at": "now"}, ["run.started", "run.completed", "call.started"]),
        ({"status": "completed", "ended_at": "now"}, ["run.started", "run.cancelled"]),
        ({"status": "failed", "ended_at": "now"}, ["run.started", "run.failed"]),
        ({"status": "completed", "ended_at": "now"}, ["run.started", "run.started", "run.completed"]),
    ],
)
def test_a_run_without_its_one_end_is_noticed(run: Json, told: list[str]) -> None:
    with pytest.raises(AssertionError):
        check_run({"id": "r", **run}, [event(kind, run_id="r") for kind in told])
