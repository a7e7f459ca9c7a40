"""`run`, `runs`, `cancel`, `agents`."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from placet.cards import words
from placet.cards.visible import lines, one_line
from placet.cli._exits import RUN_EXITS, ExitCode
from placet.cli._ids import SHORT, find_run
from placet.cli._listening import Ear
from placet.cli._listing import columns
from placet.cli._screen import now
from placet.cli._session import UsageError
from placet.cli._waiting import seconds_of
from placet.contracts.runs import RunRequest

if TYPE_CHECKING:
    from placet.cli._session import Session
    from placet.client import RunFilters
    from placet.contracts.events import Event
    from placet.contracts.runs import Run

_LOOK_ANYWAY: Final = 5.0
"""Seconds after which a run is looked at though nothing was heard of it."""
_HOW: Final = {"call.denied": "denied", "call.uncertain": "nobody knows whether it ran"}
_STILL_GOING: Final = frozenset({"running", "waiting"})
_PAGE: Final = 200


@dataclass(frozen=True)
class Following:
    """How a run is followed.

    Attributes:
        to_the_end: Until it has ended, and then exit by how; else only until it waits for a person, and with `--json`
            not at all.
        timeout: How long at most.
        key: The idempotency key to repeat a start with.
    """

    to_the_end: bool = False
    timeout: str | None = None
    key: str | None = None


def start(session: Session, agent: str, text: str, thread: str | None, following: Following) -> ExitCode:
    """Starts a run and follows it."""
    seconds = seconds_of(following.timeout)
    until = None if seconds is None else time.monotonic() + seconds
    started = session.client.start_run(_request(agent, text, thread), idempotency_key=following.key)
    session.out.say(f"Started {started.id} of {one_line(started.agent)}, thread {one_line(started.thread_id)}.")
    if session.out.as_json and not following.to_the_end:
        session.out.document(started.model_dump(mode="json"))
        return ExitCode.DONE
    try:
        found = _followed(session, started, until, to_the_end=following.to_the_end)
    except KeyboardInterrupt:
        session.out.warn(f"The run goes on: `placet runs` shows it, `placet cancel {started.id}` ends it.")
        raise
    session.out.document(found.model_dump(mode="json"))
    _end(session, found)
    if found.status == "waiting" and not following.to_the_end:
        return ExitCode.DONE
    return RUN_EXITS[found.status]


def _request(agent: str, text: str, thread: str | None) -> RunRequest:
    try:
        given: dict[str, object] = {"agent": agent, "input": text}
        return RunRequest.model_validate(given if thread is None else {**given, "thread_id": thread})
    except ValidationError as error:
        problem = error.errors()[0]
        message = f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}."
        raise UsageError(message) from error


def runs(session: Session, filters: RunFilters, limit: int) -> ExitCode:
    """Lists runs."""
    items: list[Run] = []
    cursor = filters.get("cursor")
    while True:
        page = session.client.runs(**{**filters, "limit": min(limit - len(items), _PAGE), "cursor": cursor})
        items += page.items
        cursor = page.next_cursor
        if cursor is None or len(items) >= limit:
            break
    session.out.document({"items": [one.model_dump(mode="json") for one in items], "next_cursor": cursor})
    if session.out.as_json:
        return ExitCode.DONE
    if session.out.on_terminal:
        _table(session, items)
    else:
        session.out.say_all(["\t".join(_fields(one)) for one in items])
    if cursor is not None:
        session.out.warn(f"There are more: --limit, or --cursor {cursor}")
    return ExitCode.DONE


def cancel(session: Session, typed: str, reason: str | None) -> ExitCode:
    """Asks that a run ends."""
    target = find_run(session.client, typed)
    cancelled = session.client.cancel_run(target.id, reason=reason)
    session.out.document(cancelled.model_dump(mode="json"))
    session.out.say(f"{cancelled.id} was asked to end; it is {cancelled.status}. What has started is let finish.")
    return ExitCode.DONE


def agents(session: Session) -> ExitCode:
    """Lists the agents that runs can be started of."""
    found = session.client.agents()
    session.out.document({"items": [one.model_dump(mode="json") for one in found]})
    for agent in () if session.out.as_json else found:
        separator = "  " if session.out.on_terminal else "\t"
        tools = ", ".join(tool.name for tool in agent.tools)
        fields = (agent.name, agent.description or "", agent.model or "", tools)
        session.out.say(separator.join(one_line(field) for field in fields).rstrip())
    return ExitCode.DONE


def _followed(session: Session, run: Run, until: float | None, *, to_the_end: bool) -> Run:
    """Returns the run as it is where following ends, and says what happens on the way."""
    asked: dict[str, str] = {}
    ear = Ear(session.client.events(run_id=run.id))
    while True:
        _say_what_is_asked(session, run, asked)
        left = math.inf if until is None else until - time.monotonic()
        if run.status not in _STILL_GOING or left <= 0 or (run.status == "waiting" and not to_the_end):
            return run
        for event in ear.wait(min(left, _LOOK_ANYWAY)):
            _say_what_ran(session, event)
        run = session.client.run(run.id)


def _say_what_ran(session: Session, event: Event) -> None:
    how = event.data.get("status") if event.type == "call.finished" else _HOW.get(event.type)
    if how is not None:
        session.out.say(f"{one_line(str(event.data.get('tool')))}: {one_line(str(how))}")


def _say_what_is_asked(session: Session, run: Run, asked: dict[str, str]) -> None:
    pending = {one.id: one for one in run.pending}
    for approval in pending.values():
        if approval.id not in asked:
            asked[approval.id] = approval.id
            short = approval.id[:SHORT] if session.out.on_terminal else approval.id
            session.out.say(f"{session.out.risk(approval.risk)}  {one_line(approval.title)}  -> placet review {short}")
    for gone in [one for one in asked if one not in pending]:
        del asked[gone]
        session.out.say(f"{gone[:SHORT]}: {words.outcome(session.client.approval(gone), session.out.zone)}")


def _end(session: Session, run: Run) -> None:
    out = session.out
    out.say(f"{run.id} is {run.status}.")
    if run.error:
        out.say(f"Error: {one_line(run.error)}")
    if run.output:
        out.say("The agent says (untrusted):")
        out.say_all([f"| {line}" for line in lines(run.output)])


def _fields(run: Run) -> tuple[str, ...]:
    ended = words.stamp(run.ended_at) if run.ended_at else ""
    names = (run.id, run.status, run.agent, run.thread_id, run.requester or "")
    return (*map(one_line, names), str(len(run.pending)), words.stamp(run.started_at), ended)


def _table(session: Session, items: list[Run]) -> None:
    if not items:
        session.out.say("No runs.")
        return
    heading = ("ID", "STATUS", "AGENT", "REQUESTER", "PENDING", "STARTED")
    at = now()
    cells = [
        (
            one.id.removeprefix("run-")[:SHORT],
            one.status,
            one_line(one.agent),
            one_line(one.requester or "-"),
            str(len(one.pending)),
            f"{words.span(at - one.started_at)} ago",
        )
        for one in items
    ]
    columns(session.out, [heading, *cells], stretch=2)
