"""Small things that several pages say the same way."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from placet.cards import words
from placet.cards.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from placet.contracts.approvals import Approval

RISKS: Final = ("critical", "high", "medium", "low")
URGENT: Final = timedelta(minutes=10)
"""A deadline nearer than this is marked."""
RAN: Final = {
    "running": "The tool is running.",
    "succeeded": "The tool ran, and succeeded.",
    "failed": "The tool ran, and failed.",
    "uncertain": "Nobody knows yet whether the tool ran: a person is asked.",
    "refused": "The tool did not run: what was approved no longer held when it came to it.",
}
_ID: Final = {"/": "-", "-": "_h", "_": "_u"}
"""How ids tell a step of a pointer from a dash, and an escape of ours from a name."""
_SHORT: Final = 8


def ago(at: datetime, now: datetime) -> str:
    """Returns how long ago something was: `3 min`."""
    return words.span(now - at)


def short(id_: str) -> str:
    """Returns the beginning of an id, enough to tell it from others at a glance."""
    return one_line(id_.removeprefix("run-")[:_SHORT])


def is_urgent(approval: Approval, now: datetime) -> bool:
    """Returns whether the deadline is near."""
    return approval.expires_at is not None and approval.expires_at - now < URGENT


def address(path: str, query: Mapping[str, str | list[str] | None]) -> str:
    """Returns a path with a query that leaves out what is empty."""
    given = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(given, doseq=True)}" if given else path


def field_id(pointer: str) -> str:
    """Returns the HTML id of a field; two places never have the same one, and none has a blank."""
    return "f" + "".join(
        _ID.get(one, one) if one.isprintable() and one != " " else f"_{ord(one):x}_" for one in pointer
    )


def then(approval: Approval) -> str:
    """Returns what happens where nobody decides in time, in a few words."""
    if approval.on_expiry == "abort":
        return "the run ends"
    return "it goes unanswered" if approval.kind == "question" else "it is rejected"


def at_the_end(approval: Approval) -> str:
    """Returns the same in a sentence."""
    if approval.on_expiry == "abort":
        return "it does not run, and the run ends"
    return "the agent is told that nobody " + (
        "answered" if approval.kind == "question" else "decided, and it does not run"
    )


def aftermath(approval: Approval) -> str:
    """Returns what came of it after it had ended, or will."""
    if approval.execution is not None:
        return RAN[approval.execution.status]
    if approval.kind == "question":
        return "The agent reads it, and goes on." if approval.status in {"answered", "skipped"} else "Nobody answers."
    if approval.status != "approved":
        return "The tool does not run because of it."
    return "Whoever asked runs the tool." if approval.run_id is None else "The tool has not started yet."


def in_time(approval: Approval, now: datetime) -> str:
    """Returns how long somebody can still decide: `in 41 min`, `no expiry`."""
    if approval.expires_at is None:
        return "no expiry"
    left = approval.expires_at - now
    return f"in {words.span(left)}" if left > timedelta(0) else "now"


def effect(approval: Approval) -> str:
    """Returns what happens on a yes, as the button says it: `Run refund`."""
    return f"Run {one_line(approval.tool)}"


def quorum(approval: Approval, reader: str) -> str:
    """Returns who may decide, in words; the reader is `you`."""
    known = {"role:approver": "any approver", "requester": "who started it", reader: "you"}
    if approval.requester == reader:
        known["requester"] = "you"
    names = (known.get(name) or name.removeprefix("user:").removeprefix("group:") for name in approval.approvers)
    return one_line(", ".join(dict.fromkeys(names)))
