"""What the command line exits with, run as a program without a terminal, against real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from typing import Final

import pytest

from placet.engine.ports import LOOPBACK, free_port
from placet_testing.deployment import Deployment, Json
from placet_testing.gateway import QUESTION, key_of

pytestmark = pytest.mark.timeout(120)

COMMAND: Final = (sys.executable, "-m", "placet.cli")


def environment(deployment: Deployment, user: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PLACET_", "TEMPORAL_"))}
    return {**kept, "PLACET_URL": deployment.gateways[0].url, "PLACET_API_KEY": key_of(user)}


def placet(
    deployment: Deployment, *arguments: str, user: str = "dana", url: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end, with nothing on its standard input."""
    given = environment(deployment, user)
    if url is not None:
        given["PLACET_URL"] = url
    return subprocess.run(
        [*COMMAND, *arguments],
        env=given,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )


def ended(deployment: Deployment, kind: str) -> Json:
    """Returns an approval that has ended like this."""
    if kind == "expired":
        asked = deployment.ask(expires_after="1s")
    else:
        asked = deployment.ask()
        answer = deployment.withdraw(asked) if kind == "cancelled" else deployment.decide(asked, kind)
        assert answer.status_code == 200, answer.text
    return deployment.ended(asked)


def test_0_done(deployment: Deployment) -> None:
    asked = deployment.ask()
    done = placet(deployment, "approve", asked["id"], "--digest", asked["digest"], "--json")
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "approved")
    assert placet(deployment, "wait", asked["id"]).returncode == 0


def test_1_a_run_that_failed(deployment: Deployment) -> None:
    script = json.dumps([[{"tool": "note", "args": {"text": "x"}}]] * 45)
    assert placet(deployment, "run", "desk", script, "--wait", user="max").returncode == 1


@pytest.mark.parametrize(
    "arguments",
    [("reject", "ID"), ("respond", "ID"), ("edit", "ID"), ("review",), ("approve",), ("nonsense",), ("answer", "ID")],
    ids=" ".join,
)
def test_2_what_is_missing_is_named_and_nothing_is_decided(deployment: Deployment, arguments: tuple[str, ...]) -> None:
    asked = deployment.ask()
    done = placet(deployment, *(asked["id"] if word == "ID" else word for word in arguments))
    assert done.returncode == 2
    assert done.stderr.strip()
    assert deployment.read(asked)["status"] == "pending"


def test_2_nothing_is_decided_by_what_comes_through_a_pipe(deployment: Deployment) -> None:
    asked = deployment.ask(risk="high")
    for arguments in (("review", asked["id"]), ("reject", asked["id"]), ("edit", asked["id"])):
        done = subprocess.run(
            [*COMMAND, *arguments],
            env=environment(deployment, "dana"),
            input="1\nyes\ny\n\n" * 5,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 2, done.stderr
    assert deployment.read(asked)["status"] == "pending"


@pytest.mark.parametrize(
    ("kind", "waits", "decides"),
    [("reject", 3, 6), ("expired", 5, 5), ("approve", 0, 6), ("cancelled", 8, 8)],
    ids=["3 rejected", "5 expired", "6 already decided", "8 cancelled"],
)
def test_how_it_ended(deployment: Deployment, kind: str, waits: int, decides: int) -> None:
    asked = ended(deployment, kind)
    assert placet(deployment, "wait", asked["id"]).returncode == waits
    late = placet(deployment, "approve", asked["id"], "--digest", asked["digest"], "--json")
    assert late.returncode == decides
    assert json.loads(late.stdout)["approval"]["status"] == deployment.read(asked)["status"]


def test_4_not_signed_in_or_not_allowed(deployment: Deployment) -> None:
    asked = deployment.ask()
    assert placet(deployment, "inbox", user="stranger").returncode == 4
    assert placet(deployment, "approve", asked["id"], "--digest", asked["digest"], user="bot").returncode == 4
    assert deployment.read(asked)["status"] == "pending"


def test_6_another_digest_than_the_one_shown(deployment: Deployment) -> None:
    asked = deployment.ask()
    assert placet(deployment, "approve", asked["id"], "--digest", "sha256:" + "0" * 64).returncode == 6
    assert deployment.read(asked)["status"] == "pending"


def test_7_not_found(deployment: Deployment) -> None:
    assert placet(deployment, "show", uuid.uuid4().hex).returncode == 7
    assert placet(deployment, "cancel", f"run-{uuid.uuid4()}", user="bot").returncode == 7


def test_9_what_does_not_fit(deployment: Deployment) -> None:
    schema = {"type": "object", "properties": {"amount": {"type": "number"}}}
    asked = deployment.ask(args_schema=schema)
    assert placet(deployment, "edit", asked["id"], "--set", 'amount="much"').returncode == 9
    question = deployment.ask(**QUESTION)
    known = question["questions"][0]["id"]
    assert placet(deployment, "answer", question["id"], "--choose", f"{known}=nosuch").returncode == 9
    assert deployment.read(asked)["status"] == deployment.read(question)["status"] == "pending"


def test_10_still_pending_or_only_recorded(deployment: Deployment) -> None:
    asked = deployment.ask()
    assert placet(deployment, "wait", asked["id"], "--timeout", "1s").returncode == 10
    deployment.kill_workers()
    done = placet(deployment, "approve", asked["id"], "--digest", asked["digest"])
    assert done.returncode == 10
    deployment.up(workers=1, gateways=2)
    assert deployment.ended(asked)["status"] == "approved"


def test_69_unreachable(deployment: Deployment) -> None:
    done = placet(deployment, "inbox", url=f"http://{LOOPBACK}:{free_port()}")
    assert done.returncode == 69
    assert "Traceback" not in done.stderr


def test_130_interrupted(deployment: Deployment) -> None:
    asked = deployment.ask()
    process = subprocess.Popen(
        [*COMMAND, "wait", asked["id"]],
        env=environment(deployment, "dana"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(2)  # whatever it does by then, Ctrl-C ends it like this
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert deployment.read(asked)["status"] == "pending"
