"""A worker of the next version, with one step more, comes while runs wait, and the old one returns."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from placet_testing.deployment import Deployment, Json

pytestmark = [pytest.mark.repeated, pytest.mark.timeout(300)]

NEXT = "placet_testing.next_version"


def call(tool: str, text: str) -> Json:
    return {"tool": tool, "args": {"text": text}}


def only_worker(deployment: Deployment, program: str) -> None:
    deployment.kill_workers()
    deployment.worker_program = program
    deployment.up(workers=1, gateways=2)


async def stands_still(deployment: Deployment, run: Json) -> bool:
    """Whether Temporal shows that a worker has tried to go on with the run and could not."""
    client = await deployment.temporal_client()
    described = await client.get_workflow_handle(run["id"]).describe()
    return described.raw_description.pending_workflow_task.attempt > 1


def test_a_next_version_comes_while_runs_wait_and_goes_again(deployment: Deployment) -> None:
    """Runs that have passed the new step wait for it to return, and people see them; the others go on."""
    texts = {name: f"{name}-{uuid4()}" for name in ("before", "through", "stays", "late")}
    runs = {
        name: deployment.run([call("send", texts[name])], [call("note", texts[name] + "-2")])
        for name in ("before", "through", "stays")
    }
    gates = {name: deployment.pending(run)[0] for name, run in runs.items()}

    only_worker(deployment, NEXT)
    # It goes on under the next version, and passes its new step before the second turn.
    assert deployment.decide(gates["through"]).status_code == 200
    assert deployment.finished(runs["through"])["status"] == "completed"
    # This one has passed the new step and waits when the old version returns.
    runs["late"] = deployment.run([call("send", texts["late"])])
    gates["late"] = deployment.pending(runs["late"])[0]

    only_worker(deployment, "placet.cli")
    assert deployment.decide(gates["before"]).status_code == 200
    assert deployment.finished(runs["before"])["status"] == "completed"
    # Its approval is decided all the same; the run itself stands still and is seen to be open.
    assert deployment.decide(gates["late"]).status_code == 200
    assert deployment.ended(gates["late"])["status"] == "approved"
    assert deployment.decide(gates["stays"]).status_code == 200
    assert deployment.finished(runs["stays"])["status"] == "completed"
    deployment.wait(lambda: asyncio.run(stands_still(deployment, runs["late"])), 60)
    assert deployment.read_run(runs["late"])["ended_at"] is None
    assert deployment.effects(texts["late"]) == []

    only_worker(deployment, NEXT)
    assert deployment.finished(runs["late"])["status"] == "completed"
    only_worker(deployment, "placet.cli")
    for name, text in texts.items():
        assert len(deployment.effects(text)) == 1, name


def test_workers_are_exchanged_one_beside_the_other_while_runs_wait(deployment: Deployment) -> None:
    """As the how-to says: the new one starts, then the old one is told to stop; nobody who decides waits for it."""
    texts = {name: f"{name}-{uuid4()}" for name in ("between", "after")}
    runs = {name: deployment.run([call("send", text)], [call("note", text + "-2")]) for name, text in texts.items()}
    gates = {name: deployment.pending(run)[0] for name, run in runs.items()}
    (old,) = deployment.workers
    deployment.worker_program = NEXT
    try:
        deployment.up(workers=2, gateways=2)
        new = deployment.workers[-1]
        deployment.wait(lambda: "worker.started" in new.log.read_text(), 60)
        assert deployment.decide(gates["between"]).status_code == 200
        assert old.end() == 0
        assert deployment.decide(gates["after"]).status_code == 200
        for name, run in runs.items():
            assert deployment.finished(run)["status"] == "completed"
            assert len(deployment.effects(texts[name])) == 1
    finally:
        only_worker(deployment, "placet.cli")
