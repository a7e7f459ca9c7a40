"""Runs of the agent that is measured, and of the hand-written loop beside it."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

from raw_workflows import Loop, RawAgent
from stage import Http, Stage

PATIENCE: Final = 3600.0


def start(stage: Stage, steps: int, size: int, tool: str = "step") -> tuple[str, str]:
    """Starts a run and returns its id and the name under which its tools note their times."""
    name = uuid.uuid4().hex
    told = {"steps": steps, "size": size, "name": name, "tool": tool}
    run = stage.http("bot").post("/runs", {"agent": "bench", "input": json.dumps(told)})
    return run["id"], name


def finished(stage: Stage, run_id: str) -> None:
    """Waits until a run has completed.

    Raises:
        RuntimeError: It ended otherwise.
    """
    http = stage.http("bot")
    run = until(http, f"/runs/{run_id}", lambda shown: shown["status"] not in {"running", "waiting"})
    if run["status"] != "completed":
        message = f"{run_id} is {run['status']}: {run['error']}"
        raise RuntimeError(message)


def until(http: Http, path: str, there: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Reads again and again until it is there."""
    give_up = time.monotonic() + PATIENCE
    while True:
        shown = http.get(path)
        if there(shown):
            return shown
        if time.monotonic() > give_up:
            raise TimeoutError(path)
        time.sleep(0.1)


async def raw_loop(stage: Stage, steps: int, size: int) -> str:
    """Runs the hand-written loop and returns the name under which its tools note their times."""
    name = uuid.uuid4().hex
    client = await stage.temporal()
    await client.execute_workflow(RawAgent.run, Loop(steps, size, name), id=f"raw-{name}", task_queue=stage.raw_queue)
    return name


def gaps(times: list[tuple[str, float]]) -> list[float]:
    """Returns the seconds from the end of each tool to the begin of the next one."""
    return [
        later - sooner
        for (what, sooner), (then, later) in itertools.pairwise(times)
        if (what, then) == ("end", "begin")
    ]
