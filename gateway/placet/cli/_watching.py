"""`watch`: events as they happen, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from placet.cards import words
from placet.cards.visible import one_line
from placet.cli._exits import ExitCode
from placet.cli._ids import SHORT, find_run
from placet.cli._session import UsageError
from placet.contracts.events import EVENT_TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placet.cli._output import Output
    from placet.cli._session import Session
    from placet.contracts.events import Event, EventType

_TOLD: Final[dict[str, tuple[str, ...]]] = {
    "run.started": ("agent",),
    "turn.completed": ("turn",),
    "call.finished": ("tool", "status"),
    "approval.requested": ("risk", "title"),
    "approval.decided": ("status",),
    "approval.refused": ("code", "message"),
}
"""The fields of `data` that say most; of all others it is the tool, or why."""


def watch(session: Session, run: str | None, types: Sequence[str], after: str | None) -> ExitCode:
    """Prints events until the run has ended, or for ever."""
    wanted = _types(types)
    run_id = None if run is None else find_run(session.client, run).id
    for event in session.client.events(run_id=run_id, types=wanted, after=after):
        session.out.line(event.model_dump(mode="json"), _words(session.out, event))
    return ExitCode.DONE


def _types(given: Sequence[str]) -> tuple[EventType, ...]:
    wanted = [part.strip() for text in given for part in text.split(",")]
    unknown = [one for one in wanted if one not in EVENT_TYPES]
    if unknown:
        message = f"--type: {unknown[0]!r} is no type of event; there are {', '.join(EVENT_TYPES)}."
        raise UsageError(message)
    return cast("tuple[EventType, ...]", tuple(wanted))


def _words(out: Output, event: Event) -> str:
    """Returns the event for people: columns and short ids at a terminal; tabs, whole ids and UTC in a pipe."""
    what = one_line(_what(event))
    run, approval = event.run_id or "", event.approval_id or ""
    actor = one_line(event.actor or "")
    if not out.on_terminal:
        return "\t".join((words.stamp(event.at), event.type, run, approval, what, actor))
    short = approval[:SHORT] or run.removeprefix("run-")[:SHORT]
    by = f"  by {actor}" if actor else ""
    return f"{event.at.astimezone():%H:%M:%S}  {event.type:<20}  {short:<{SHORT}}  {what}{by}".rstrip()


def _what(event: Event) -> str:
    """Returns what an event is about, in the words of its data."""
    told = _TOLD.get(event.type)
    if told is not None:
        return "  ".join(str(event.data[name]) for name in told if event.data.get(name) is not None)
    return str(event.data.get("tool") or event.data.get("error") or event.data.get("reason") or "")
