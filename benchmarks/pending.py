"""How many bytes of disk an approval takes that waits for a person."""

from __future__ import annotations

import uuid

from raw_workflows import RawApproval
from stage import APPROVAL, Stage, quiet
from table import Row


async def bytes_waiting(stage: Stage, count: int) -> list[Row]:
    """Measures many that wait, beside as many hand-written workflows that wait with the same arguments."""
    quiet(stage.temporal_bytes, stage.ledger_bytes)
    temporal, ledger = stage.temporal_bytes(), stage.ledger_bytes()
    http = stage.http("bot")
    for _ in range(count):
        http.post("/approvals", APPROVAL)
    quiet(stage.temporal_bytes, stage.ledger_bytes)
    ours, kept = stage.temporal_bytes() - temporal, stage.ledger_bytes() - ledger
    client = await stage.temporal()
    before = stage.temporal_bytes()
    call = {"tool": APPROVAL["tool"], "args": APPROVAL["args"]}
    for _ in range(count):
        await client.start_workflow(RawApproval.run, call, id=f"raw-{uuid.uuid4()}", task_queue=stage.raw_queue)
    quiet(stage.temporal_bytes)
    theirs = stage.temporal_bytes() - before
    return [
        Row(
            figure="bytes of a pending approval in Temporal",
            ours=ours / count,
            baseline=theirs / count,
            unit="B",
            against="raw workflow that waits",
            n=count,
        ),
        Row(figure="bytes of a pending approval in the ledger", ours=kept / count, unit="B", n=count),
    ]
