"""One conversation with a version of the Python SDK: `conversation.py URL REQUESTER_KEY APPROVER_KEY OTHER_KEY TEXT`.

Says what it saw as one JSON document; the test holds it against what must be.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import httpx
from langgraph_sdk import get_sync_client

QUESTIONS = [{"question": "Which?", "options": ["Savings", "Current"]}]
url, requester_key, approver_key, other_key, text = sys.argv[1:]
requester: Any = get_sync_client(url=url, api_key=requester_key)
approver: Any = get_sync_client(url=url, api_key=approver_key)
other: Any = get_sync_client(url=url, api_key=other_key)
approve = {"decisions": [{"type": "approve"}]}
report: dict[str, Any] = {"version": version("langgraph-sdk")}


def script(*names: str) -> dict[str, Any]:
    """Returns the input of a run with a turn of one call for each name."""
    return turns(*([{"tool": "send", "args": {"text": f"{text}-{name}"}}] for name in names))


def turns(*calls: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the input of a run with these calls, turn by turn."""
    return {"messages": [{"type": "human", "id": str(uuid.uuid4()), "content": json.dumps(calls)}]}


def waiting(*names: str) -> tuple[str, Any, list[str]]:
    """Streams a run to its interrupt, and returns the thread, the interrupt and what came."""
    thread = requester.threads.create(metadata={"graph_id": "desk"})["thread_id"]
    parts = list(requester.runs.stream(thread, "desk", input=script(*names), stream_mode="values"))
    (interrupt,) = parts[-2].data["__interrupt__"]
    return thread, interrupt, [part.event for part in parts]


def status_of(action: Callable[[], object]) -> int | None:
    """Returns the status with which something is refused."""
    try:
        action()
    except httpx.HTTPStatusError as error:
        return error.response.status_code
    return None


# Created, streamed to the interrupt, reloaded, searched.
thread, interrupt, events = waiting("keyed", "bare")
report["events"] = [events[0], events[-1]]
report["status"] = approver.threads.get(thread)["status"]
state = approver.threads.get_state(thread)
report["next"] = state["next"]
report["same"] = state["tasks"][-1]["interrupts"][-1]["id"] == interrupt["id"]
report["history"] = len(approver.threads.get_history(thread))
found = approver.threads.search(metadata={"graph_id": "desk"}, status="interrupted", limit=100)
report["found"] = thread in {one["thread_id"] for one in found}

# Answered by id, then bare; answered again; answered too late.
keyed = approver.runs.wait(thread, "desk", command={"resume": {interrupt["id"]: approve}})
report["other"] = keyed["__interrupt__"][0]["id"] != interrupt["id"]
bare = approver.runs.create(thread, "desk", command={"resume": approve})
report["done"] = approver.runs.join(thread, bare["run_id"])["messages"][-1]["content"]
report["again"] = approver.runs.create(thread, "desk", command={"resume": approve})["run_id"] == bare["run_id"]
rejection = {interrupt["id"]: {"decisions": [{"type": "reject"}]}}
report["late"] = status_of(lambda: approver.runs.wait(thread, "desk", command={"resume": rejection}))
report["listed"] = [run["status"] for run in approver.runs.list(thread)]

# Answered in every other form, a question too; raced for.
one, _, _ = waiting("one")
approver.threads.get(one)
report["one"] = approver.runs.wait(one, "desk", command={"resume": {"type": "approve"}})["messages"][-1]["content"]
accepted, _, _ = waiting("accepted")
approver.threads.get(accepted)
old_accept = [{"type": "accept", "args": None}]
report["accepted"] = approver.runs.wait(accepted, "desk", command={"resume": old_accept})["messages"][-1]["content"]
asked = requester.threads.create(metadata={"graph_id": "desk"})["thread_id"]
requester.runs.wait(asked, "desk", input=turns([{"tool": "ask_human", "args": {"questions": QUESTIONS}}]))
approver.threads.get(asked)
report["question"] = "Current" in str(approver.runs.wait(asked, "desk", command={"resume": "current"}))
raced, interrupt, _ = waiting("raced")
answer = {"resume": {interrupt["id"]: approve}}
racers = [lambda client=client: client.runs.wait(raced, "desk", command=answer) for client in (approver, other)]
with ThreadPoolExecutor(2) as pool:
    report["raced"] = sorted(str(status) for status in pool.map(status_of, racers))

# Rejected in the old form, resolved, stopped.
old, interrupt, _ = waiting("old")
ignored = approver.runs.wait(old, "desk", command={"resume": {interrupt["id"]: [{"type": "ignore", "args": None}]}})
report["ignored"] = ignored["messages"][-1]["content"].split(".")[0]
resolved, _, _ = waiting("resolved")
approver.threads.update_state(resolved, None, as_node="__end__")
stopped, _, _ = waiting("stopped")
(run,) = requester.runs.list(stopped)
report["stranger"] = status_of(lambda: approver.runs.cancel(stopped, run["run_id"]))
requester.runs.cancel(stopped, run["run_id"], wait=True)
report["stopped"] = requester.threads.get(stopped)["status"]
report["unknown"] = status_of(lambda: requester.threads.get(str(uuid.uuid4())))
sys.stdout.write(json.dumps(report))
