"""Records the golden histories of `Approval`, one a shape; run it by hand when a new shape appears.

`python tests/replay/record.py` starts a server of its own and writes `histories/approval-SHAPE.json` for shapes that
have none. A history that is there is never written again: it stands for approvals that wait in production for weeks.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, cast

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError

from placet.contracts.reconciling import RECONCILER
from placet.engine.connection import data_converter
from placet_testing.approval_stage import CALL, QUESTION, Handle, Stage, decision, send, until
from placet_testing.local_temporal import local_temporal

HISTORIES: Final = Path(__file__).parent / "histories"
ACCEPTED: Final = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
STALE: Final = decision("approve", "stale", digest="sha256:other")
Shape = Callable[[Stage], Awaitable[Handle]]


async def decided(stage: Stage, given: dict[str, Any], sent: dict[str, Any] = CALL, **changed: Any) -> Handle:
    async with stage.worker():
        handle = await stage.ask(sent, **changed)
        asked = (await stage.pending(handle)).asked
        await send(handle, {**given, "digest": asked.args.digest}, id=given["decision_id"])
        await handle.result()
    return handle


async def approved(stage: Stage) -> Handle:
    return await decided(stage, decision("approve", "d1"))


async def edited(stage: Stage) -> Handle:
    return await decided(stage, decision("edit", "d1", args={"amount": 5}, message="less"))


async def rejected(stage: Stage) -> Handle:
    return await decided(stage, decision("reject", "d1", message="no"))


async def responded(stage: Stage) -> Handle:
    return await decided(stage, decision("respond", "d1", message="It was refunded yesterday."))


async def answered(stage: Stage) -> Handle:
    return await decided(stage, decision("answer", "d1", answers={"q1": {"options": ["2", "1"]}}), QUESTION)


async def skipped(stage: Stage) -> Handle:
    return await decided(stage, decision("skip", "d1"), QUESTION, allow_skip=True)


async def never_expiring(stage: Stage) -> Handle:
    return await decided(stage, decision("approve", "d1"), expires_after="never")


async def expired(stage: Stage) -> Handle:
    async with stage.worker():
        handle = await stage.ask(expires_after="1s")
        await handle.result()
    return handle


async def cancelled(stage: Stage) -> Handle:
    async with stage.worker():
        handle = await stage.ask()
        await stage.pending(handle)
        await handle.cancel()
        await handle.result()
    return handle


async def withdrawn(stage: Stage) -> Handle:
    async with stage.worker():
        handle = await stage.ask()
        await stage.pending(handle)
        await send(handle, {"by": "user:lee", "reason": "not needed"}, "cancel")
        await handle.result()
    return handle


async def superseded(stage: Stage) -> Handle:
    async with stage.worker():
        handle = await stage.ask()
        await stage.pending(handle)
        await handle.signal("cancel", {"status": "superseded"})
        await handle.result()
    return handle


async def superseded_after_a_reset(stage: Stage) -> Handle:
    """As the reconciler withdraws it, sealed, and somebody decides too late."""
    async with stage.worker():
        handle = await stage.ask()
        await stage.pending(handle)
    given = {"id": "superseded", "status": "superseded", "by": RECONCILER, "reason": "reset", "seal": "0" * 64}
    await handle.signal("cancel", given)
    await handle.signal("decide", decision("approve", "d1"))
    async with stage.worker():
        await handle.result()
    return handle


async def two_at_once_by_signal(stage: Stage) -> Handle:
    handle = await stage.ask()
    await handle.signal("decide", decision("reject", "d1"))
    await handle.signal("decide", decision("approve", "d2", by="user:lee"))
    async with stage.worker():
        await handle.result()
    return handle


async def two_at_once_by_update(stage: Stage) -> Handle:
    async with stage.worker():
        handle = await stage.ask()
        await stage.pending(handle)
        stage.ledger.open.clear()
        await asyncio.gather(*(send(handle, decision("approve", f"d{nth}"), id=f"d{nth}") for nth in range(2)))
        stage.ledger.open.set()
        await handle.result()
    return handle


async def worker_gone(stage: Stage) -> Handle:
    """An early decision, the deadline and a late one, all while nobody was there."""
    async with stage.worker():
        handle = await stage.ask(expires_after="3s")
        asked = (await stage.pending(handle)).asked
    await handle.signal("decide", decision("approve", "early"))
    await stage.pass_time(handle, asked.expires_at)
    await handle.signal("decide", decision("reject", "late"))
    async with stage.worker():
        await handle.result()
    return handle


async def worker_gone_and_too_late(stage: Stage) -> Handle:
    async with stage.worker():
        handle = await stage.ask(expires_after="2s")
        asked = (await stage.pending(handle)).asked
    await stage.pass_time(handle, asked.expires_at)
    await handle.signal("decide", decision("reject", "late"))
    await handle.cancel()
    async with stage.worker():
        await handle.result()
    return handle


async def cancelled_in_the_first_task(stage: Stage) -> Handle:
    handle = await stage.ask(expires_after="1s")
    await handle.cancel()
    await stage.pass_time(handle, (await handle.describe()).start_time + stage.lifetime("1s"))
    async with stage.worker():
        await handle.result()
    return handle


async def updates_that_met_a_queue(stage: Stage) -> Handle:
    stage.reader.may_read.clear()
    async with stage.worker():
        handle = await stage.ask()
        await stage.pending(handle)
        await handle.signal("decide", STALE)
        await stage.reader.came.wait()
        waits = [asyncio.create_task(send(handle, decision("reject", f"u{nth}"))) for nth in range(2)]
        await stage.recorded(handle, ACCEPTED, 2)
        await handle.cancel()
        stage.reader.may_read.set()
        await asyncio.gather(*waits)
        await handle.result()
    return handle


async def cancelled_while_the_end_was_recorded(stage: Stage) -> Handle:
    async with stage.worker():
        handle = await stage.ask()
        await stage.pending(handle)
        stage.ledger.open.clear()
        await send(handle, decision("approve", "d1"))
        await until(lambda: stage.ledger.held == 1, "the record has begun")
        await handle.cancel()
        await handle.signal("decide", decision("reject", "d2"))
        await stage.task_completed_after(handle, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)
        stage.ledger.open.set()
        await handle.result()
    return handle


async def ledger_that_had_lost_the_row(stage: Stage) -> Handle:
    async with stage.worker():
        handle = await stage.ask()
        await stage.pending(handle)
        stage.ledger.forget()
        await send(handle, decision("approve", "d1"))
        await handle.result()
    return handle


async def wrong_input(stage: Stage) -> Handle:
    async with stage.worker():
        handle = await stage.ask(expires_after="999999999w")
        try:
            await handle.result()
        except WorkflowFailureError:
            return handle
    message = "wrong input was taken"
    raise AssertionError(message)


SHAPES: Final[tuple[Shape, ...]] = (
    *(approved, edited, rejected, responded, answered, skipped, never_expiring),
    *(expired, cancelled, withdrawn, superseded, superseded_after_a_reset),
    *(two_at_once_by_signal, two_at_once_by_update, updates_that_met_a_queue),
    *(worker_gone, worker_gone_and_too_late, cancelled_in_the_first_task),
    *(cancelled_while_the_end_was_recorded, ledger_that_had_lost_the_row, wrong_input),
)


def path_of(shape: Shape) -> Path:
    """Returns the file of a shape."""
    return HISTORIES / f"approval-{getattr(shape, '__name__', '').replace('_', '-')}.json"


def without_traces(node: object) -> object:
    """Returns a history without stack traces, which name files of the machine that recorded it."""
    if isinstance(node, dict):
        members = cast("dict[str, object]", node)
        return {key: without_traces(value) for key, value in members.items() if key != "stackTrace"}
    if isinstance(node, list):
        return [without_traces(item) for item in cast("list[object]", node)]
    return node


async def record(address: str, shape: Shape) -> str:
    """Lets one shape happen and returns its history as text."""
    client = await Client.connect(address, data_converter=data_converter(), identity="recorder")
    handle = await shape(Stage(client, f"record-{uuid.uuid4().hex[:8]}"))
    history = await handle.fetch_history()
    return json.dumps(without_traces(history.to_json_dict()), indent=1) + "\n"


def main() -> None:
    """Starts a server, records what is missing, and stops the server."""
    missing = [shape for shape in SHAPES if not path_of(shape).exists()]
    folder = Path(tempfile.mkdtemp(prefix="placet-record-"))
    try:
        with local_temporal(folder) as address:
            for shape in missing:
                path_of(shape).write_text(asyncio.run(record(address, shape)), "utf-8")
                print(path_of(shape).name)  # noqa: T201 - a program: it prints
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
