"""Streams of events, on real processes: nothing is lost and nothing comes twice, whoever drops, dies or is down."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from random import Random

import httpx
import pytest

from placet_testing.deployment import Deployment, Json
from placet_testing.deployments import OnPostgres
from placet_testing.gateway import key_of
from placet_testing.reading import Reader, owed

pytestmark = pytest.mark.timeout(180)


def has_all(deployment: Deployment, reader: Reader) -> None:
    """Waits until a reader has what is theirs, and that and no more.

    The log is read again each time: it hears of a decision some milliseconds after whoever decided.
    """
    reader.wait(lambda: reader.ids == owed(deployment, reader))
    assert reader.refused == []


def live(deployment: Deployment, rounds: int) -> None:
    """Lets things happen: approvals that are decided, withdrawn and left alone, for several people."""
    for number in range(rounds):
        user = "bot" if number % 3 else "max"
        asked = deployment.ask(user, gateway=number % len(deployment.gateways))
        if number % 4 == 1:
            assert deployment.decide(asked, user="dana").status_code == 200
        elif number % 4 == 2:
            deployment.ask("max", approvers=["user:eve"])
            deployment.ask("max", approvers=["group:finance"])
        elif number % 4 == 3:
            assert deployment.withdraw(asked, user=user).status_code == 200


def test_whoever_drops_and_comes_back_gets_exactly_the_ledgers_events(deployment: Deployment) -> None:
    approvals = "approval.requested,approval.decided,approval.cancelled"
    readers = [
        *(Reader(deployment, "root", longest=longest, luck=Random(longest)) for longest in (1, 3, 10)),  # noqa: S311
        Reader(deployment, "audra"),
        Reader(deployment, "audra", types="approval.decided,call.finished", longest=2),
        # A run shows itself to an approver once it asks them; what they see of approvals never changes.
        *(Reader(deployment, user, types=approvals, longest=2) for user in ("dana", "eve", "max")),
        Reader(deployment, "bot", longest=4),
    ]
    with ExitStack() as stack:
        for reader in readers:
            stack.enter_context(reader.reading())
        live(deployment, 20)
        run = deployment.run([{"tool": "note", "args": {"text": "streamed"}}])
        deployment.finished(run)
        for reader in readers:
            has_all(deployment, reader)
    assert all(reader.connections > 5 for reader in readers if reader.longest)
    mine = {reader.user: {event["approval_id"] for event in reader.got} for reader in readers if reader.types}
    assert mine["eve"] - mine["dana"], "nothing was for eve alone"
    assert mine["dana"] - mine["eve"], "nothing was for dana alone"


def test_a_run_is_told_from_its_start_to_its_end_also_afterwards(deployment: Deployment) -> None:
    run = deployment.run([{"tool": "send", "args": {"text": "told"}}])
    path = f"/v1/runs/{run['id']}/events"
    during = Reader(deployment, "bot", path)
    dropping = Reader(deployment, "bot", path, longest=1)
    with during.reading(), dropping.reading():
        (asked,) = deployment.pending(run)
        assert deployment.decide(asked).status_code == 200
        deployment.finished(run)
        dropping.wait(lambda: dropping.over)
        during.wait(lambda: during.over)
    afterwards = Reader(deployment, "bot", path)
    with afterwards.reading():
        afterwards.wait(lambda: afterwards.over)
    wanted = owed(deployment, afterwards)
    assert during.ids == dropping.ids == afterwards.ids == wanted
    assert (during.connections, afterwards.connections) == (1, 1)
    types = [event["type"] for event in afterwards.got]
    assert (types[0], types[-1]) == ("run.started", "run.completed")
    assert {"approval.requested", "approval.decided", "call.started", "call.finished"} <= set(types)
    hidden = deployment.client("eve").get(f"/v1/runs/{deployment.run()['id']}/events")
    assert hidden.status_code == 404


def test_a_gateway_that_dies_or_stops_loses_no_event(deployment: Deployment) -> None:
    readers = [Reader(deployment, "root", luck=Random(number)) for number in range(4)]  # noqa: S311
    with ExitStack() as stack:
        for reader in readers:
            stack.enter_context(reader.reading())
        live(deployment, 3)
        deployment.gateways.pop().kill()
        live(deployment, 3)
        deployment.up(gateways=2)
        began = time.monotonic()
        # With streams open: they end at once, so the process does.
        assert deployment.gateways.pop(0).end() == 0
        assert time.monotonic() - began < 3
        live(deployment, 3)
        for reader in readers:
            has_all(deployment, reader)
    deployment.up(gateways=2)


def test_while_the_ledger_is_down_streams_stay_and_then_miss_nothing(on_postgres: OnPostgres) -> None:
    admin, dana = Reader(on_postgres, "root"), Reader(on_postgres, "dana", types="approval.requested,approval.decided")
    with admin.reading(), dana.reading():
        asked = on_postgres.ask()
        on_postgres.crash_postgres()
        assert on_postgres.decide(asked).status_code == 200
        beats = admin.comments
        admin.wait(lambda: admin.comments > beats and dana.comments > 0, limit=30)
        on_postgres.start_postgres()
        on_postgres.ended(asked)
        on_postgres.ask()
        has_all(on_postgres, admin)
        has_all(on_postgres, dana)
        assert (admin.connections, dana.connections) == (1, 1)


def test_a_cursor_ahead_of_the_log_is_refused(deployment: Deployment) -> None:
    """It is of another ledger: waiting for the log to reach it would lose everything until then."""
    answer = httpx.get(
        f"{deployment.gateways[0].url}/v1/events",
        headers={"Authorization": f"Bearer {key_of('bot')}", "Last-Event-ID": "9" * 16},
        trust_env=False,
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_query")


def test_watch_goes_on_over_a_gateway_that_dies(deployment: Deployment) -> None:
    environment = {"PLACET_URL": deployment.gateways[0].url, "PLACET_API_KEY": key_of("root"), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "placet.cli", "watch", "--json", "--type", "approval.requested"]
    watching = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert watching.stdout is not None
    assert watching.stderr is not None
    with watching.stdout as out, watching.stderr:
        first = _first_seen(deployment, out.readline)
        port = int(deployment.gateways[0].url.rpartition(":")[2])
        deployment.gateways.pop(0).kill()
        meanwhile = deployment.ask()
        deployment.gateways.insert(0, deployment.start_gateway(port))
        deployment.gateways.pop()
        afterwards = deployment.ask(gateway=1)
        seen = [json.loads(out.readline())["approval_id"] for _ in range(2)]
        assert seen == [meanwhile["id"], afterwards["id"]], first
        watching.send_signal(signal.SIGINT)
        assert watching.wait(10) == 130


def _first_seen(deployment: Deployment, read: object) -> Json:
    """Asks until `watch` has begun to listen, and returns what it saw first; nothing else is asked then."""
    assert callable(read)
    with ThreadPoolExecutor(1) as thread:
        line = thread.submit(read)
        asked = [deployment.ask()]
        while not line.done():
            time.sleep(1)
            if not line.done():
                asked.append(deployment.ask())
        seen = json.loads(str(line.result()))
    assert seen["approval_id"] == asked[-1]["id"]
    return seen
