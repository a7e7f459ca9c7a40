"""Histories of what was harmed: each replays under the code that it ran on, and those of a new shape can be kept.

A step is what a workflow was told since its last task, and what it did upon it. The shape of a history is the set of
its steps: ids, times, texts, the number of turns, and in which order came what came at once make no difference.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
from collections.abc import AsyncIterator, Collection, Generator, Iterable
from datetime import datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final, cast

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from placet.engine.connection import data_converter
from placet.worker import WORKFLOWS, runner
from placet_testing.processes import PLACET, Processes

KEEP: Final = "PLACET_FAULT_HISTORIES"
"""The variable that names the folder for histories of new shapes."""
GOLDEN: Final = Path(__file__).parents[3] / "replay" / "histories"
Event = dict[str, Any]
Shape = frozenset[str]
_OURS: Final = ("AgentRun", "GraphRun", "Approval")
_SILENT: Final = frozenset({"WORKFLOW_TASK_SCHEDULED", "WORKFLOW_TASK_STARTED", "WORKFLOW_EXECUTION_STARTED"})
_COMMANDS: Final = frozenset(
    {
        *("ACTIVITY_TASK_SCHEDULED", "ACTIVITY_TASK_CANCEL_REQUESTED", "TIMER_STARTED", "TIMER_CANCELED"),
        *("START_CHILD_WORKFLOW_EXECUTION_INITIATED", "REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED"),
        *("WORKFLOW_EXECUTION_COMPLETED", "WORKFLOW_EXECUTION_FAILED", "WORKFLOW_EXECUTION_CANCELED"),
        *("WORKFLOW_EXECUTION_CONTINUED_AS_NEW", "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES", "MARKER_RECORDED"),
        *("WORKFLOW_EXECUTION_UPDATE_ACCEPTED", "WORKFLOW_EXECUTION_UPDATE_COMPLETED"),
    }
)


def shape_of(history: dict[str, Any]) -> Shape:
    """Returns the steps of a history that was read from its JSON."""
    events: list[Event] = history["events"]
    (kind,) = _types(events[:1])
    by_id = {event["eventId"]: event for event in events}
    steps, told, coming, done = set[str](), list[str](), list[str](), list[str]()
    for event in events:
        name = event["eventType"].removeprefix("EVENT_TYPE_")
        if name == "WORKFLOW_TASK_COMPLETED":
            steps.add(_step(kind, told, done))
            told, coming, done = coming, [], []
        elif name in _COMMANDS:
            _append(done, _named(name, event, by_id))
        elif name == "ACTIVITY_TASK_STARTED":
            if _attributes(event).get("attempt", 1) > 1:
                _append(coming, _named("ACTIVITY_TASK_STARTED_AGAIN", event, by_id))
        elif name not in _SILENT:
            _append(coming, _named(name, event, by_id))
    return frozenset({*steps, _step(kind, told, done)})


@cache
def golden_steps() -> set[str]:
    """Returns every step that some golden history shows."""
    return steps_in(GOLDEN)


def steps_in(folder: Path) -> set[str]:
    """Returns every step that some history in a folder shows."""
    return {step for file in folder.glob("*.json") for step in shape_of(json.loads(file.read_text("utf-8")))}


def cleaned(node: object) -> object:
    """Returns a history without what names the machine that it happened on."""
    if isinstance(node, dict):
        members = cast("dict[str, object]", node)
        return {
            key: "recorder" if key == "identity" else cleaned(value)
            for key, value in members.items()
            if key not in {"stackTrace", "buildId"}
        }
    return [cleaned(item) for item in cast("list[object]", node)] if isinstance(node, list) else node


async def histories_of(site: Processes, since: datetime | None = None) -> list[WorkflowHistory]:
    """Returns the histories of all runs and approvals on a deployment's queue; those before a reset too."""
    client = await site.temporal_client()
    query = f"TaskQueue = '{site.task_queue}'" + (f" AND StartTime >= '{since.isoformat()}'" if since else "")
    return [
        await client.get_workflow_handle(found.id, run_id=found.run_id).fetch_history()
        async for found in client.list_workflows(query)
        if found.workflow_type in _OURS
    ]


def keep_all_of(site: Processes) -> None:
    """Keeps the new shapes among all that happened on a deployment, where a folder for them is named."""
    if os.environ.get(KEEP):
        asyncio.run(_keep_all_of(site))


async def _keep_all_of(site: Processes) -> None:
    await keep(await histories_of(site))


async def check_replays(site: Processes, since: datetime, begun: Collection[str]) -> None:
    """Whatever began since then goes on as it began under the code that it runs on; new shapes are kept.

    Args:
        site: Where it happened.
        since: When it began.
        begun: Ids of workflows that are among it.
    """
    histories = await histories_of(site, since)
    missing = set(begun) - {history.workflow_id for history in histories}
    assert not missing, f"of these there is no history: {missing}"
    failures = await failures_of(histories, _workflows_of(site))
    assert failures == {}, failures
    await keep(histories)


async def keep(histories: list[WorkflowHistory]) -> None:
    """Keeps histories that have ended and are of a new shape in the folder that the environment names, if it names one.

    Short ones come first. What only code of a test's own replays is not kept.
    """
    if not (folder := os.environ.get(KEEP)):
        return
    foreign = await failures_of(histories, WORKFLOWS)
    for history in sorted(histories, key=lambda one: len(one.events)):
        read = history.to_json_dict()
        if history.run_id not in foreign and _has_ended(read) and is_new(read, Path(folder)):
            write(read, Path(folder))


async def failures_of(histories: list[WorkflowHistory], workflows: Any) -> dict[str, Exception]:
    """Returns why histories do not replay, by the id of their execution."""

    async def each() -> AsyncIterator[WorkflowHistory]:
        for history in histories:
            yield history

    # A step takes as long as a busy machine needs: in debug mode the SDK looks for no deadlock.
    replayer = Replayer(
        workflows=workflows, workflow_runner=runner(), data_converter=data_converter(), build_id="now", debug_mode=True
    )
    results = await replayer.replay_workflows(each(), raise_on_replay_failure=False)
    return dict(results.replay_failures)


def is_new(history: dict[str, Any], folder: Path) -> bool:
    """Whether a history has a step that neither a golden one has nor one in the folder."""
    return not shape_of(history) <= golden_steps() | steps_in(folder)


def write(history: dict[str, Any], folder: Path) -> None:
    """Writes a history into a folder, without what names the machine."""
    folder.mkdir(parents=True, exist_ok=True)
    (kind,) = _types(history["events"][:1])
    written = folder / f".{os.getpid()}"
    written.write_text(json.dumps(cleaned(history), indent=1) + "\n", "utf-8")
    for number in count(len(list(folder.glob("*.json")))):
        # Another process may keep one at the same moment.
        with contextlib.suppress(FileExistsError):
            (folder / f"{kind}-{number:03}.json").hardlink_to(written)
            break
    written.unlink()


def _workflows_of(site: Processes) -> Any:
    if site.worker_program == PLACET:
        return WORKFLOWS
    return (importlib.import_module(site.worker_program).ShortHistories, *WORKFLOWS[1:])


def _has_ended(history: dict[str, Any]) -> bool:
    last = history["events"][-1]["eventType"].removeprefix("EVENT_TYPE_")
    return last in _COMMANDS and last.startswith("WORKFLOW_EXECUTION")


def _step(kind: str, told: list[str], done: list[str]) -> str:
    return f"{kind}: {', '.join(sorted(set(told))) or 'nothing'} → {', '.join(done) or 'nothing'}"


def _append(names: list[str], name: str) -> None:
    """Adds a name; several of one kind in a row are one."""
    if names[-1:] != [name]:
        names.append(name)


def _named(name: str, event: Event, by_id: dict[str, Event]) -> str:
    """Returns an event's name, and of what: an activity, a child, a handler, or the cause of a failed task."""
    attributes = _attributes(event)
    begun = attributes.get("scheduledEventId") or attributes.get("initiatedEventId")
    of = _types([event]) or (_types([by_id[begun]]) if begun in by_id else [])
    return " ".join([name.removeprefix("WORKFLOW_EXECUTION_").replace("_", " ").lower(), *of])


def _types(events: Iterable[Event]) -> list[str]:
    return list(_types_of(events))


def _types_of(events: Iterable[Event]) -> Generator[str]:
    for attributes in map(_attributes, events):
        named = attributes.get("activityType") or attributes.get("workflowType")
        asked = attributes.get("acceptedRequest", {}).get("input", {})
        found = named["name"] if named else attributes.get("signalName") or asked.get("name")
        found = found or (attributes.get("cause") if "failure" in attributes else None)
        if found:
            yield str(found)


def _attributes(event: Event) -> dict[str, Any]:
    found = [value for key, value in event.items() if key.endswith("EventAttributes")]
    return found[0] if found else Event()
