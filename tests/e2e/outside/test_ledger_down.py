"""The ledger locked, unreadable or crashed, and back: no decision waits for it, and nothing runs without it."""

from __future__ import annotations

import resource
import sqlite3
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager

import httpx
import pytest

from placet_testing.deployment import Deployment
from placet_testing.deployments import OnPostgres
from placet_testing.gateway import REFUND, problem
from placet_testing.servers import unavailable as unavailable_here

pytestmark = pytest.mark.timeout(180)


@contextmanager
def locked(deployment: Deployment) -> Generator[None]:
    """Holds the write lock of the SQLite ledger, as a backup or a forgotten shell does."""
    connection = sqlite3.connect(deployment.ledger_file, isolation_level=None)
    try:
        connection.execute("PRAGMA busy_timeout=10000")
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()


@contextmanager
def full_disk(deployment: Deployment) -> Generator[None]:
    """Lets no process write to a file beyond its first page, as on a disk that is full."""
    if not hasattr(resource, "prlimit"):
        unavailable_here("only Linux limits another process")
    parts = [*deployment.workers, *deployment.gateways]
    kept = [resource.prlimit(part.process.pid, resource.RLIMIT_FSIZE, (4_096, -1)) for part in parts]
    try:
        yield
    finally:
        for part, limits in zip(parts, kept, strict=True):
            resource.prlimit(part.process.pid, resource.RLIMIT_FSIZE, limits)


def unavailable(answer: httpx.Response, *, maybe_recorded: bool) -> None:
    body = problem(answer, 503, "unavailable")
    assert body["maybe_recorded"] is maybe_recorded
    assert int(answer.headers["Retry-After"]) > 0


def ready(deployment: Deployment) -> dict[str, dict[str, bool]]:
    return httpx.get(f"{deployment.gateways[0].url}/readyz", trust_env=False, timeout=10).json()


def test_a_locked_ledger_holds_up_no_decision(deployment: Deployment) -> None:
    asked, withdrawn = deployment.ask(), deployment.ask()
    with locked(deployment):
        began = time.monotonic()
        answer = deployment.decide(asked, key="k")
        assert answer.status_code == 200, answer.text
        assert time.monotonic() - began < 10
        cancelled = deployment.withdraw(withdrawn)
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
        # Its row is still pending; the approval itself says who won.
        told = problem(deployment.decide(asked, "reject", user="eve"), 409, "already_decided")["approval"]
        assert told == answer.json()
        again = deployment.decide(asked, key="k")
        assert (again.status_code, again.json()) == (200, answer.json())
        unavailable(
            deployment.client("bot").post("/v1/approvals", json=REFUND, headers={"Idempotency-Key": "locked"}),
            maybe_recorded=False,
        )
    assert deployment.ended(asked) == answer.json()
    assert deployment.ended(withdrawn) == cancelled.json()
    asked_again = deployment.client("bot").post("/v1/approvals", json=REFUND, headers={"Idempotency-Key": "locked"})
    assert asked_again.status_code == 201


def test_on_a_full_disk_nothing_runs_and_nothing_is_lost(deployment: Deployment) -> None:
    text = uuid.uuid4().hex[:8]
    run = deployment.run([{"tool": "send", "args": {"text": text}}])
    (asked,) = deployment.pending(run)
    with full_disk(deployment):
        answer = deployment.decide(asked)
        assert answer.status_code in {200, 202}, answer.text
        refused = deployment.client("bot").post("/v1/approvals", json=REFUND, headers={"Idempotency-Key": text})
        assert refused.status_code == 503, refused.text
        time.sleep(3)  # long enough for a tool that did not wait for its record
        assert deployment.effects(text) == []
        assert deployment.read_run(run)["ended_at"] is None
    assert deployment.finished(run, limit=60)["status"] == "completed"
    assert len(deployment.effects(text)) == 1
    assert deployment.ended(asked)["status"] == "approved"
    again = deployment.client("bot").post("/v1/approvals", json=REFUND, headers={"Idempotency-Key": text})
    assert again.status_code == 201, again.text


def test_a_run_waits_for_its_ledger_and_goes_on(deployment: Deployment) -> None:
    run = deployment.run([{"tool": "send", "args": {"text": "locked"}}])
    (asked,) = deployment.pending(run)
    with locked(deployment):
        assert deployment.decide(asked).status_code == 200
        time.sleep(3)  # long enough that the tool would have run, were it let
        assert deployment.effects("locked") == [], "a tool ran before its decision was in the ledger"
    assert deployment.finished(run)["status"] == "completed"
    assert len(deployment.effects("locked")) == 1


def test_a_gateway_that_starts_without_a_ledger_says_so_and_serves_once_it_is_there(deployment: Deployment) -> None:
    asked = deployment.ask()
    deployment.kill_gateways()
    deployment.kill_workers()
    hidden = {file: file.rename(file.with_name(f"{file.name}.hidden")) for file in deployment.folder.glob("ledger.db*")}
    deployment.ledger_file.mkdir()
    deployment.start_gateway()
    deployment.wait(lambda: _alive(deployment))
    assert ready(deployment)["ledger"]["ok"] is False
    unavailable(deployment.decide(asked), maybe_recorded=False)
    unavailable(deployment.client("bot").post("/v1/approvals", json=REFUND), maybe_recorded=False)
    unavailable(deployment.client("root").get("/v1/approvals"), maybe_recorded=False)
    deployment.ledger_file.rmdir()
    for file, away in hidden.items():
        away.rename(file)
    deployment.up(workers=1, gateways=1)
    assert deployment.read(asked) == asked
    assert deployment.decide(asked).status_code == 200


def test_postgres_crashes_and_comes_back(on_postgres: OnPostgres) -> None:
    asked, other, nobody = on_postgres.ask(), on_postgres.ask(), on_postgres.ask()
    run = on_postgres.run([{"tool": "send", "args": {"text": "crashed"}}])
    (gated,) = on_postgres.pending(run)
    on_postgres.crash_postgres()
    answer = on_postgres.decide(asked, key="k")
    assert answer.status_code == 200, answer.text
    assert answer.json()["decision"]["by"]["via"] == "api"
    told = problem(on_postgres.decide(asked, "reject", user="eve"), 409, "already_decided")["approval"]
    assert told["decision"]["by"] == {"id": "user:dana", "name": "Dana Ito", "via": "api"}
    assert on_postgres.decide(gated).status_code == 200
    unavailable(on_postgres.client("bot").post("/v1/approvals", json=REFUND), maybe_recorded=False)
    unavailable(on_postgres.client("root").get("/v1/approvals"), maybe_recorded=False)
    assert ready(on_postgres)["ledger"]["ok"] is False
    on_postgres.kill_workers()
    unavailable(on_postgres.decide(nobody), maybe_recorded=False)
    assert on_postgres.effects("crashed") == []
    on_postgres.start_postgres()
    late = on_postgres.decide(other)
    assert late.status_code == 202, late.text
    on_postgres.up(workers=1, gateways=1)
    kept = on_postgres.ended(asked)
    assert (kept["status"], kept["decision"]) == ("approved", answer.json()["decision"])
    assert on_postgres.ended(other)["decision"]["id"] == late.json()["decision_id"]
    assert on_postgres.read(nobody) == nobody
    assert on_postgres.decide(nobody).status_code == 200
    assert on_postgres.finished(run, limit=60)["status"] == "completed"
    assert len(on_postgres.effects("crashed")) == 1
    for approval in (asked, other, gated):
        assert on_postgres.told(approval["id"]) == ["approval.requested", "approval.decided"]


def test_postgres_crashes_while_a_tool_runs_and_its_result_is_kept(on_postgres: OnPostgres) -> None:
    run = on_postgres.run([{"tool": "note", "args": {"text": "meanwhile", "hold": "before"}}])
    on_postgres.held("meanwhile", "before")
    on_postgres.crash_postgres()
    on_postgres.let_go("meanwhile")
    on_postgres.wait(lambda: on_postgres.effects("meanwhile"))
    time.sleep(2)  # the result waits for the ledger inside the attempt
    on_postgres.start_postgres()
    assert on_postgres.finished(run)["status"] == "completed"
    assert on_postgres.results(run) == ["Noted meanwhile."]
    assert len(on_postgres.effects("meanwhile")) == 1


def _alive(deployment: Deployment) -> bool:
    try:
        return httpx.get(f"{deployment.gateways[0].url}/healthz", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
