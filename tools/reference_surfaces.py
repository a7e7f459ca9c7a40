"""Tables of the reference that come from what people and programs call: the command line and REST."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol, cast

import typer.main
from reference_models import Schema, table, type_text

from placet.cli._exits import APPROVAL_EXITS, RUN_EXITS, ExitCode
from placet.cli.app import app
from placet.telemetry.catalogue import CATALOGUE, Metric

OPENAPI: Final = Path(__file__).parents[1] / "docs" / "reference" / "openapi.json"
EXIT_WORDS: Final[dict[ExitCode, str]] = {
    ExitCode.DONE: "done",
    ExitCode.UNEXPECTED: "unexpected error, or a run that failed",
    ExitCode.USAGE: "usage, or something is missing and nobody can be asked",
    ExitCode.REJECTED: "rejected, or denied by policy",
    ExitCode.NOT_ALLOWED: "not signed in, or not allowed",
    ExitCode.EXPIRED: "expired",
    ExitCode.CONFLICT: "already decided, or another conflict",
    ExitCode.NOT_FOUND: "not found",
    ExitCode.CANCELLED: "cancelled or superseded",
    ExitCode.INVALID: "invalid arguments, answers or file",
    ExitCode.PENDING: "still pending, or only recorded",
    ExitCode.UNREACHABLE: "the service cannot be reached",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C",
}


class Parameter(Protocol):
    """An argument or an option, as far as it is shown."""

    name: str
    param_type_name: str
    opts: list[str]
    metavar: str | None
    help: str | None
    default: object
    required: bool
    hidden: bool


class Command(Protocol):
    """A command, as far as it is shown."""

    help: str | None
    params: list[Parameter]


class Group(Protocol):
    """A command that holds commands."""

    commands: dict[str, Command]


def commands() -> str:
    """Returns one section for each command: what it does, its arguments and options."""
    return "\n\n".join(_command(name, command) for name, command in each_command())


def exit_codes() -> str:
    """Returns the table of exit codes."""
    return table(("code", "meaning"), ((str(int(code)), EXIT_WORDS[code]) for code in ExitCode))


def exits_by_status() -> str:
    """Returns what `wait` and `run --wait` exit with, by status."""
    rows = [(f"`{status}`", str(int(code)), "`placet wait`") for status, code in APPROVAL_EXITS.items()]
    rows += [(f"`{status}`", str(int(code)), "`placet run --wait`") for status, code in RUN_EXITS.items()]
    return table(("status", "exit code", "of"), rows)


def metrics() -> str:
    """Returns one table of metrics for each process that shows them."""
    by_process: dict[str, list[Metric]] = {}
    for metric in CATALOGUE:
        by_process.setdefault(metric.process, []).append(metric)
    return "\n\n".join(_metrics_of(process, found) for process, found in by_process.items())


def each_command(group: Group | None = None, before: str = "placet") -> Iterator[tuple[str, Command]]:
    """Yields the full name and the command of everything that can be typed."""
    group = group or cast("Group", typer.main.get_command(app))
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from each_command(cast("Group", command), f"{before} {name}")
        else:
            yield f"{before} {name}", command


def endpoints() -> str:
    """Returns one section for each endpoint of the OpenAPI document."""
    document: Schema = json.loads(OPENAPI.read_text("utf-8"))
    return "\n\n".join(_endpoint(document, *found) for found in each_endpoint(document))


def each_endpoint(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Yields method, path and declaration of each endpoint."""
    for path, methods in cast("dict[str, dict[str, Schema]]", document["paths"]).items():
        yield from ((method.upper(), path, declared) for method, declared in methods.items())


def _metrics_of(process: str, found: list[Metric]) -> str:
    rows = ((f"`{one.name}`", one.kind, ", ".join(f"`{label}`" for label in one.labels), one.help) for one in found)
    return f"## {process.capitalize()}\n\n{table(('metric', 'type', 'labels', 'meaning'), rows)}"


def _command(name: str, command: Command) -> str:
    parameters = [one for one in command.params if not one.hidden and one.name != "help"]
    arguments = [one for one in parameters if one.param_type_name == "argument"]
    usage = " ".join([name, *(_metavar(one) for one in arguments)])
    lines = [f"### {name}", "", (command.help or "").strip(), "", "```text", usage, "```"]
    rows = [(f"`{_spelled(one)}`", one.help or "", _default(one)) for one in parameters]
    if rows:
        lines += ["", table(("argument or option", "meaning", "default"), rows)]
    return "\n".join(lines)


def _metavar(argument: Parameter) -> str:
    name = (argument.metavar or argument.name.upper()).strip("[]")
    return name if argument.required else f"[{name}]"


def _spelled(parameter: Parameter) -> str:
    if parameter.param_type_name == "argument":
        return _metavar(parameter)
    value = "" if _is_flag(parameter) else f" {parameter.metavar or 'VALUE'}"
    return ", ".join(parameter.opts) + value


def _default(parameter: Parameter) -> str:
    if parameter.required:
        return "required"
    return "" if parameter.default is None or _is_flag(parameter) else f"`{parameter.default}`"


def _is_flag(parameter: Parameter) -> bool:
    return bool(getattr(parameter, "is_flag", False))


def _endpoint(document: Schema, method: str, path: str, declared: Schema) -> str:
    lines = [f"### {method} {path}", "", str(declared.get("description", "")).strip()]
    body = _schema_in(cast("Schema", declared.get("requestBody", {})))
    if body:
        lines += ["", f"Body: {type_text(body)}."]
    parameters = [_resolved(document, one) for one in cast("list[Schema]", declared.get("parameters", []))]
    rows = [(f"`{one['name']}`", str(one["in"]), _parameter_type(one), _said(one)) for one in parameters]
    if rows:
        lines += ["", table(("parameter", "in", "type", "meaning"), rows)]
    lines += ["", table(("answer", "meaning"), _answers(document, cast("dict[str, Schema]", declared["responses"])))]
    return "\n".join(lines)


def _answers(document: Schema, responses: dict[str, Schema]) -> Iterable[tuple[str, str]]:
    for status, response in sorted(responses.items()):
        resolved = _resolved(document, response)
        schema = _schema_in(resolved)
        codes = schema.get("properties", {}).get("code", {}).get("enum", [])
        if codes:
            yield status, ", ".join(f"[`{code}`](errors.md#{code})" for code in codes)
        else:
            said = _said(resolved).replace("Successful Response", "")
            yield status, ": ".join(part for part in (type_text(schema) if schema else "", said) if part)


def _schema_in(content: Schema) -> Schema:
    """Returns the schema of a body or an answer; empty where it has none."""
    kinds = cast("dict[str, Schema]", content.get("content", {}))
    found = [cast("Schema", kind.get("schema", {})) for kind in kinds.values()]
    return found[0] if found else {}


def _parameter_type(parameter: Schema) -> str:
    return type_text(cast("Schema", parameter.get("schema", {})))


def _said(thing: Schema) -> str:
    return " ".join(str(thing.get("description", "")).split())


def _resolved(document: Schema, thing: Schema) -> Schema:
    reference = cast("str | None", thing.get("$ref"))
    if reference is None:
        return thing
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return cast("Schema", found)
