"""Threads and their states as clients read them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from placet.langgraph_api.ids import assistant_id_of, checkpoint_id_of

if TYPE_CHECKING:
    from placet.langgraph_api.threads.snapshot import Snapshot


def thread_document(snapshot: Snapshot) -> dict[str, Any]:
    """Returns a thread."""
    thread, run = snapshot.thread, snapshot.run
    changed = max(moment for moment in (thread.updated_at, run and (run.ended_at or run.started_at)) if moment)
    return {
        "thread_id": thread.id,
        "created_at": thread.created_at,
        "updated_at": changed,
        "state_updated_at": changed,
        "metadata": _metadata(snapshot),
        "status": snapshot.status,
        "config": {},
        "values": snapshot.values,
        "interrupts": {_task_id(snapshot): _interrupts(snapshot)} if snapshot.interrupt else {},
        "error": _error(snapshot),
    }


def present_document(snapshot: Snapshot) -> dict[str, Any]:
    """Returns a thread's state as it is read by itself: what goes on is in it, so that clients follow it.

    Of a history they take what comes next without an interrupt for a breakpoint, at which nothing goes on.
    """
    return {**state_document(snapshot), "next": _next(snapshot)}


def state_document(snapshot: Snapshot) -> dict[str, Any]:
    """Returns a thread's state; its only checkpoint is the moment at which it is read."""
    run = snapshot.run
    task = _task(snapshot)
    return {
        "values": snapshot.values,
        "next": [snapshot.interrupt.node] if snapshot.interrupt else [],
        "checkpoint": {
            "thread_id": snapshot.thread.id,
            "checkpoint_ns": "",
            "checkpoint_id": snapshot.checkpoint_id,
            "checkpoint_map": None,
        },
        "metadata": {
            **_metadata(snapshot),
            "source": "loop",
            "step": len(snapshot.messages),
            "run_id": run.id if run else None,
            "thread_id": snapshot.thread.id,
        },
        "created_at": run.started_at if run else snapshot.thread.created_at,
        "parent_checkpoint": None,
        "tasks": [task] if task else [],
        "interrupts": _interrupts(snapshot),
    }


def _next(snapshot: Snapshot) -> list[str]:
    """Returns what waits or goes on."""
    if snapshot.interrupt is not None:
        return [snapshot.interrupt.node]
    if snapshot.run is None or snapshot.run.ended_at is not None:
        return []
    said = snapshot.messages[-1] if snapshot.messages else {}
    return ["tools" if said.get("tool_calls") else "model"]


def _metadata(snapshot: Snapshot) -> dict[str, Any]:
    """Returns what the client said of the thread, with what a person who decides wants to know."""
    agent = snapshot.thread.agent
    named = {"graph_id": agent, "assistant_id": assistant_id_of(agent)} if agent else {}
    document = {**snapshot.thread.metadata, **named}
    if snapshot.state.left_out:
        document["placet_left_out"] = list(snapshot.state.left_out)
    if snapshot.interrupt is not None:
        approvals = snapshot.interrupt.approvals
        document["placet"] = [
            {
                "approval_id": approval.id,
                "digest": approval.digest,
                "approvers": list(approval.approvers),
                "expires_at": approval.expires_at.isoformat() if approval.expires_at else None,
                "risk": approval.risk,
            }
            for approval in approvals
        ]
    return document


def _task(snapshot: Snapshot) -> dict[str, Any] | None:
    """Returns the one task that is open: the wait, or what went wrong."""
    error = _error(snapshot)
    if snapshot.interrupt is None and error is None:
        return None
    return {
        "id": _task_id(snapshot),
        "name": snapshot.interrupt.node if snapshot.interrupt else "model",
        "path": [],
        "error": error,
        "interrupts": _interrupts(snapshot),
        "checkpoint": None,
        "state": None,
        "result": None,
    }


def _task_id(snapshot: Snapshot) -> str:
    return checkpoint_id_of("task", snapshot.checkpoint_id)


def _interrupts(snapshot: Snapshot) -> list[dict[str, Any]]:
    return [snapshot.interrupt.document()] if snapshot.interrupt else []


def _error(snapshot: Snapshot) -> str | None:
    """Returns what went wrong as the JSON text that clients take apart."""
    run = snapshot.run
    if run is None or run.status != "failed":
        return None
    return json.dumps({"error": "RunFailed", "message": run.error or "The run failed."})
