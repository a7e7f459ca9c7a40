"""Records the golden histories of `AgentRun`, one a shape; run it by hand when a new shape appears.

`python tests/replay/record_runs.py ADDRESS [SHAPE…]` writes `histories/run-SHAPE.json` for shapes that have
none. A history that is there is never written again: it stands for runs that wait in production.
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, cast

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from placet.contracts.approvals import Asked
from placet.contracts.calls import Terms
from placet.contracts.questions import ASK_HUMAN
from placet.contracts.reconciling import RECONCILER
from placet.contracts.runs import RunInput
from placet.engine.connection import data_converter
from placet_testing.fake_effects import FakeEffects, a_call, a_question

HISTORIES: Final = Path(__file__).parent / "histories"

Run = WorkflowHandle[Any, Any]
Steps = Callable[[Client, FakeEffects, Run], Awaitable[None]]


async def decide(client: Client, asked: Asked, kind: str, **fields: object) -> None:
    """Decides on an approval by its Update."""
    handle = client.get_workflow_handle(f"approval-{asked.id}")
    body = {"type": kind, "digest": asked.args.digest, "by": "user:dana", **fields}
    await handle.execute_update("decide", body)  # pyright: ignore[reportUnknownMemberType]


def says(kind: str, **fields: object) -> Steps:
    """Returns the steps that decide on the first call."""

    async def steps(client: Client, effects: FakeEffects, run: Run) -> None:
        del run
        await decide(client, await effects.approval_of(0), kind, **fields)

    return steps


def answers(option: str) -> Steps:
    """Returns the steps that say what became of an uncertain call."""

    async def steps(client: Client, effects: FakeEffects, run: Run) -> None:
        del run
        asked = await effects.approval_of(0, kind="question")
        await decide(client, asked, "answer", answers={"what_happened": {"options": [option]}})

    return steps


async def nothing(client: Client, effects: FakeEffects, run: Run) -> None:
    """Lets the run go on by itself."""
    del client, effects, run


async def crosswise(client: Client, effects: FakeEffects, run: Run) -> None:
    """Decides on the second call before the first."""
    del run
    first, second = await effects.approval_of(0), await effects.approval_of(1)
    await decide(client, second, "approve")
    await decide(client, first, "reject")


async def cancelled(client: Client, effects: FakeEffects, run: Run) -> None:
    """Cancels the run while two approvals wait."""
    del client
    await effects.approval_of(0)
    await effects.approval_of(1)
    await run.cancel(reason="no longer needed")


async def door(client: Client, effects: FakeEffects, run: Run) -> None:
    """Lets policy change its mind between the verdict and the door."""
    del run
    await effects.until(lambda: bool(effects.ran))
    effects.verdicts["refund"] = "ask"
    effects.hold["refund"].set()
    await decide(client, await effects.approval_of(0), "approve")


def gated(*, calls: int = 1, terms: Terms | None = None) -> FakeEffects:
    """Returns a turn of calls that all ask."""
    turn = [a_call(index, "refund", cents=index) for index in range(calls)]
    return FakeEffects([turn], verdicts={"refund": "ask"}, terms=terms or Terms())


def uncertain() -> FakeEffects:
    """Returns a turn whose call is left uncertain once."""
    effects = FakeEffects([[a_call(0, "refund", cents=1)]])
    effects.outcomes["refund"].append("uncertain")
    return effects


def asked_at_the_door() -> FakeEffects:
    """Returns a turn whose call is allowed in its turn and asked at the door."""
    effects = FakeEffects([[a_call(0, "refund", cents=1)]], hold={"refund": asyncio.Event()})
    effects.outcomes["refund"].append("ask")
    return effects


def asking(**frame: object) -> FakeEffects:
    """Returns a turn that asks people."""
    which = {"question": "Which one?", "options": ["Left", "Right"]}
    return FakeEffects([[a_question(0, which, **frame)]], verdicts={ASK_HUMAN: "ask"})


async def chosen(client: Client, effects: FakeEffects, run: Run) -> None:
    """Answers the question."""
    del run
    asked = await effects.approval_of(0, kind="question")
    await decide(client, asked, "answer", answers={"q1": {"options": ["2"]}})


async def skipped(client: Client, effects: FakeEffects, run: Run) -> None:
    """Leaves the question open."""
    del run
    await decide(client, await effects.approval_of(0, kind="question"), "skip")


def two_turns() -> FakeEffects:
    """Returns two turns of a call that asks nobody."""
    return FakeEffects([[a_call(0, "find")], [a_call(0, "find")]])


def judged_with_the_answer() -> FakeEffects:
    """Returns a turn that policy has judged before the run learns of it: one call of each effect."""
    calls = [a_call(0, "find"), a_call(1, "drop"), a_call(2, "refund", cents=1)]
    return FakeEffects([calls], verdicts={"drop": "deny", "refund": "ask"}, answers_judged=True)


async def third(client: Client, effects: FakeEffects, run: Run) -> None:
    """Approves the call that is asked about."""
    del run
    await decide(client, await effects.approval_of(2), "approve")


def changed_tool() -> FakeEffects:
    """Returns a turn whose tool changes while its call waits."""
    effects = gated()
    effects.outcomes["refund"].append("changed")
    return effects


async def again(client: Client, effects: FakeEffects, run: Run) -> None:
    """Edits the call, and approves it as the tool is now."""
    del run
    first = await effects.approval_of(0)
    await decide(client, first, "edit", args={"cents": 7})
    await effects.until(lambda: first.id in effects.ended)
    await decide(client, await effects.approval_of(0), "approve")


async def reset(client: Client, effects: FakeEffects, run: Run) -> None:
    """Takes the run back to before it asked, and approves what it asks then."""
    orphan = await effects.approval_of(0)
    done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    tasks = [event.event_id async for event in run.fetch_history_events() if event.event_type == done]
    request = ResetWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=run.id),
        reason="try again",
        workflow_task_finish_event_id=tasks[1],
        request_id=uuid.uuid4().hex,
    )
    await client.workflow_service.reset_workflow_execution(request)
    given = {"id": "superseded", "status": "superseded", "by": RECONCILER}
    await client.get_workflow_handle(f"approval-{orphan.id}").signal("cancel", given)
    await effects.until(lambda: orphan.id in effects.ended)
    await decide(client, await effects.approval_of(0), "approve")


SHAPES: Final[dict[str, tuple[Callable[[], FakeEffects], Steps]]] = {
    "allowed": (lambda: FakeEffects([[a_call(0, "find")], [a_call(0, "find"), a_call(1, "find")]]), nothing),
    "denied": (lambda: FakeEffects([[a_call(0, "drop")]], verdicts={"drop": "deny"}), nothing),
    "approved": (gated, says("approve")),
    "edited": (gated, says("edit", args={"cents": 7})),
    "rejected": (gated, says("reject", message="no")),
    "responded": (gated, says("respond", message="it was done by hand")),
    "expired": (lambda: gated(terms=Terms(expires_after="1s")), nothing),
    "aborted": (lambda: gated(calls=2, terms=Terms(expires_after="1s", on_expiry="abort")), nothing),
    "crosswise": (lambda: gated(calls=2), crosswise),
    "cancelled": (lambda: gated(calls=2), cancelled),
    "uncertain-ran": (uncertain, answers("ran")),
    "uncertain-not-run": (uncertain, answers("not_run")),
    "uncertain-stop": (uncertain, answers("stop")),
    "asked-at-the-door": (asked_at_the_door, door),
    "question-answered": (asking, chosen),
    "question-skipped": (lambda: asking(allow_skip=True, context={"order": 7}), skipped),
    "question-denied": (lambda: FakeEffects(asking().turns, verdicts={ASK_HUMAN: "deny"}), nothing),
    "history-that-goes-on": (two_turns, nothing),
    "history-gone-on-with": (two_turns, nothing),
    "asked-again": (changed_tool, again),
    "judged-with-the-answer": (judged_with_the_answer, third),
    "reset": (gated, reset),
    "model-failed": (lambda: FakeEffects([], model_fails=True), nothing),
}


async def record(client: Client, shape: str) -> str:
    """Returns the history of a run of that shape, as JSON."""
    make, steps = SHAPES[shape]
    effects = make()
    run_id, queue = f"run-{uuid.uuid4()}", f"golden-{uuid.uuid4().hex[:8]}"
    given = RunInput(
        run_id=run_id,
        agent="clerk",
        thread_id="thread",
        input_turn="input",
        requester="user:dana",
        turns_a_history=1 if shape.startswith("history-") else None,
    )
    async with effects.worker(client, queue):
        run: Run = await client.start_workflow("AgentRun", given, id=run_id, task_queue=queue)
        await steps(client, effects, run)
        if shape == "reset":
            run = client.get_workflow_handle(run.id)
        try:
            await run.result()
        except WorkflowFailureError:
            if shape not in {"cancelled", "model-failed"}:
                raise
    if shape == "history-that-goes-on":
        run = client.get_workflow_handle(run.id, run_id=run.first_execution_run_id)
    history: object = json.loads((await run.fetch_history()).to_json())
    return json.dumps(without_traces(history), indent=1)


def without_traces(value: object) -> object:
    """Returns a history without what names the machine that it was recorded on."""
    if isinstance(value, list):
        return [without_traces(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        hidden = {"stackTrace": "", "identity": "worker"}
        return {key: hidden[key] if key in hidden else without_traces(item) for key, item in members.items()}
    return value


async def main(address: str, shapes: list[str]) -> None:
    """Records what has no history yet."""
    client = await Client.connect(address, data_converter=data_converter())
    for shape in shapes or list(SHAPES):
        path = HISTORIES / f"run-{shape}.json"
        if not path.exists():
            path.write_text(await record(client, shape), encoding="utf-8")
            sys.stdout.write(f"{path.name}\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
