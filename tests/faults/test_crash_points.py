"""A gateway killed at the very points where it has done half of what it was asked: the repeat finds the other half."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from temporalio.service import RPCError

from placet_testing.deployment import Json
from placet_testing.faults.besieged import Besieged

pytestmark = pytest.mark.timeout(180)


@contextmanager
def locked(site: Besieged, table: str) -> Generator[None]:
    """Lets everybody read a table of the ledger and nobody write."""
    with psycopg.connect(site.ledger_url.replace("+psycopg", "")) as connection:
        connection.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE".encode())
        yield
        connection.rollback()


def in_temporal(site: Besieged, workflow_id: str) -> bool:
    """Whether Temporal knows a workflow."""

    async def known() -> bool:
        client = await site.temporal_client()
        try:
            await client.get_workflow_handle(workflow_id).describe()
        except RPCError:
            return False
        return True

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(known())).result()


def open_runs(site: Besieged) -> set[str]:
    """Returns the ids of all runs that Temporal has on the deployment's queue; its list lags a little."""

    async def listed() -> set[str]:
        client = await site.temporal_client()
        query = f"WorkflowType = 'AgentRun' AND TaskQueue = '{site.task_queue}'"
        return {found.id async for found in client.list_workflows(query)}

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(listed())).result()


def note(text: str) -> Json:
    return {"agent": "desk", "input": json.dumps([[{"tool": "note", "args": {"text": text}}]])}


def test_a_gateway_killed_between_temporals_answer_and_its_own(besieged: Besieged) -> None:
    asked, wire = besieged.ask(), besieged.wires["gateway-temporal"]
    assert besieged.read(asked, gateway=1) == asked, "both gateways have their connections"
    with ThreadPoolExecutor(1) as pool:
        with wire.held(only_answers=True):
            cut = pool.submit(partial(besieged.decide, asked, key="between", gateway=0))
            besieged.wait(lambda: "approval.decided" in besieged.told(asked["id"]), limit=10)
            assert not cut.done(), "it was answered although no answer came"
            besieged.gateways.pop(0).kill()
        with pytest.raises(httpx.HTTPError):
            cut.result()
    repeated = besieged.decide(asked, key="between")
    assert repeated.status_code == 200, repeated.text
    assert besieged.ended(asked) == repeated.json()
    loser = besieged.decide(asked, "reject", user="eve")
    assert (loser.status_code, loser.json()["code"]) == (409, "already_decided")
    assert besieged.told(asked["id"]) == ["approval.requested", "approval.decided"]


def test_a_gateway_killed_between_the_start_of_a_run_and_its_row(besieged: Besieged) -> None:
    """The run goes on by itself, is seen, and the repeat of the request finds it."""
    before, text, key = open_runs(besieged), f"row-{uuid4()}", {"Idempotency-Key": uuid4().hex}
    with ThreadPoolExecutor(1) as pool:
        with locked(besieged, "runs"):
            client = besieged.client("bot")
            cut = pool.submit(partial(client.post, "/v1/runs", json=note(text), headers=key))
            besieged.wait(lambda: open_runs(besieged) - before, limit=10)
            besieged.gateways.pop(0).kill()
        with pytest.raises(httpx.HTTPError):
            cut.result()
    (run_id,) = open_runs(besieged) - before
    besieged.wait(lambda: besieged.effects(text))
    repeated = besieged.client("bot").post("/v1/runs", json=note(text), headers=key)
    assert (repeated.status_code, repeated.json()["id"]) == (201, run_id), repeated.text
    assert besieged.finished({"id": run_id})["status"] == "completed"
    assert len(besieged.effects(text)) == 1
    told = [event["type"] for event in besieged.events() if event["run_id"] == run_id]
    assert (told.count("run.started"), told[-1]) == (1, "run.completed")


def test_a_gateway_killed_between_the_start_of_an_approval_and_its_row(besieged: Besieged) -> None:
    body: dict[str, Any] = {"kind": "tool_call", "tool": "refund", "args": {"amount": 1}, "title": uuid4().hex}
    headers = {"Idempotency-Key": uuid4().hex}
    with ThreadPoolExecutor(1) as pool:
        with locked(besieged, "approvals"):
            client = besieged.client("bot")
            cut = pool.submit(partial(client.post, "/v1/approvals", json=body, headers=headers))
            besieged.wait(lambda: _claimed(besieged, headers["Idempotency-Key"]), limit=10)
            approval_id = _claimed(besieged, headers["Idempotency-Key"])
            besieged.wait(lambda: in_temporal(besieged, f"approval-{approval_id}"), limit=10)
            besieged.gateways.pop(0).kill()
        with pytest.raises(httpx.HTTPError):
            cut.result()
    repeated = besieged.client("bot").post("/v1/approvals", json=body, headers=headers)
    assert (repeated.status_code, repeated.json()["id"]) == (201, approval_id), repeated.text
    assert besieged.decide(repeated.json()).status_code == 200
    besieged.ended(approval_id)
    assert besieged.told(approval_id) == ["approval.requested", "approval.decided"]


def _claimed(site: Besieged, key: str) -> str:
    """Returns the id that the key of a request has been given; empty while there is none."""
    with psycopg.connect(site.ledger_url.replace("+psycopg", "")) as connection:
        row = connection.execute("SELECT target_id FROM idempotency_keys WHERE key = %s", [key]).fetchone()
    return str(row[0]) if row else ""
