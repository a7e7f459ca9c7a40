"""How long it takes from the answer to a decision to the first line of the tool that it releases."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from bench_agent import now
from raw_workflows import Decision, RawRelease
from running import start, until
from stage import Http, Stage
from table import Row, median, slow
from temporalio.client import Client

AGAINST: Final = "raw Update, then an activity"
PAUSE: Final = 0.5
"""Seconds after each: what follows the tool must not slow the next one."""


@dataclass
class Spent:
    """Seconds until the tool began, from two moments on."""

    since_sent: list[float] = field(default_factory=list[float])
    since_answered: list[float] = field(default_factory=list[float])


async def decision_to_tool(stage: Stage, count: int) -> list[Row]:
    """Measures released calls, each beside a workflow whose Update releases an activity, by turns."""
    temporal = await stage.temporal()
    bot, dana = stage.http("bot"), stage.http("dana")
    waiting = [start(stage, 1, 16, "gated_step") for _ in range(count)]
    raw = [await _start(temporal, stage) for _ in range(count)]
    asked = [_approval(bot, run_id) for run_id, _ in waiting]
    await asyncio.sleep(2)
    ours, theirs = Spent(), Spent()
    for number in range(count):
        for which in (0, 1) if number % 2 else (1, 0):
            name = waiting[number][1] if which else raw[number]
            sent = now()
            if which:
                dana.decide(asked[number])
            else:
                await _update(temporal, name)
            answered = now()
            begun = await _begun(stage, name)
            spent = ours if which else theirs
            spent.since_sent.append(begun - sent)
            spent.since_answered.append(begun - answered)
            await asyncio.sleep(PAUSE)
    return [
        _row("from sending a decision to the tool, p50", median, ours.since_sent, theirs.since_sent),
        _row("from sending a decision to the tool, p95", slow, ours.since_sent, theirs.since_sent),
        # Beside nothing: the raw workflow starts its activity with its answer, and which of them is first is chance.
        _alone("from the answer (200) to the tool, p50", median, ours.since_answered),
        _alone("from the answer (200) to the tool, p95", slow, ours.since_answered),
    ]


def _row(figure: str, of: Callable[[list[float]], float], ours: list[float], theirs: list[float]) -> Row:
    return Row(figure=figure, ours=of(ours) * 1000, baseline=of(theirs) * 1000, unit="ms", against=AGAINST, n=len(ours))


def _alone(figure: str, of: Callable[[list[float]], float], ours: list[float]) -> Row:
    return Row(figure=figure, ours=of(ours) * 1000, unit="ms", n=len(ours))


def _approval(bot: Http, run_id: str) -> dict[str, Any]:
    return until(bot, f"/runs/{run_id}", lambda run: run["pending"])["pending"][0]


async def _begun(stage: Stage, name: str) -> float:
    """Returns when the tool began."""
    while True:
        found = stage.times(name)
        if found:
            return found[0][1]
        await asyncio.sleep(0.02)


async def _start(temporal: Client, stage: Stage) -> str:
    name = uuid.uuid4().hex
    await temporal.start_workflow(RawRelease.run, {"name": name}, id=f"raw-{name}", task_queue=stage.raw_queue)
    return name


async def _update(temporal: Client, name: str) -> None:
    handle = temporal.get_workflow_handle_for(RawRelease.run, f"raw-{name}")
    await handle.execute_update(  # pyright: ignore[reportUnknownMemberType] - Temporal's overloads
        RawRelease.decide, Decision("approve", "sha256:0"), id=uuid.uuid4().hex
    )
