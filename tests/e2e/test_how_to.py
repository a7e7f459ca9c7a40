"""The how-to pages do what they say: their files are run against everything that `placet up` starts."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Final

import httpx
import psycopg
import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from placet_testing.pages import TREE, blocks_of, file_of
from placet_testing.payouts import CANCELLED_UNPAID, end_of
from placet_testing.providers.anthropic_messages import AnthropicMessages
from placet_testing.providers.chat_completions import ChatCompletions
from placet_testing.providers.server import Call, ModelServer, serving
from placet_testing.running_up import COMMAND, Up, running_up, until
from placet_testing.servers import unavailable

pytestmark = pytest.mark.timeout(180)

ANOTHER: Final = "docs/how-to/ask-from-another-workflow.md"
EVENTS: Final = "docs/how-to/follow-events.md"
SCRIPT: Final = "docs/how-to/approve-from-a-script.md"
QUESTIONS: Final = "docs/how-to/let-an-agent-ask.md"
MCP: Final = "docs/how-to/use-mcp-tools.md"
POLICY: Final = "docs/how-to/write-a-policy.md"
MODELS: Final = "docs/how-to/use-a-real-model.md"
PEOPLE: Final = "docs/how-to/people-and-keys.md"
WATCH: Final = "docs/how-to/watch-it.md"
POSTGRES: Final = "docs/how-to/run-with-postgresql.md"
Imported = Callable[[str], Any]
REFUND: Final = {"kind": "tool_call", "tool": "refund", "title": "Refund", "args": {"order_id": 1042, "amount": 12.5}}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Everything, with a policy and without people."""
    folder = tmp_path_factory.mktemp("how-to")
    config = folder / "placet.yaml"
    config.write_text('policy:\n  deny: ["delete_*"]\n  ask: [payout]\n  allow: ["find_*"]\n')
    with running_up(folder / "data", "--config", str(config)) as started:
        yield started


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Imported]:
    """Makes a page's file importable, as the author of a workflow has it."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    made: list[str] = []

    def imported(name: str) -> Any:
        (tmp_path / name).write_text(file_of(ANOTHER, name))
        made.append(name.removesuffix(".py"))
        return importlib.import_module(made[-1])

    yield imported
    for name in made:
        sys.modules.pop(name, None)


def get(up: Up, path: str) -> dict[str, Any]:
    answer = httpx.get(f"{up.url}/v1{path}", timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ask(up: Up, **args: object) -> str:
    answer = httpx.post(f"{up.url}/v1/approvals", json={**REFUND, "args": args}, timeout=30)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def decide(up: Up, approval: Mapping[str, Any], **body: object) -> None:
    given = {"digest": approval["digest"], **body}
    answer = httpx.post(f"{up.url}/v1/approvals/{approval['id']}/decision", json=given, timeout=30)
    assert answer.status_code == 200, answer.text


async def started_payout(up: Up, client: Client, queue: str) -> tuple[WorkflowHandle[Any, Any], dict[str, Any]]:
    """Starts a payout and gives it with the approval that it asks for."""
    workflow_id = f"payout-{uuid.uuid4().hex}"
    handle = await client.start_workflow(
        "Payout", {"amount": 100, "to": "supplier-7"}, id=workflow_id, task_queue=queue
    )
    found: list[dict[str, Any]] = []

    def asked() -> bool:
        items = get(up, "/approvals?tool=payout")["items"]
        found[:] = [one for one in items if one["source"] and one["source"]["workflow_id"] == workflow_id]
        return bool(found)

    await asyncio.to_thread(until, asked)  # the worker of this test needs the loop meanwhile
    return handle, found[0]


@pytest.mark.parametrize(
    ("decision", "result"),
    [
        ({"type": "approve"}, "paid 100 to supplier-7"),
        ({"type": "edit", "args": {"amount": 60, "to": "supplier-7"}}, "paid 60 to supplier-7"),
        ({"type": "reject", "message": "no"}, "not paid: rejected"),
    ],
    ids=["approved", "edited", "rejected"],
)
async def test_a_workflow_of_anybody_asks_and_runs_what_was_approved(
    up: Up, module: Imported, decision: dict[str, object], result: str
) -> None:
    payouts = module("payouts.py")
    client = await Client.connect(up.addresses["temporal"])
    queue = f"payouts-{uuid.uuid4().hex}"
    async with Worker(client, task_queue=queue, workflows=[payouts.Payout], activities=[payouts.pay]):
        handle, approval = await started_payout(up, client, queue)
        assert approval["title"] == "Pay 100 to supplier-7"
        decide(up, approval, **decision)
        assert await handle.result() == result


@pytest.mark.parametrize("reason", ["", "the supplier is gone"], ids=["without a reason", "with a reason"])
async def test_a_cancelled_workflow_ends_cancelled_with_its_approval_and_pays_nothing(
    up: Up, module: Imported, reason: str
) -> None:
    payouts = module("payouts.py")
    client = await Client.connect(up.addresses["temporal"])
    queue = f"payouts-{uuid.uuid4().hex}"
    async with Worker(client, task_queue=queue, workflows=[payouts.Payout], activities=[payouts.pay]):
        handle, approval = await started_payout(up, client, queue)
        await handle.cancel(reason=reason)
        assert await end_of(client, handle.id) == CANCELLED_UNPAID
    assert get(up, f"/approvals/{approval['id']}")["status"] == "cancelled"


@pytest.mark.parametrize("order", [("approve", "cancel"), ("cancel", "approve")], ids="-then-".join)
async def test_a_cancel_that_comes_together_with_an_approve_pays_nothing(
    up: Up, module: Imported, order: tuple[str, str]
) -> None:
    """Without a worker both wait, and reach the workflow in one task."""
    payouts = module("payouts.py")
    client = await Client.connect(up.addresses["temporal"])
    queue = f"payouts-{uuid.uuid4().hex}"
    async with Worker(client, task_queue=queue, workflows=[payouts.Payout], activities=[payouts.pay]):
        handle, approval = await started_payout(up, client, queue)
    for step in order:
        if step == "cancel":
            await handle.cancel()
        else:
            decide(up, approval, type="approve")
            await client.get_workflow_handle(f"approval-{approval['id']}").result()
    async with Worker(client, task_queue=queue, workflows=[payouts.Payout], activities=[payouts.pay]):
        assert await end_of(client, handle.id) == CANCELLED_UNPAID
    assert get(up, f"/approvals/{approval['id']}")["status"] == "approved"


async def test_the_end_of_the_workflow_that_asked_cancels_the_approval(up: Up, module: Imported) -> None:
    payouts = module("payouts.py")
    client = await Client.connect(up.addresses["temporal"])
    queue = f"payouts-{uuid.uuid4().hex}"
    async with Worker(client, task_queue=queue, workflows=[payouts.Payout], activities=[payouts.pay]):
        handle, approval = await started_payout(up, client, queue)
        await handle.terminate()
        await asyncio.to_thread(until, lambda: get(up, f"/approvals/{approval['id']}")["status"] == "cancelled")


@pytest.mark.parametrize(("tool", "effect"), [("payout", "ask"), ("find_orders", "allow"), ("delete_all", "deny")])
async def test_a_workflow_of_anybody_asks_the_policy(up: Up, module: Imported, tool: str, effect: str) -> None:
    judged = module("judged.py")
    client = await Client.connect(up.addresses["temporal"])
    queue = f"judged-{uuid.uuid4().hex}"
    async with Worker(client, task_queue=queue, workflows=[judged.Judged]):
        verdict = await client.execute_workflow(
            "Judged",
            args=[tool, {"amount": 1}],
            id=queue,
            task_queue=queue,
            execution_timeout=timedelta(seconds=30),
        )
    assert verdict["effect"] == effect


def bash(up: Up, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    for program in ("curl", "jq"):
        if shutil.which(program) is None:
            unavailable(f"the page's scripts need {program}")
    given = {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "PLACET_URL": up.url,
        "PLACET_API_KEY": "any",
        **environment,
    }
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, env=given, timeout=60)


def test_a_script_approves_what_it_has_read_and_leaves_the_rest(up: Up) -> None:
    small = ask(up, order_id=1042, amount=12.5)
    others = [ask(up, order_id=1043, **args) for args in ({"amount": 500}, {}, {"amount": "1"}, {"amount": None})]
    done = bash(up, file_of(SCRIPT, "approve_small_refunds.sh"))
    assert done.returncode == 0, done.stderr
    expected = [f"{small} approved", *(f"{other} left to people" for other in others)]
    assert sorted(done.stdout.splitlines()) == sorted(expected)
    assert get(up, f"/approvals/{small}")["status"] == "approved"
    assert {get(up, f"/approvals/{other}")["status"] for other in others} == {"pending"}


def test_a_script_waits_for_the_end(up: Up) -> None:
    asked = ask(up, order_id=1, amount=1)
    decide(up, get(up, f"/approvals/{asked}"), type="respond", message="Not today.")
    decision = get(up, f"/approvals/{asked}")["decision"]
    done = bash(up, file_of(SCRIPT, "wait_for_the_end.sh"), ID=asked)
    assert done.stdout == f"responded by user:local, decision {decision['id']}\n", done.stderr


def get_events(up: Up, approval_id: str) -> list[str]:
    """Returns the ids of an approval's events."""
    with closing(sqlite3.connect(up.data / "ledger.db")) as ledger:
        rows = ledger.execute("SELECT id FROM events WHERE approval_id = ?", [approval_id])
        return [f"{number:016}" for (number,) in rows]


@contextmanager
def listening(up: Up, folder: Path, command: list[str]) -> Generator[IO[str]]:
    """Starts one of the page's programs and gives what it says; kills it at the end, as a power cut would."""
    environment = {**os.environ, "PLACET_URL": up.url, "PLACET_API_KEY": "any", "PYTHONUNBUFFERED": "1"}
    program = subprocess.Popen(
        command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert program.stdout is not None
    with program.stdout as out:
        yield out
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()


def told_first(up: Up, out: IO[str]) -> tuple[str, str]:
    """Asks until the program listens, and returns what it says then, and which approval was asked last."""
    with ThreadPoolExecutor(1) as thread:
        line, asked = thread.submit(out.readline), ask(up, order_id=1, amount=1)
        while not wait([line], timeout=1).done:
            asked = ask(up, order_id=1, amount=1)
        return line.result().strip(), asked


def test_a_program_that_is_killed_goes_on_behind_the_last_event(up: Up, tmp_path: Path) -> None:
    (tmp_path / "tell.py").write_text(file_of(EVENTS, "tell_of_approvals.py"))
    command = [sys.executable, "tell.py"]
    with listening(up, tmp_path, command) as out:
        line, asked = told_first(up, out)
        while line != f"approval.requested {asked}":
            line = out.readline().strip()
        (last,) = get_events(up, asked)
        until(lambda: (tmp_path / "last-event").read_text() == last)
    meanwhile = [ask(up, order_id=2, amount=1) for _ in range(3)]
    decide(up, get(up, f"/approvals/{meanwhile[0]}"), type="approve")
    until(lambda: get(up, f"/approvals/{meanwhile[0]}")["status"] == "approved")
    with listening(up, tmp_path, command) as out:
        lines = [out.readline().strip() for _ in range(4)]
    assert lines == [*(f"approval.requested {one}" for one in meanwhile), f"approval.decided {meanwhile[0]}"]


def test_curl_waits_for_the_next_approval(up: Up, tmp_path: Path) -> None:
    (tmp_path / "next.sh").write_text(file_of(EVENTS, "next_approval.sh"))
    with listening(up, tmp_path, ["bash", "next.sh"]) as out:
        assert told_first(up, out)[0] == REFUND["title"]


def test_an_agent_asks_and_a_script_answers(tmp_path: Path) -> None:
    for name in ("placet.yaml", "shipping_model.py", "script.yaml"):
        (tmp_path / name).write_text(file_of(QUESTIONS, name))
    with running_up(tmp_path / "data", "--config", str(tmp_path / "placet.yaml")) as up:
        run = httpx.post(f"{up.url}/v1/runs", json={"agent": "shipping", "input": "Ship it."}, timeout=30).json()
        until(lambda: get(up, f"/runs/{run['id']}")["status"] == "waiting")
        done = bash(up, file_of(QUESTIONS, "answer.sh"))
        assert done.returncode == 0, done.stderr
        until(lambda: get(up, f"/runs/{run['id']}")["status"] == "completed")
        messages: Any = get(up, f"/runs/{run['id']}/messages")
    (told,) = [one["data"] for one in messages if one["type"] == "tool"]
    (shown,) = [json.loads(block.text) for block in blocks_of(TREE / QUESTIONS) if block.language == "json"]
    read = json.loads(told["content"])
    assert read == {**shown, "at": read["at"], "by": "user:local"}


DESK_MODEL: Final = """
from pathlib import Path
from placet.agents.scripted import ScriptedChatModel
scripted = ScriptedChatModel.from_yaml(Path(__file__).with_name("script.yaml"))
"""
DESK_TOOLS: Final = """
def refund(order_id: int, amount: float) -> str:
    "Refund."
    return f"Refunded {amount}."
"""
DESK_SCRIPT: Final = """
- call:
    - {tool: refund, args: {order_id: 1001, amount: 150.5}}
    - {tool: refund, args: {order_id: 1001, amount: 50}}
    - {tool: refund, args: {order_id: 1001, amount: 1001}}
    - {tool: refund, args: {order_id: 1001, amount: 1.0e+300}}
- say: Done.
"""


def desk_of_the_policy(folder: Path) -> Path:
    """Writes the page's files and what they name; gives the placet.yaml."""
    for name in ("placet.yaml", "desk_words.py", "try.sh"):
        (folder / name).write_text(file_of(POLICY, name))
    for name, text in (("desk_model.py", DESK_MODEL), ("desk_tools.py", DESK_TOOLS), ("script.yaml", DESK_SCRIPT)):
        (folder / name).write_text(text)
    return folder / "placet.yaml"


def test_a_policy_is_tried_without_any_server(tmp_path: Path) -> None:
    desk_of_the_policy(tmp_path)
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    done = subprocess.run(
        ["bash", "try.sh"], capture_output=True, text=True, check=True, timeout=60, cwd=tmp_path, env={"PATH": path}
    )
    (shown,) = [block.text for block in blocks_of(TREE / POLICY) if block.language == "text"]
    assert done.stdout == shown


def test_a_policy_decides_by_arguments_and_shows_its_words(tmp_path: Path) -> None:
    with running_up(tmp_path / "data", "--config", str(desk_of_the_policy(tmp_path))) as up:
        run = httpx.post(f"{up.url}/v1/runs", json={"agent": "desk", "input": "Refund."}, timeout=30).json()
        until(lambda: get(up, f"/runs/{run['id']}")["status"] == "waiting")
        (asked,) = get(up, f"/runs/{run['id']}")["pending"]
        assert asked["title"] == "Refund 150.5 on order 1001"
        assert asked["reason"] == "150.5 goes to Ada, who has ordered 14 times.\nRun started by user:local."
        assert (asked["risk"], asked["allowed_decisions"]) == ("high", ["approve", "edit", "reject"])
        edit = {"type": "edit", "digest": asked["digest"], "args": {"order_id": 1001, "amount": 1001}}
        refused = httpx.post(f"{up.url}/v1/approvals/{asked['id']}/decision", json=edit, timeout=30)
        assert (refused.status_code, refused.json()["code"]) == (422, "edit_denied")
        decide(up, asked, type="edit", args={"order_id": 1001, "amount": 120})
        until(lambda: get(up, f"/runs/{run['id']}")["status"] == "completed")
        messages: Any = get(up, f"/runs/{run['id']}/messages")
    told = [one["data"]["content"] for one in messages if one["type"] == "tool"]
    assert "Refunded 120" in told[0]
    assert told[1] == "Refunded 50.0."
    assert all("write to accounting" in one for one in told[2:])


@pytest.fixture(scope="module")
def providers() -> Iterator[dict[str, ModelServer]]:
    """The providers of the page's agents, on this machine."""
    with (
        serving(ChatCompletions()) as clerk,
        serving(AnthropicMessages()) as thinker,
        serving(ChatCompletions()) as own,
    ):
        yield {"clerk": clerk, "thinker": thinker, "local": own}


@pytest.fixture(scope="module")
def shop(providers: dict[str, ModelServer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Everything, with the page's agents."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("placet.yaml", "my_models.py", "orders.py"):
        (folder / name).write_text(file_of(MODELS, name))
    environment = providers["clerk"].environment() | providers["thinker"].environment()
    environment["LOCAL_MODEL_URL"] = f"{providers['local'].url}/v1"
    with running_up(folder / "data", "--config", str(folder / "placet.yaml"), environment=environment) as up:
        yield up


@pytest.mark.parametrize("agent", ["clerk", "thinker", "local"])
def test_a_real_model_looks_up_asks_and_goes_on(shop: Up, providers: dict[str, ModelServer], agent: str) -> None:
    """Through the providers' own clients; the servers refuse a transcript that the providers would."""
    provider = providers[agent]
    wanted = {"order_id": 1001, "amount": 12.5, "reason": "broken"}
    look, pay = Call("find_order", '{"order_id": 1001}', "call_a"), Call("refund", json.dumps(wanted), "call_b")
    provider.says("Let me see.", look, pay, thinks=agent == "thinker")
    provider.says("", Call("find_order", '{"order_id": "1001"}', "call_c"), thinks=agent == "thinker")
    provider.says("You have your money back.", thinks=agent == "thinker")
    done = bash(shop, file_of(MODELS, "ask.sh"), AGENT=agent)
    assert done.returncode == 0, done.stderr
    assert "is waiting" in done.stdout
    [run] = [one for one in get(shop, "/runs")["items"] if one["agent"] == agent]
    [asked] = run["pending"]
    assert asked["args"] == wanted
    assert asked["says"] == "Let me see."
    decide(shop, asked, type="approve")
    until(lambda: get(shop, f"/runs/{run['id']}")["status"] == "completed")
    assert get(shop, f"/runs/{run['id']}")["output"] == "You have your money back."
    provider.says("You are welcome.")
    again = {"agent": agent, "input": "Thanks!", "thread_id": run["thread_id"]}
    thanks = httpx.post(f"{shop.url}/v1/runs", json=again, timeout=30).json()
    until(lambda: get(shop, f"/runs/{thanks['id']}")["status"] == "completed")
    assert get(shop, f"/runs/{thanks['id']}")["output"] == "You are welcome."
    assert provider.refused == []
    assert "Refunded 12.5 on order 1001: broken." in json.dumps(provider.requests[-1])
    assert "As it stands on the bill" in json.dumps(provider.requests[0])


def test_a_script_looks_at_what_waits(up: Up) -> None:
    """The page's `prometheus.yml` and `placet-alerts.yml` are read by tests/docs/test_metrics.py."""
    ask(up, order_id=1042, amount=12.5)
    shown: list[str] = []

    def seen() -> bool:
        shown[:] = bash(up, file_of(WATCH, "look.sh")).stdout.splitlines()
        return any(line.startswith('placet_approvals_pending{age="5m",agent=""') for line in shown)

    until(seen)


def test_an_agent_calls_the_tools_of_an_mcp_server_behind_an_approval(tmp_path: Path) -> None:
    for name in ("placet.yaml", "stock_model.py", "script.yaml", "stock_server.py"):
        (tmp_path / name).write_text(file_of(MCP, name))
    environment = {"STOCK_KEY": "s3cret", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with running_up(tmp_path / "data", "--config", str(tmp_path / "placet.yaml"), environment=environment) as up:
        run = httpx.post(f"{up.url}/v1/runs", json={"agent": "stock", "input": "Lamps?"}, timeout=30).json()
        until(lambda: get(up, f"/runs/{run['id']}")["status"] == "waiting")
        [agent] = get(up, "/agents")["items"]
        assert [tool["name"] for tool in agent["tools"]] == ["stock_count", "stock_order"]
        assert agent["mcp"] == [{"name": "stock", "problem": None}]
        assert not (tmp_path / "orders.txt").exists()
        done = bash(up, file_of(MCP, "approve_order.sh"))
        assert done.returncode == 0, done.stderr
        until(lambda: get(up, f"/runs/{run['id']}")["status"] == "completed")
        messages: Any = get(up, f"/runs/{run['id']}/messages")
    assert [one["data"]["content"] for one in messages if one["type"] == "tool"] == ["5", "Ordered 12 of lamps."]
    assert (tmp_path / "orders.txt").read_text() == "12 lamps\n"


def test_a_key_that_was_made_lets_its_holder_in(tmp_path: Path) -> None:
    made = subprocess.run(
        [*COMMAND[:-1], "key", "create", "dana"], capture_output=True, text=True, check=True, timeout=30
    )
    [key] = re.findall(r"^\s+(placet_\S+)$", made.stdout, re.MULTILINE)
    [line] = re.findall(r"^\s+(keys: .*)$", made.stdout, re.MULTILINE)
    page, *_ = [block.text for block in blocks_of(TREE / PEOPLE) if block.language == "yaml"]
    config = tmp_path / "placet.yaml"
    config.write_text(re.sub(r"keys: .*", line, page, count=1))
    with running_up(tmp_path / "data", "--config", str(config)) as up:
        answer = httpx.get(f"{up.url}/v1/approvals", headers={"Authorization": f"Bearer {key}"}, timeout=30)
        assert answer.status_code == 200, answer.text
        for wrong in (key[:-1], "any", key.upper()):
            answer = httpx.get(f"{up.url}/v1/approvals", headers={"Authorization": f"Bearer {wrong}"}, timeout=30)
            assert answer.status_code == 401


def test_the_ledger_is_kept_by_postgresql(tmp_path: Path, postgres_url: str) -> None:
    server = re.sub(r"^postgresql\+psycopg", "postgresql", postgres_url)
    statements, *_ = [block.text for block in blocks_of(TREE / POSTGRES) if block.language == "sql"]
    with psycopg.connect(server, autocommit=True) as connection:
        for statement in statements.split(";"):
            if statement.strip():
                connection.execute(statement.encode())
    [page] = re.findall(r"^PLACET_LEDGER_URL=(\S+)$", (TREE / POSTGRES).read_text("utf-8"), re.MULTILINE)
    address = re.sub(r"@[^/]+/", f"@{httpx.URL(server).netloc.decode().rpartition('@')[2]}/", page)
    try:
        with running_up(tmp_path / "data", environment={"PLACET_LEDGER_URL": address}) as up:
            asked = ask(up, order_id=1042, amount=12.5)
            up.kill_everything()
        assert not (tmp_path / "data" / "ledger.db").exists()
        with running_up(tmp_path / "data", environment={"PLACET_LEDGER_URL": address}) as up:
            assert get(up, f"/approvals/{asked}")["status"] == "pending"
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("DROP DATABASE placet WITH (FORCE)")
            connection.execute("DROP ROLE placet")
