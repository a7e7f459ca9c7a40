"""`wait` blocks until the end and exits by it; `run` follows a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from placet_testing.fake_gateway import FakeGateway

    from .conftest import Placet


def _nothing() -> None:
    """Nothing happens at this look."""


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("approved", 0),
        ("responded", 0),
        ("answered", 0),
        ("skipped", 0),
        ("rejected", 3),
        ("expired", 5),
        ("cancelled", 8),
        ("superseded", 8),
    ],
)
def test_wait_exits_by_the_outcome(status: str, code: int, gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    gateway.ends(asked["id"], status)
    ended = placet("wait", asked["id"], "--json")
    assert (ended.code, ended.document["status"]) == (code, status)


def test_wait_waits_for_somebody_s_decision(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    gateway.steps = [lambda: gateway.ends(asked["id"], "rejected", {"type": "reject", "message": "no"})]
    ended = placet("wait", asked["id"], "--timeout", "20s")
    assert ended.code == 3
    assert ended.out.startswith("Rejected by Dana Ito (web)")


def test_wait_gives_up_after_its_timeout(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()
    ended = placet("wait", asked["id"], "--timeout", "1s", "--json")
    assert (ended.code, ended.document["status"]) == (10, "pending")
    assert placet("wait", asked["id"], "--timeout", "soon").code == 2


def test_run_follows_until_a_person_is_needed(gateway: FakeGateway, placet: Placet) -> None:
    def asks() -> None:
        run = next(iter(gateway.runs.values()))
        run.update(status="waiting", pending=[gateway.asks(run_id=run["id"], title="refund\x1b[2J 50")])

    gateway.steps = [_nothing, asks]
    ended = placet("run", "billing", "refund order A-77")
    assert ended.code == 0
    assert gateway.received[0].body == {"agent": "billing", "input": "refund order A-77"}
    assert "MEDIUM  refund\\x1b[2J 50  -> placet review" in ended.out


@pytest.mark.parametrize(("status", "code"), [("completed", 0), ("failed", 1), ("cancelled", 8), ("expired", 5)])
def test_run_with_wait_follows_to_the_end(status: str, code: int, gateway: FakeGateway, placet: Placet) -> None:
    def ends() -> None:
        next(iter(gateway.runs.values())).update(status=status, output="done\x1b[2J", error="why")

    gateway.steps = [_nothing, ends]
    ended = placet("run", "billing", "hello", "--wait", "--json")
    assert (ended.code, ended.document["status"]) == (code, status)
    assert "| done\\x1b[2J" in ended.err


def test_run_with_wait_tells_what_is_asked_and_what_became_of_it(gateway: FakeGateway, placet: Placet) -> None:
    asked = gateway.asks()

    def asks() -> None:
        next(iter(gateway.runs.values())).update(status="waiting", pending=[asked])

    def ends() -> None:
        gateway.ends(asked["id"], "approved", {"type": "approve"})
        next(iter(gateway.runs.values())).update(status="completed", pending=[], output="done")

    gateway.steps = [asks, ends]
    ended = placet("run", "billing", "hello", "--wait")
    assert ended.code == 0
    assert f"placet review {asked['id']}" in ended.out
    assert f"{asked['id'][:8]}: Approved by Dana Ito (web)" in ended.out


def test_run_as_json_is_the_run_as_started(gateway: FakeGateway, placet: Placet) -> None:
    ended = placet("run", "billing", "hello", "--thread", "t-9", "--json")
    assert ended.code == 0
    assert ended.document["status"] == "running"
    assert gateway.received[0].body["thread_id"] == "t-9"
    assert "idempotency-key" in gateway.received[0].headers


def test_run_with_a_timeout_that_passes_is_10(gateway: FakeGateway, placet: Placet) -> None:
    ended = placet("run", "billing", "hello", "--wait", "--timeout", "1s", "--json")
    assert (ended.code, ended.document["status"]) == (10, "running")
    assert len(gateway.runs) == 1


def test_runs_lists_and_cancel_asks_for_the_end(gateway: FakeGateway, placet: Placet) -> None:
    run = gateway.has_run()
    assert placet("runs").out.split("\t")[:3] == [run["id"], "running", "billing"]
    assert placet("runs", "--json").document["items"][0]["id"] == run["id"]
    ended = placet("cancel", run["id"], "--reason", "wrong order", "--json")
    assert ended.code == 0
    assert gateway.received[-1].body == {"reason": "wrong order"}
    assert ended.document["cancel_requested_at"] is not None


def test_agents_are_listed(gateway: FakeGateway, placet: Placet) -> None:
    assert placet("agents").out == "billing\t\t\trefund\n"
    assert placet("agents", "--json").document["items"][0]["name"] == "billing"
    assert gateway.received[0].path == "/v1/agents"
