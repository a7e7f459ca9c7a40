"""A run that something breaks in the middle, by a version of the Python SDK: `reconnect.py URL KEY TEXT`.

Goes on by itself where the SDK does so, and else from the last id that it has, if it gives one; where a crash left it
open whether a tool ran, it says that it did not. Says every event that came, in order, part by part of the run.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from typing import Any

import httpx
from langgraph_sdk import get_sync_client

MODES = ["values", "updates"]
MOST = 120
url, key, text = sys.argv[1:]
client: Any = get_sync_client(url=url, api_key=key)
thread = client.threads.create(metadata={"graph_id": "desk"})["thread_id"]
calls = [[{"tool": "note", "args": {"text": text, "hold": "before"}}], [{"tool": "note", "args": {"text": text}}]]
messages = [{"type": "human", "id": str(uuid.uuid4()), "content": json.dumps(calls)}]


def said(event: str, data: Any) -> Any:
    """Returns what tells one event of a kind from another."""
    if event == "updates":
        (update,) = data.values()
        return update["messages"][0]["id"] if "__interrupt__" not in data else None
    return len(data["messages"]) if event == "values" else None


def followed(**payload: Any) -> tuple[list[Any], str]:
    """Follows a part of the run to its end, and returns what came with the id of what waits then."""
    events: list[Any] = []
    run, last, asked = "", "", ""
    stream = client.runs.stream(thread, "desk", stream_mode=MODES, **payload)
    for _ in range(MOST):
        try:
            for part in stream:
                if part.event == "metadata":
                    run = part.data["run_id"]
                last = getattr(part, "id", None) or last
                if part.event == "values":
                    asked = next((one["id"] for one in part.data.get("__interrupt__", ())), asked)
                events.append((part.event, said(part.event, part.data)))
        except httpx.HTTPError:
            pass  # a gateway that was killed takes a while to come back
        if events and events[-1][0] == "end":
            break
        time.sleep(0.5)
        stream = client.runs.join_stream(thread, run, stream_mode=MODES, last_event_id=last)
    return events, asked


first, asked = followed(input={"messages": messages})
parts = [first]
if asked:
    parts.append(followed(command={"resume": {asked: "not_run"}})[0])
sys.stdout.write(json.dumps({"parts": parts}) + "\n")
