"""Tools of the tests' desk: each appends one line to a file and waits until it is on the disk.

A tool can be held at a point: it says that it got there and waits until it is let go, so that a test kills
the worker exactly there.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any, Protocol

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool

from placet.contracts.canonical import canonical_text


class DescribedCall(Protocol):
    """What a function that describes gets."""

    args: dict[str, Any]
    requester: str
    run: dict[str, Any]


FOLDER = Path(os.environ.get("DESK_FOLDER", "."))
_PAUSE = 0.02


class Told:
    """A result that is no JSON: it becomes text after the tool has returned, and can be held there."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        """Returns what the model reads."""
        _hold(self.text, "returned", "returned")
        return f"Sent {self.text}."


def note(text: str, hold: str = "") -> str:
    """Note something; nobody is asked."""
    _hold(text, "before", hold)
    _append("note", text, {})
    _hold(text, "after", hold)
    return f"Noted {text}."


@tool
def send(text: str, config: RunnableConfig, hold: str = "", copies: int = 1) -> object:
    """Send something to somebody. It cannot be taken back."""
    _hold(text, "before", hold)
    _append("send", text, config, copies)
    _hold(text, "after", hold)
    return Told(text) if hold == "returned" else f"Sent {text}."


@tool
def send_soon(text: str, config: RunnableConfig) -> str:
    """Send something that can wait for two seconds only."""
    _append("send_soon", text, config)
    return f"Sent {text}."


@tool
def send_or_stop(text: str, config: RunnableConfig) -> str:
    """Send something; the run ends where nobody decides in two seconds."""
    _append("send_or_stop", text, config)
    return f"Sent {text}."


@tool
async def pay(text: str, config: RunnableConfig, amount: float = 0, hold: str = "") -> str:
    """Pay somebody, in the tools' event loop."""
    if hold == "before":
        await asyncio.to_thread(_hold, text, "before", hold)
    _append("pay", text, config, amount)
    if hold == "after":
        await asyncio.to_thread(_hold, text, "after", hold)
    return f"Paid {text}."


@tool
def set_again(text: str, config: RunnableConfig, hold: str = "") -> str:
    """Set something; it may be set again."""
    _hold(text, "before", hold)
    _append("set_again", text, config)
    _hold(text, "after", hold)
    return f"Set {text}."


def carry(text: str, **more: Any) -> str:
    """Carry anything along, and keep what came."""
    _append("carry", text, {}, got=canonical_text({"text": text, **more}))
    return "Carried."


def remit(text: str, amount: float) -> str:
    """Remit an amount; policy asks about large ones."""
    _append("remit", text, {}, amount)
    return f"Remitted {amount:g}."


def describe_remit(call: DescribedCall) -> str:
    """Says in words what a call of `remit` would do."""
    return f"{call.args['amount']:g} for {call.args['text']}, asked by {call.requester}\nin turn {call.run['turn']}"


def fail(text: str) -> str:
    """Fail, always."""
    message = f"no luck with {text}"
    raise RuntimeError(message)


def wipe(text: str) -> str:
    """Wipe everything. Policy denies it."""
    _append("wipe", text, {})
    return "Wiped."


def _append(name: str, text: str, config: RunnableConfig, amount: float = 0, **more: str) -> None:
    metadata = config.get("metadata", {})
    line = {
        "tool": name,
        "text": text,
        "amount": amount,
        "key": metadata.get("placet_idempotency_key"),
        "approval": metadata.get("placet_approval_id"),
        "approver": metadata.get("placet_approver"),
        **more,
    }
    descriptor = os.open(FOLDER / "effects.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, json.dumps(line).encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hold(text: str, point: str, wanted: str) -> None:
    """Waits at the point where it is the wanted one, until the file that lets it go is there."""
    if point != wanted:
        return
    (FOLDER / f"{text}.{point}").touch()
    while not (FOLDER / f"{text}.go").exists():
        time.sleep(_PAUSE)
