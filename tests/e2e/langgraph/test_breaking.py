"""Every client gets to the end of a run in whose middle a connection, the gateways or the worker break.

All clients meet the same break at the same moment: it costs one restart, and they are what a deployment has.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from placet_testing.chatting import APPROVE, Chat, a_text, call, contents
from placet_testing.deployment import Deployment, Json
from placet_testing.faults.wires import Wire
from placet_testing.gateway import key_of
from placet_testing.node_packages import ran
from placet_testing.servers import LANGGRAPH_PROGRAMS

pytestmark = pytest.mark.timeout(300)

LINES: Final = ("sdk-1-8-10", "sdk-1-9-28", "sdk-1-15-0", "sdk-2-0-0")
REACT: Final = "@langchain/react"
OLD_PYTHON: Final = "python 0.2.0"
SDKS: Final = ("python", OLD_PYTHON, *LINES)
PAGES: Final = (*(f"page {line}" for line in LINES), f"page {REACT}")
EVERYBODY: Final = (*SDKS, *PAGES)


@pytest.fixture
def wire(chat: Chat) -> Iterator[Wire]:
    """Leads to a gateway."""
    target = urlsplit(chat.url())
    made = Wire(target.hostname or "", target.port or 0)
    yield made
    made.close()


def cut(wire: Wire, deployment: Deployment) -> None:
    """Cuts every connection to the gateway."""
    del deployment
    wire.cut()
    wire.mend()


def gateways(wire: Wire, deployment: Deployment) -> None:
    """Kills every gateway with -9, and starts them again at their places."""
    del wire
    for port in deployment.kill_gateways():
        deployment.start_gateway(port)


def worker(wire: Wire, deployment: Deployment) -> None:
    """Kills the worker with -9, and starts another one."""
    del wire
    deployment.kill_workers()
    deployment.start_worker()


def storm(wire: Wire, deployment: Deployment) -> None:
    """Cuts every connection while the worker is killed."""
    cut(wire, deployment)
    worker(wire, deployment)


HARMS: Final = (storm, gateways, *(pytest.param(harm, marks=pytest.mark.repeated) for harm in (cut, worker)))


@pytest.mark.parametrize("harm", HARMS)
def test_every_client_gets_to_the_end_whatever_breaks(
    chat: Chat,
    wire: Wire,
    langgraph_programs: Path,
    oldest_langgraph_sdk: Path,
    harm: Callable[[Wire, Deployment], None],
) -> None:
    deployment, texts = chat.deployment, {client: a_text() for client in EVERYBODY}
    url = f"http://{wire.address}/langgraph"
    with ThreadPoolExecutor(len(EVERYBODY)) as pool:
        running = {
            client: pool.submit(report, client, langgraph_programs, oldest_langgraph_sdk, (url, key_of("max"), text))
            for client, text in texts.items()
        }
        for text in texts.values():
            deployment.held(text, "before")
        # By this thread: what it starts lives no longer than it.
        harm(wire, deployment)
        for text in texts.values():
            deployment.let_go(text)
        reports = {client: done.result() for client, done in running.items()}
    for client, text in texts.items():
        if client.startswith("page"):
            assert reports[client] == {"shown": 4}, client
            assert len(deployment.effects(text)) == 1, client
        else:
            check_told(client, reports[client]["parts"], asked=harm in {worker, storm})
            assert len(deployment.effects(text)) == 2, client


def report(client: str, programs: Path, oldest: Path, given: Sequence[str]) -> Json:
    """Runs the program of a client, and returns what it says at its end."""
    if client.startswith("page"):
        return ran(programs, "held.mjs", client.removeprefix("page "), *given)
    if client in LINES:
        return ran(programs, "reconnect.mjs", client, *given)
    # Without `site` the old one sees its own packages and none of ours.
    apart = ("-S",) if client == OLD_PYTHON else ()
    environment = {**os.environ, **({"PYTHONPATH": str(oldest)} if apart else {})}
    command = (sys.executable, *apart, str(LANGGRAPH_PROGRAMS / "reconnect.py"), *given)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def check_told(client: str, parts: list[list[Any]], *, asked: bool) -> None:
    """Asserts that the parts of a run were told as if nothing had broken: nothing missing, nothing twice."""
    assert len(parts) == (2 if asked else 1), (client, "where a crash left it open a person says what happened")
    for events in parts:
        names = [name for name, _ in events]
        assert names[0] == "metadata", client
        assert names[-1] == "end", client
        states = [said for name, said in events if name == "values"]
        assert states == sorted(states), client
        if client != OLD_PYTHON:
            # That one gives no ids: it begins again with the state as it is.
            assert set(names[1:-1]) == {"updates", "values"}, client
    assert [said for name, said in parts[-1] if name == "values"][-1] == 6, client
    updates = [said for events in parts for name, said in events if name == "updates" and said is not None]
    assert len(updates) == len(set(updates)), client
    if client != OLD_PYTHON:
        assert len(updates) == 5, (client, "two answers, two results, a last answer")


def test_an_answer_that_no_worker_was_there_for_counts_when_one_returns(chat: Chat) -> None:
    thread, text, deployment = chat.thread(), a_text(), chat.deployment
    interrupt = chat.waiting(thread, [call(text)])
    deployment.kill_workers()
    client, answer = chat.client("dana"), {"resume": {interrupt["id"]: APPROVE}}
    first, again = (client.runs.create(thread, "desk", command=answer)["run_id"] for _ in range(2))
    assert first == again
    assert not deployment.effects(text)
    deployment.up(workers=1, gateways=2)
    assert contents(client.runs.join(thread, first))[-1] == f"Sent {text}."
    assert len(deployment.effects(text)) == 1
