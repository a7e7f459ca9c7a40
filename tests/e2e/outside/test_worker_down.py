"""Everything that is decided, withdrawn and let lapse while no worker is up counts as Temporal recorded it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from placet_testing.deployment import Deployment, Json, together
from placet_testing.gateway import problem

pytestmark = pytest.mark.timeout(180)

SOON = "9s"
CARD = "sha256:" + "c" * 64
REFUSED_LATE = {"expired"}


def past(approval: Json) -> bool:
    """Whether the deadline is over, by this machine's clock with a margin for Temporal's."""
    deadline = datetime.fromisoformat(approval["expires_at"])
    return datetime.now(UTC) > deadline + timedelta(milliseconds=200)


def codes(approval: Json) -> list[str]:
    return [entry["code"] for entry in approval["refused"]]


def test_early_late_and_never_with_the_worker_down(deployment: Deployment) -> None:
    asked = {name: deployment.ask(expires_after=SOON) for name in ("early", "two", "cancel", "both", "turned", "never")}
    deployment.kill_workers()

    def decide(name: str, **given: Any) -> Any:
        return deployment.decide(asked[name], **given)

    early: list[Any] = together(
        [
            partial(decide, "early", card_digest=CARD),
            partial(decide, "two", kind="reject", message="first"),
            partial(deployment.withdraw, asked["cancel"]),
            partial(decide, "both", gateway=1),
            partial(deployment.withdraw, asked["turned"], gateway=1),
        ]
    )
    assert {answer.status_code for answer in early} == {202}, [answer.text for answer in early]
    # Each of these comes behind the one before it, and all of them before the deadline.
    second = together([partial(deployment.withdraw, asked["both"]), partial(decide, "turned")])
    assert {answer.status_code for answer in second} == {202}, [answer.text for answer in second]
    deployment.wait(lambda: all(past(approval) for approval in asked.values()), limit=15)
    for name in ("early", "two", "cancel", "both", "turned"):
        shown = deployment.read(asked[name])
        assert (shown["status"], shown["recorded"]) == ("pending", True), name
    shown = deployment.read(asked["never"])
    assert (shown["status"], shown["ended_at"]) == ("expired", asked["never"]["expires_at"])
    problem(decide("never"), 409, "expired")
    problem(deployment.withdraw(asked["never"]), 409, "expired")
    late = decide("two", user="eve")
    assert late.status_code == 202, late.text
    deployment.up(workers=1, gateways=2)
    kept = {name: deployment.ended(approval) for name, approval in asked.items()}
    assert {name: approval["status"] for name, approval in kept.items()} == {
        "early": "approved",
        "two": "rejected",
        "cancel": "cancelled",
        "both": "approved",
        "turned": "cancelled",
        "never": "expired",
    }
    assert kept["two"]["decision"]["message"] == "first"
    proof = kept["early"]["decision"]["proof"]
    assert (proof["method"], proof["card_digest"], len(proof["credential"])) == ("key", CARD, 12)
    assert codes(kept["two"]) == ["already_decided"]
    assert codes(kept["turned"]) == ["cancelled"]
    assert codes(kept["never"]) == codes(kept["early"]) == []
    for approval in kept.values():
        deadline = datetime.fromisoformat(approval["expires_at"])
        assert datetime.fromisoformat(approval["ended_at"]) <= deadline


def test_a_decision_on_its_way_is_shown_as_pending_also_past_the_deadline(deployment: Deployment) -> None:
    asked = deployment.ask(expires_after="4s")
    deployment.kill_workers()
    answer = deployment.decide(asked)
    assert answer.status_code == 202, answer.text
    deployment.wait(lambda: past(asked), limit=10)
    for gateway in (0, 1):
        shown = deployment.read(asked, gateway=gateway)
        assert (shown["status"], shown["recorded"], shown["ended_at"]) == ("pending", True, None)
    listed = deployment.client("dana").get("/v1/approvals", params={"status": "pending"}).json()["items"]
    assert asked["id"] in {item["id"] for item in listed}
    lapsed = deployment.client("dana").get("/v1/approvals", params={"status": "expired"}).json()["items"]
    assert asked["id"] not in {item["id"] for item in lapsed}
    deployment.up(workers=1, gateways=2)
    kept = deployment.ended(asked)
    assert (kept["status"], kept["decision"]["id"]) == ("approved", answer.json()["decision_id"])


def test_a_decision_that_comes_as_both_update_and_signal_counts_once(deployment: Deployment) -> None:
    asked = deployment.ask()
    worker = deployment.workers[0]
    worker.freeze()
    answer = deployment.decide(asked, key="once")
    assert answer.status_code == 202, answer.text
    worker.thaw()
    kept = deployment.ended(asked)
    assert kept["decision"]["id"] == answer.json()["decision_id"]
    assert kept["refused"] == []
    assert deployment.told(asked["id"]) == ["approval.requested", "approval.decided"]
    again = deployment.decide(asked, key="once")
    assert (again.status_code, again.json()) == (200, kept)
    problem(deployment.decide(asked, "reject", key="once"), 422, "idempotency_key_reused")


def test_keys_are_remembered_while_the_worker_is_down_and_after_the_end(deployment: Deployment) -> None:
    asked = deployment.ask()
    deployment.kill_workers()
    first = deployment.decide(asked, key="k")
    assert first.status_code == 202, first.text
    again = deployment.decide(asked, key="k", gateway=1)
    assert (again.status_code, again.json()) == (202, first.json())
    problem(deployment.decide(asked, "reject", key="k"), 422, "idempotency_key_reused")
    loser = deployment.decide(asked, "reject", user="eve", key="k")
    assert loser.status_code == 202, loser.text
    assert loser.json()["decision_id"] != first.json()["decision_id"], "a key is its caller's own"
    deployment.up(workers=1, gateways=2)
    kept = deployment.ended(asked)
    assert kept["decision"]["id"] == first.json()["decision_id"]
    assert deployment.decide(asked, key="k").json() == kept
    told = problem(deployment.decide(asked, "reject", user="eve", key="k"), 409, "already_decided")
    assert told["approval"] == kept
    problem(deployment.decide(asked, "approve", user="eve", key="k"), 422, "idempotency_key_reused")
    problem(deployment.decide(asked, key="another"), 409, "already_decided")
