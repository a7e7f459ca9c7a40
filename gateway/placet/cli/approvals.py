"""What people do with approvals: look, decide, wait.

Each command loads what it needs when it is called: `placet --help` loads them all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from placet.cli._options import ApprovalId, AsJson, Cursor, Digest, Key, Limit, NoInput, Timeout
from placet.cli._session import perform

Sort = Literal["expires_at", "requested_at", "-requested_at"]


def inbox(  # noqa: PLR0913 - a filter each
    *,
    status: Annotated[list[str] | None, typer.Option(help="A status, `ended` or `any`; may be repeated.")] = None,
    kind: Annotated[str | None, typer.Option(help="tool_call or question.")] = None,
    tool: Annotated[str | None, typer.Option(help="The tool's name.")] = None,
    agent: Annotated[str | None, typer.Option(help="The agent's name.")] = None,
    risk: Annotated[list[str] | None, typer.Option(help="low, medium, high or critical; may be repeated.")] = None,
    run: Annotated[str | None, typer.Option("--run", help="The id of the run that waits.")] = None,
    thread: Annotated[str | None, typer.Option("--thread", help="The id of the thread.")] = None,
    query: Annotated[str | None, typer.Option("--query", "-q", help="Text to look for.")] = None,
    sort: Annotated[Sort, typer.Option(help="The order.")] = "expires_at",
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """List what waits for a decision."""
    from placet.cli import _listing  # noqa: PLC0415
    from placet.client import ApprovalFilters  # noqa: PLC0415

    filters = ApprovalFilters(
        status=status or "pending",
        kind=kind,
        tool=tool,
        agent=agent,
        risk=risk,
        run_id=run,
        thread_id=thread,
        q=query,
        sort=sort,
        cursor=cursor,
    )
    perform(lambda session: _listing.inbox(session, filters, limit), as_json=as_json)


def show(
    approval_id: ApprovalId,
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Only the canonical text that the digest covers.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one approval in full: what will run, and what became of it."""
    from placet.cli import _listing  # noqa: PLC0415

    perform(lambda session: _listing.show(session, approval_id, raw=raw), as_json=as_json)


def review(
    approval_id: Annotated[str | None, typer.Argument(metavar="ID", help="One approval; else all that wait.")] = None,
    *,
    accessible: Annotated[bool, typer.Option("--accessible", help="Plain lines, nothing redrawn.")] = False,
    as_json: AsJson = False,
    no_input: NoInput = False,
) -> None:
    """Step through what waits for you, with a numbered menu."""
    import os  # noqa: PLC0415

    from placet.cli import _review  # noqa: PLC0415

    if accessible:
        os.environ["PLACET_ACCESSIBLE"] = "1"
    perform(lambda session: _review.review(session, approval_id), as_json=as_json, no_input=no_input)


def approve(
    approval_id: ApprovalId,
    *,
    digest: Digest = None,
    key: Key = None,
    as_json: AsJson = False,
    no_input: NoInput = False,
) -> None:
    """Approve a tool call: it runs with exactly the arguments shown."""
    from placet.cli import _deciding  # noqa: PLC0415

    target = _deciding.Target(approval_id, digest, key)
    perform(lambda session: _deciding.approve(session, target), as_json=as_json, no_input=no_input)


def reject(
    approval_id: ApprovalId,
    *,
    reason: Annotated[str | None, typer.Option(help="What the agent is told.")] = None,
    digest: Digest = None,
    key: Key = None,
    as_json: AsJson = False,
    no_input: NoInput = False,
) -> None:
    """Reject a tool call: it does not run, and the agent reads why."""
    from placet.cli import _deciding  # noqa: PLC0415

    target = _deciding.Target(approval_id, digest, key)
    perform(lambda session: _deciding.reject(session, target, reason), as_json=as_json, no_input=no_input)


def respond(
    approval_id: ApprovalId,
    *,
    text: Annotated[str | None, typer.Option(help="What the agent reads as the tool's result.")] = None,
    digest: Digest = None,
    key: Key = None,
    as_json: AsJson = False,
    no_input: NoInput = False,
) -> None:
    """Answer in the tool's place: it does not run, your text is its result."""
    from placet.cli import _deciding  # noqa: PLC0415

    target = _deciding.Target(approval_id, digest, key)
    perform(lambda session: _deciding.respond(session, target, text), as_json=as_json, no_input=no_input)


def edit(
    approval_id: ApprovalId,
    *,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Change one value: amount=50, to[0]=a@b.example."),
    ] = None,
    args_file: Annotated[Path | None, typer.Option(metavar="FILE", help="A JSON file with all the arguments.")] = None,
    digest: Digest = None,
    key: Key = None,
    as_json: AsJson = False,
    no_input: NoInput = False,
) -> None:
    """Approve a tool call with other arguments; in a terminal, without options, in your editor."""
    from placet.cli import _deciding  # noqa: PLC0415

    target = _deciding.Target(approval_id, digest, key)
    perform(
        lambda session: _deciding.edit(session, target, settings or (), args_file), as_json=as_json, no_input=no_input
    )


def answer(
    approval_id: ApprovalId,
    *,
    choose: Annotated[
        list[str] | None,
        typer.Option(metavar="QUESTION=OPTION", help="Choose an option, by id or label; may be repeated."),
    ] = None,
    text: Annotated[
        list[str] | None, typer.Option(metavar="QUESTION=TEXT", help="Answer with text; may be repeated.")
    ] = None,
    digest: Digest = None,
    key: Key = None,
    as_json: AsJson = False,
    no_input: NoInput = False,
) -> None:
    """Answer an agent's question."""
    from placet.cli import _deciding  # noqa: PLC0415

    target = _deciding.Target(approval_id, digest, key)
    perform(
        lambda session: _deciding.answer(session, target, choose or (), text or ()), as_json=as_json, no_input=no_input
    )


def skip(
    approval_id: ApprovalId,
    *,
    digest: Digest = None,
    key: Key = None,
    as_json: AsJson = False,
    no_input: NoInput = False,
) -> None:
    """Skip a question: the agent is told so."""
    from placet.cli import _deciding  # noqa: PLC0415

    target = _deciding.Target(approval_id, digest, key)
    perform(lambda session: _deciding.skip(session, target), as_json=as_json, no_input=no_input)


def wait(approval_id: ApprovalId, *, timeout: Timeout = None, as_json: AsJson = False) -> None:
    """Wait until an approval has ended, and exit by how."""
    from placet.cli import _waiting  # noqa: PLC0415

    perform(lambda session: _waiting.wait(session, approval_id, timeout), as_json=as_json)


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    for command in (inbox, show, review, approve, reject, respond, edit, answer, skip, wait):
        app.command()(command)
