"""Where words go: one JSON document on stdout with `--json`, and then the human words on stderr."""

from __future__ import annotations

import json
import os
import shutil
import sys
from datetime import UTC
from io import TextIOWrapper
from typing import TYPE_CHECKING, Final

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo

SCHEMA_VERSION: Final = 1
"""Of the documents that `--json` prints; it grows when a field goes or changes its meaning."""

_RISK_COLOURS: Final = {"low": "green", "medium": "cyan", "high": "yellow", "critical": "red"}


class Output:
    """What a command says, and to whom: a person at a terminal, a pipe, or a program that asked for JSON."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._words = sys.stderr if as_json else sys.stdout
        self._on_terminal = self._words.isatty()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                # A terminal of another encoding than UTF-8 must not stop a decision half-way.
                stream.reconfigure(errors="backslashreplace")

    @property
    def on_terminal(self) -> bool:
        """Whether a person reads: then columns, relative times, short ids; else tabs, absolute times, full ids."""
        return self._on_terminal

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        return max(shutil.get_terminal_size().columns, 20)

    @property
    def zone(self) -> tzinfo | None:
        """None (the zone of this machine) for a person, UTC for a pipe."""
        return None if self._on_terminal else UTC

    def say(self, text: str = "") -> None:
        """Prints human words; they must be safe to print."""
        typer.echo(text, file=self._words)

    def say_all(self, texts: Sequence[str]) -> None:
        """Prints lines of human words."""
        for text in texts:
            self.say(text)

    def warn(self, text: str) -> None:
        """Prints to stderr what a program that reads stdout should not meet."""
        typer.echo(text, err=True)

    def document(self, fields: Mapping[str, object]) -> None:
        """Prints the JSON document, where it was asked for; every character beyond ASCII is escaped."""
        if self.as_json:
            typer.echo(json.dumps({"schema_version": SCHEMA_VERSION, **fields}, indent=2))

    def line(self, fields: Mapping[str, object], words: str) -> None:
        """Prints one of many: a line of JSON where that was asked for, else the words; at once, also into a pipe."""
        typer.echo(json.dumps({"schema_version": SCHEMA_VERSION, **fields}) if self.as_json else words)

    def raw(self, text: str) -> None:
        """Prints exactly this text and nothing else to stdout."""
        sys.stdout.write(text)

    def bold(self, text: str) -> str:
        """Returns the text in bold where colours are wanted."""
        return typer.style(text, bold=True) if self._colours() else text

    def risk(self, risk: str) -> str:
        """Returns the risk, always a word, in its colour where colours are wanted."""
        word = risk.upper()
        return typer.style(word, bold=True, fg=_RISK_COLOURS.get(risk)) if self._colours() else word

    def _colours(self) -> bool:
        if os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR"):
            return True
        return self._on_terminal and os.environ.get("TERM") != "dumb"
