"""`placet policy`: says what is wrong with a file, and what its policy says of a call; asks no server."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from placet.cli._exits import ExitCode
from placet.cli._options import AsJson
from placet.cli._output import Output

if TYPE_CHECKING:
    from placet.contracts.config import Config
    from placet.engine.policy_report import Explained, Summary

_USUAL: Final = Path("placet.yaml")
_INDENT: Final = " " * 10


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The placet.yaml.")], *, as_json: AsJson = False
) -> None:
    """Say everything that is wrong with a placet.yaml, or what it holds.

    Nothing that the file names is loaded: models, tools and `describe` are looked for when a worker starts.
    Exit codes: 0 nothing is wrong, 9 something is.
    """
    from placet.cards.visible import one_line  # noqa: PLC0415
    from placet.engine.policy_report import summary_of  # noqa: PLC0415

    out = Output(as_json=as_json)
    summary = summary_of(_loaded(out, file))
    out.document({"ok": True, "file": str(file), "problems": [], **asdict(summary)})
    out.say_all([one_line(line) for line in _summary_lines(file, summary)])
    raise typer.Exit(ExitCode.DONE)


def explain(
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="The agent that calls.")],
    tool: Annotated[str, typer.Argument(metavar="TOOL", help="The tool, as the model sees it.")],
    args: Annotated[str, typer.Argument(metavar="ARGS", help="Its arguments as JSON, @FILE, or - for stdin.")],
    *,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="The file. Default: PLACET_CONFIG, or ./placet.yaml where there is one."),
    ] = None,
    requester: Annotated[
        str | None, typer.Option("--requester", metavar="WHO", help="Who started the run, as user:dana.")
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="JSON", help='The run: {"id": …, "thread_id": …, "turn": …}.')
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what the policy of a file says of a call, and what came of each rule.

    Exit codes: 0 it is allowed or a person is asked, 3 it is denied, 9 the file, ARGS or --run is wrong.
    """
    from placet.contracts.canonical import MalformedJsonError  # noqa: PLC0415
    from placet.engine.policy_report import explained  # noqa: PLC0415

    out = Output(as_json=as_json)
    loaded = _loaded(out, config or Path(os.environ.get("PLACET_CONFIG") or _USUAL))
    given = _object(out, "ARGS", args)
    try:
        found = explained(loaded, agent, tool, given, requester=requester, run=_run(out, run))
    except (MalformedJsonError, UnicodeEncodeError) as error:
        _invalid(out, f"ARGS: {error}")
    out.document(_document(agent, tool, given, found))
    out.say_all(_lines(agent, tool, found))
    raise typer.Exit(ExitCode.REJECTED if found.verdict.effect == "deny" else ExitCode.DONE)


def register(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    group = typer.Typer(no_args_is_help=True, help="What the policy of a file says.")
    group.command()(check)
    group.command()(explain)
    app.add_typer(group, name="policy")


def _loaded(out: Output, file: Path) -> Config:
    """Returns what a file says, or says everything that is wrong with it and ends."""
    from placet.cards.visible import one_line  # noqa: PLC0415
    from placet.engine.config_file import ConfigError, load  # noqa: PLC0415

    try:
        return load(file)
    except ConfigError as error:
        problems = [
            {"file": str(one.file), "line": one.line, "path": one.path, "reason": one.reason} for one in error.problems
        ]
        out.document({"ok": False, "file": str(file), "problems": problems})
        out.say_all([one_line(str(one)) for one in error.problems])
        raise typer.Exit(ExitCode.INVALID) from error


def _object(out: Output, name: str, source: str) -> dict[str, Any]:
    """Returns the JSON object that an argument is, or names."""
    from placet.contracts.canonical import MalformedJsonError, parse_object  # noqa: PLC0415

    try:
        if source == "-":
            return parse_object(sys.stdin.buffer.read())
        return parse_object(Path(source[1:]).read_bytes() if source.startswith("@") else source)
    except OSError as error:
        _invalid(out, f"{name}: {source[1:]}: {error.strerror}")
    except MalformedJsonError as error:
        _invalid(out, f"{name}: {error}")


def _run(out: Output, source: str | None) -> Any:  # noqa: ANN401 - its class is loaded with the engine
    from placet.engine.policy_report import RunFacts  # noqa: PLC0415

    if source is None:
        return None
    try:
        return RunFacts(**_object(out, "--run", source))
    except TypeError:
        _invalid(out, f"--run: there is {', '.join(RunFacts._fields)}, and nothing else")


def _invalid(out: Output, sentence: str) -> NoReturn:
    from placet.cards.visible import one_line  # noqa: PLC0415

    out.document({"title": "Not done", "code": "invalid_input", "detail": sentence})
    out.warn(one_line(sentence))
    raise typer.Exit(ExitCode.INVALID)


def _summary_lines(file: Path, summary: Summary) -> list[str]:
    lists = ", ".join(f"{name} {count}" for name, count in summary.lists.items())
    return [
        f"{file}: nothing is wrong with it",
        f"agents    {', '.join(summary.agents) or 'none'}",
        f"rules     {summary.rules}, {summary.conditions} with a condition; globs: {lists}",
        f"mode      {summary.mode}",
        f"people    {summary.users or 'none: local mode'}",
        *(f"not checked here: {reference}" for reference in summary.references),
        *(f"warning: {warning}" for warning in summary.warnings),
    ]


def _document(agent: str, tool: str, args: dict[str, Any], found: Explained) -> dict[str, object]:
    return {
        "agent": agent,
        "tool": tool,
        "args": args,
        **found.verdict.model_dump(mode="json"),
        "describe": found.describe,
        "known_agent": found.known_agent,
        "rules": [
            {"name": look.name, "effect": look.effect, "found": look.found, "why": look.why} for look in found.looks
        ],
    }


def _lines(agent: str, tool: str, found: Explained) -> list[str]:
    """Returns the verdict as a person reads it, then what came of each rule."""
    from placet.cards.visible import lines, one_line  # noqa: PLC0415

    verdict = found.verdict
    reason = lines(verdict.reason or "none")
    told = [f"{verdict.effect}: {one_line(tool)} of {one_line(agent)}"]
    if not found.known_agent:
        told.append(f"{_INDENT}the file has no such agent")
    told += [
        f"rule      {one_line(verdict.rule or 'none')}",
        f"title     {one_line(verdict.title or '')}",
        f"reason    {reason[0]}",
        *(f"{_INDENT}{line}" for line in reason[1:]),
    ]
    if found.describe:
        told.append(f"{_INDENT}unless {one_line(found.describe)}, which only the worker runs, says something else")
    if verdict.terms:
        terms = verdict.terms
        told += [
            f"terms     {terms.risk} risk; {', '.join(terms.decisions)}; self-approval {_yes(terms.self_approval)}",
            f"{_INDENT}by {', '.join(terms.approvers)}",
            f"{_INDENT}expires after {terms.expires_after}, then {terms.on_expiry}",
        ]
    told += [f"digest    {verdict.digest}", "", "rules, in the order of the file:"]
    return told + [_look_line(*look[:4]) for look in found.looks]


def _look_line(effect: str, name: str, found: str, why: str | None) -> str:
    from placet.cards.visible import one_line  # noqa: PLC0415

    return f"  {effect:6}{one_line(name)}: {found}{': ' + one_line(why) if why else ''}"


def _yes(said: bool) -> str:  # noqa: FBT001 - one value, one word
    return "allowed" if said else "not allowed"
