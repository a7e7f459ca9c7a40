"""`wait`: block until an approval has ended, and exit by how."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Final

from placet.cards import words
from placet.cli._exits import APPROVAL_EXITS, ExitCode
from placet.cli._ids import find_approval
from placet.cli._screen import paper
from placet.cli._session import UsageError
from placet.contracts.durations import parse_duration

if TYPE_CHECKING:
    from placet.cli._session import Session
    from placet.contracts.approvals import Approval

_ONE_WAIT: Final = 60
"""Seconds that one request waits."""


def seconds_of(duration: str | None) -> float | None:
    """Returns the seconds of `90s`, `15m`, …; None without a limit.

    Raises:
        UsageError: The text is no duration.
    """
    if duration is None:
        return None
    try:
        length = parse_duration(duration)
    except ValueError as error:
        message = f"--timeout: {error}."
        raise UsageError(message) from error
    return None if length is None else length.total_seconds()


def wait(session: Session, typed: str, timeout: str | None) -> ExitCode:
    """Waits for the end of an approval, as long as `timeout` says."""
    seconds = seconds_of(timeout)
    until = None if seconds is None else time.monotonic() + seconds
    approval = find_approval(session.client, typed)
    if approval.status == "pending":
        session.out.warn(f"Waiting for {approval.id}.")
        approval = _ended(session, approval, until)
    session.out.document(approval.model_dump(mode="json"))
    if not session.out.as_json:
        session.out.say_all(_outcome(session, approval))
    return APPROVAL_EXITS[approval.status]


def _ended(session: Session, approval: Approval, until: float | None) -> Approval:
    """Returns the approval once it has ended, or as it is when the time is over."""
    while True:
        left = math.inf if until is None else until - time.monotonic()
        if left <= 0:
            return session.client.approval(approval.id)
        ended = session.client.wait(approval.id, seconds=max(1, math.ceil(min(left, _ONE_WAIT))))
        if ended is not None:
            return ended


def _outcome(session: Session, approval: Approval) -> list[str]:
    if session.out.on_terminal:
        return paper(session.out, approval, limit=None)
    return [words.outcome(approval, session.out.zone)]
