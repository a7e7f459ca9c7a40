"""`watch` prints events as they come; `run` says what happens on the way."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from placet_testing.fake_gateway import event_of, problem

from .conftest import COMMAND

if TYPE_CHECKING:
    from placet.contracts.errors import Code
    from placet_testing.fake_gateway import FakeGateway

    from .conftest import Placet


def test_watch_prints_a_line_an_event_and_ends_with_the_run(gateway: FakeGateway, placet: Placet) -> None:
    run = gateway.has_run()
    gateway.streams = [
        [event_of(1, "run.started", run_id=run["id"], actor="user:dana", data={"agent": "billing"})],
        [
            event_of(2, "approval.requested", run_id=run["id"], data={"risk": "high", "title": "refund\x1b[2J 50"}),
            event_of(3, "run.completed", run_id=run["id"]),
        ],
    ]
    ended = placet("watch", "--run", run["id"][:12])
    assert ended.code == 0
    rows = [line.split("\t") for line in ended.out.splitlines()]
    assert [row[1] for row in rows] == ["run.started", "approval.requested", "run.completed"]
    assert rows[0] == ["2026-11-22T12:00:00Z", "run.started", run["id"], "", "billing", "user:dana"]
    assert rows[1][4] == "high  refund\\x1b[2J 50"


def test_watch_as_json_is_a_line_of_json_an_event(gateway: FakeGateway, placet: Placet) -> None:
    run = gateway.has_run()
    events = [event_of(1, "call.started", run_id=run["id"], data={"tool": "x\u2028y"})]
    gateway.streams = [[*events, event_of(2, "run.failed", run_id=run["id"])]]
    ended = placet("watch", "--run", run["id"], "--json", "--type", "call.started,call.finished")
    (line,) = map(json.loads, ended.out.splitlines())
    assert line["schema_version"] == 1
    assert {name: line[name] for name in ("id", "type", "run_id", "data")} == {
        name: events[0][name] for name in ("id", "type", "run_id", "data")
    }


def test_watch_goes_on_after_an_event(gateway: FakeGateway, placet: Placet) -> None:
    run = gateway.has_run()
    gateway.streams = [(204, None)]
    assert placet("watch", "--run", run["id"], "--after", f"{7:016}").code == 0
    assert gateway.received[-1].headers["last-event-id"] == f"{7:016}"


def test_watch_knows_the_types(placet: Placet) -> None:
    ended = placet("watch", "--type", "run.startled")
    assert ended.code == 2
    assert "run.startled" in ended.err


@pytest.mark.parametrize(("code", "exit_code"), [("unauthenticated", 4), ("not_found", 7), ("invalid_query", 2)])
def test_watch_exits_by_what_refuses_it(code: Code, exit_code: int, gateway: FakeGateway, placet: Placet) -> None:
    gateway.streams.append(problem(code, "No."))
    assert placet("watch").code == exit_code


def test_ctrl_c_ends_watch_with_130(gateway: FakeGateway, placet: Placet) -> None:
    gateway.streams = [[event_of(1, "run.started")]]
    watching = subprocess.Popen([*COMMAND, "watch", "--json"], env=placet.env, stdout=subprocess.PIPE, text=True)
    assert watching.stdout is not None
    with watching.stdout as out:
        # A line comes at once, though the stream goes on.
        assert json.loads(out.readline())["type"] == "run.started"
        until = time.monotonic() + 10
        while len(gateway.received) < 2:
            assert time.monotonic() < until
            time.sleep(0.02)
        watching.send_signal(signal.SIGINT)
        assert watching.wait(10) == 130


def test_run_says_what_ran(gateway: FakeGateway, placet: Placet) -> None:
    gateway.steps = [lambda: next(iter(gateway.runs.values())).update(status="completed", output="done")]
    finished = {"tool": "find\x1b[2J", "status": "succeeded"}
    gateway.streams = [[event_of(1, "call.finished", data=finished), event_of(2, "call.denied", data={"tool": "x"})]]
    ended = placet("run", "billing", "hello", "--wait")
    assert ended.code == 0
    assert "find\\x1b[2J: succeeded\nx: denied\n" in ended.out
