"""Workflows in Go and TypeScript ask for approvals: the files of the how-to page, run with the SDKs of Temporal."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from temporalio.client import Client

from placet.engine.errors import ProvisionError
from placet_testing.node_packages import node_program
from placet_testing.pages import file_of
from placet_testing.payouts import CANCELLED_UNPAID, end_of
from placet_testing.running_up import Up, running_up, until
from placet_testing.servers import unavailable

pytestmark = [pytest.mark.repeated, pytest.mark.timeout(300)]

PAGE: Final = "docs/how-to/ask-from-another-workflow.md"
PROGRAMS: Final = Path(__file__).parents[1] / "support" / "placet_testing" / "sdks"
BEYOND_DOUBLES: Final = 2**53 + 1
Command = tuple[str, ...]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Everything, without people: this machine's one person decides."""
    folder = tmp_path_factory.mktemp("sdks")
    config = folder / "placet.yaml"
    config.write_text("policy:\n  ask: [payout]\n")
    with running_up(folder / "data", "--config", str(config)) as started:
        yield started


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The page's workflow in Go, built."""
    if shutil.which("go") is None:
        unavailable("Go is not here")
    folder = tmp_path_factory.mktemp("go")
    shutil.copytree(PROGRAMS / "go", folder, dirs_exist_ok=True)
    (folder / "payouts").mkdir()
    (folder / "payouts" / "payouts.go").write_text(file_of(PAGE, "payouts.go"))
    subprocess.run(("go", "vet", "./..."), cwd=folder, check=True)
    subprocess.run(("go", "build", "-o", "program", "."), cwd=folder, check=True)
    return (str(folder / "program"),)


@pytest.fixture(scope="module")
def typescript(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """The page's workflow in TypeScript, with the locked packages."""
    try:
        folder = node_program("typescript-sdk", PROGRAMS / "typescript", tmp_path_factory.mktemp("typescript"))
    except ProvisionError as error:
        unavailable(str(error))
    for name in ("payouts.ts", "activities.js"):
        (folder / name).write_text(file_of(PAGE, name))
    return ("node", str(folder / "main.js"))


@pytest.fixture(params=["go", "typescript"])
def program(request: pytest.FixtureRequest) -> Command:
    """A worker in another language that makes one payout."""
    return request.getfixturevalue(str(request.param))


def started(up: Up, program: Command, name: str) -> subprocess.Popen[str]:
    """Starts a worker, and the payout of this name unless it is there; the program ends with the payout."""
    args = json.dumps({"amount": 100, "to": "supplier-7"})
    command = (*program, up.addresses["temporal"], name, name, args)
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "NODE_ENV": "production"})


@contextmanager
def paying(up: Up, program: Command) -> Generator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Starts a payout and gives its program with the approval that it asks for."""
    name = f"payout-{uuid.uuid4().hex}"
    process = started(up, program, name)
    found: list[dict[str, Any]] = []

    def asked() -> bool:
        assert process.poll() is None, "the program has ended"
        items = httpx.get(f"{up.url}/v1/approvals?tool=payout", timeout=30).json()["items"]
        found[:] = [one for one in items if one["source"]["workflow_id"] == name]
        return bool(found)

    try:
        until(asked, 60)
        yield process, found[0]
    finally:
        end(process)


def end(process: subprocess.Popen[str]) -> None:
    """Kills a program, unless it has ended."""
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def decided(up: Up, approval: dict[str, Any], **body: object) -> None:
    given = {"digest": approval["digest"], **body}
    answer = httpx.post(f"{up.url}/v1/approvals/{approval['id']}/decision", json=given, timeout=30)
    assert answer.status_code == httpx.codes.OK, answer.text


def approves(up: Up, approval: dict[str, Any]) -> None:
    decided(up, approval, type="approve")


def edits(up: Up, approval: dict[str, Any]) -> None:
    decided(up, approval, type="edit", args={"amount": BEYOND_DOUBLES, "to": "supplier-7"})


def rejects(up: Up, approval: dict[str, Any]) -> None:
    decided(up, approval, type="reject")


def withdraws(up: Up, approval: dict[str, Any]) -> None:
    answer = httpx.post(f"{up.url}/v1/approvals/{approval['id']}/cancel", timeout=30)
    assert answer.status_code == httpx.codes.OK, answer.text


@pytest.mark.parametrize(
    ("does", "words"),
    [
        (approves, ("paid", "100", "supplier-7")),
        (edits, ("paid", str(BEYOND_DOUBLES), "supplier-7")),
        (rejects, ("not paid: rejected",)),
        (withdraws, ("not paid: cancelled",)),
    ],
    ids=["approved", "edited", "rejected", "withdrawn"],
)
def test_a_workflow_of_another_sdk_runs_what_was_decided(
    up: Up, program: Command, does: Callable[[Up, dict[str, Any]], None], words: tuple[str, ...]
) -> None:
    with paying(up, program) as (process, approval):
        assert approval["title"] == "Pay 100 to supplier-7"
        does(up, approval)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert all(word in said for word in words), said


@pytest.mark.parametrize("reason", ["", "the supplier is gone"], ids=["without a reason", "with a reason"])
async def test_a_cancelled_workflow_of_another_sdk_ends_cancelled_with_its_approval(
    up: Up, program: Command, reason: str
) -> None:
    client = await Client.connect(up.addresses["temporal"])
    with paying(up, program) as (process, approval):
        name = approval["source"]["workflow_id"]
        await client.get_workflow_handle(name).cancel(reason=reason)
        assert await end_of(client, name) == CANCELLED_UNPAID
        said, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "paid" not in said
    assert (await client.get_workflow_handle(f"approval-{approval['id']}").result())["status"] == "cancelled"


@pytest.mark.parametrize("order", [("approve", "cancel"), ("cancel", "approve")], ids="-then-".join)
async def test_a_cancel_that_comes_together_with_an_approve_pays_nothing_in_another_sdk(
    up: Up, program: Command, order: tuple[str, str]
) -> None:
    """Without a worker both wait, and reach the workflow in one task."""
    client = await Client.connect(up.addresses["temporal"])
    with paying(up, program) as (process, approval):
        end(process)
        name = approval["source"]["workflow_id"]
        for step in order:
            if step == "cancel":
                await client.get_workflow_handle(name).cancel()
            else:
                approves(up, approval)
                await client.get_workflow_handle(f"approval-{approval['id']}").result()
        again = started(up, program, name)
        try:
            assert await end_of(client, name) == CANCELLED_UNPAID
        finally:
            end(again)
