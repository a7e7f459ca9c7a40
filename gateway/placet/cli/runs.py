"""What people do with runs: start, look, end."""

from __future__ import annotations

from typing import Annotated

import typer

from placet.cli._options import AsJson, Cursor, Key, Limit, RunId, Timeout
from placet.cli._session import perform


def run(
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="The agent's name.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to say to it.")],
    *,
    thread: Annotated[str | None, typer.Option("--thread", help="Continue this conversation.")] = None,
    to_the_end: Annotated[bool, typer.Option("--wait", help="Follow to the end, and exit by it.")] = False,
    timeout: Timeout = None,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Start a run and follow it until it ends or waits for a person."""
    from placet.cli import _running  # noqa: PLC0415

    perform(
        lambda session: _running.start(session, agent, text, thread, _running.Following(to_the_end, timeout, key)),
        as_json=as_json,
    )


def runs(
    *,
    status: Annotated[list[str] | None, typer.Option(help="A status; may be repeated.")] = None,
    agent: Annotated[str | None, typer.Option(help="The agent's name.")] = None,
    thread: Annotated[str | None, typer.Option("--thread", help="The id of the thread.")] = None,
    requester: Annotated[str | None, typer.Option(help="Who started it: user:dana.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """List runs, the newest first."""
    from placet.cli import _running  # noqa: PLC0415
    from placet.client import RunFilters  # noqa: PLC0415

    filters = RunFilters(status=status, agent=agent, thread_id=thread, requester=requester, cursor=cursor)
    perform(lambda session: _running.runs(session, filters, limit), as_json=as_json)


def cancel(
    run_id: RunId,
    *,
    reason: Annotated[str | None, typer.Option(help="Why, for the record.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask that a run ends: what waits is cancelled, what has started is let finish."""
    from placet.cli import _running  # noqa: PLC0415

    perform(lambda session: _running.cancel(session, run_id, reason), as_json=as_json)


def agents(*, as_json: AsJson = False) -> None:
    """List the agents that runs can be started of."""
    from placet.cli import _running  # noqa: PLC0415

    perform(_running.agents, as_json=as_json)


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    for command in (run, runs, cancel, agents):
        app.command()(command)
