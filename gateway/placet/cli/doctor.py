"""`placet doctor`: what is there, what is missing, and how to get it."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from placet.cli._options import AsJson
from placet.cli._output import Output
from placet.cli.serve import leave, refuse_settings

if TYPE_CHECKING:
    from placet.engine.findings import Finding


def doctor(*, as_json: AsJson = False) -> None:
    """Say what was found on this machine, what is missing and how to get it.

    Exit codes: 0 nothing is missing, 1 something is, 2 a setting makes no sense, 69 something that was named does not
    answer.
    """
    from placet.engine.doctor import examine  # noqa: PLC0415
    from placet.engine.errors import SettingsError  # noqa: PLC0415

    out = Output(as_json=as_json)
    try:
        findings = asyncio.run(examine())
    except SettingsError as error:
        leave(refuse_settings(out, error))
    code = exit_code(findings)
    out.document({"ok": code == 0, "findings": [asdict(finding) for finding in findings]})
    out.say_all(lines(findings))
    leave(code)


def exit_code(findings: Sequence[Finding]) -> int:
    """Returns the command's exit code."""
    from placet.engine.findings import State  # noqa: PLC0415

    states = {finding.state for finding in findings}
    if State.MISSING in states:
        return 1
    return 69 if State.UNREACHABLE in states else 0


def lines(findings: Sequence[Finding]) -> list[str]:
    """Returns the findings as a person reads them: state, subject, what was found, and below it what to do."""
    shown: list[str] = []
    for finding in findings:
        shown.append(f"{finding.state.value:11}  {finding.subject:19}  {finding.found}")
        if finding.remedy:
            shown += textwrap.wrap(finding.remedy, 90, initial_indent=" " * 34, subsequent_indent=" " * 34)
    return shown


def register(app: typer.Typer) -> None:
    """Adds the command of this module."""
    app.command()(doctor)
