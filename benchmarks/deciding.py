"""How long a decision takes over HTTP, and how many go in a second, beside raw Updates of a hand-written workflow."""

from __future__ import annotations

import asyncio
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from raw_workflows import Decision, RawApproval
from stage import APPROVAL, Http, Stage
from table import Row, median, slow
from temporalio.client import Client, WorkflowHandle

Raw = WorkflowHandle[RawApproval, dict[str, Any]]

PAUSE: Final = 0.1
"""Seconds after each: what an approval does after its answer, the record, must not slow the next one."""
WARM_UP: Final = 10
AIM: Final = "÷ ≤ 1.25"
AGAINST: Final = "raw Temporal Update"


async def one_by_one(stage: Stage, count: int) -> list[Row]:
    """Measures single decisions, each beside a raw Update, whichever is first by turns."""
    http = stage.http("dana")
    asked = _ask(stage, count + WARM_UP)
    raw = await _start(stage, await stage.temporal(), count + WARM_UP)
    await asyncio.sleep(2)
    ours: list[float] = []
    theirs: list[float] = []
    for number, (approval, handle) in enumerate(zip(asked, raw, strict=True)):
        for which in (0, 1) if number % 2 else (1, 0):
            began = time.perf_counter()
            if which:
                http.decide(approval)
            else:
                await _update(handle)
            (ours if which else theirs).append(time.perf_counter() - began)
            await asyncio.sleep(PAUSE)
    ours, theirs = ours[WARM_UP:], theirs[WARM_UP:]
    return [
        Row(
            figure=f"a decision over HTTP, {name}",
            ours=of(ours) * 1000,
            baseline=of(theirs) * 1000,
            unit="ms",
            against=AGAINST,
            aim=AIM,
            n=count,
        )
        for name, of in (("p50", median), ("p95", slow))
    ]


async def at_once(stage: Stage, count: int, concurrency: int, rounds: int) -> Row:
    """Measures decisions per second of many people, in blocks by turns with raw Updates."""
    temporal = await stage.temporal()
    people = [stage.http("dana") for _ in range(concurrency)]
    spent = {"ours": 0.0, "theirs": 0.0}
    with ThreadPoolExecutor(concurrency) as threads:
        for turn in range(rounds):
            asked = await asyncio.get_running_loop().run_in_executor(threads, _ask, stage, count)
            raw = await _start(stage, temporal, count)
            await asyncio.sleep(2)
            for which in ("ours", "theirs") if turn % 2 else ("theirs", "ours"):
                began = time.perf_counter()
                if which == "ours":
                    await _decide_all(threads, people, asked)
                else:
                    await _update_all(raw, concurrency)
                spent[which] += time.perf_counter() - began
                await asyncio.sleep(3)
    return Row(
        figure=f"decisions a second, {concurrency} at once",
        ours=count * rounds / spent["ours"],
        baseline=count * rounds / spent["theirs"],
        unit="/s",
        against=AGAINST,
        n=count * rounds,
    )


async def _decide_all(threads: ThreadPoolExecutor, people: list[Http], asked: list[dict[str, Any]]) -> None:
    def share(place: int) -> None:
        for approval in asked[place :: len(people)]:
            people[place].decide(approval)

    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.run_in_executor(threads, share, place) for place in range(len(people))))


async def _update_all(raw: list[Raw], concurrency: int) -> None:
    async def share(place: int) -> None:
        for handle in raw[place::concurrency]:
            await _update(handle)

    await asyncio.gather(*(share(place) for place in range(concurrency)))


def _ask(stage: Stage, count: int) -> list[dict[str, Any]]:
    http = stage.http("bot")
    return [http.post("/approvals", APPROVAL) for _ in range(count)]


async def _start(stage: Stage, temporal: Client, count: int) -> list[Raw]:
    call = {"tool": APPROVAL["tool"], "args": APPROVAL["args"]}
    return [
        await temporal.start_workflow(RawApproval.run, call, id=f"raw-{uuid.uuid4()}", task_queue=stage.raw_queue)
        for _ in range(count)
    ]


async def _update(handle: Raw) -> None:
    decision = Decision("approve", "sha256:0")
    await handle.execute_update(  # pyright: ignore[reportUnknownMemberType] - Temporal's overloads
        RawApproval.decide, decision, id=uuid.uuid4().hex
    )
