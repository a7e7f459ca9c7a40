"""Patches and paths."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from placet.cards.drawing import Mark
from placet.cards.looks._look import Look, counted
from placet.cards.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from placet.cards.drawing import Sort

_HUNK: Final = re.compile(r"@@ -\d+(?:,(?P<old>\d{1,9}))? \+\d+(?:,(?P<new>\d{1,9}))? @@")
_FILE: Final = re.compile(r"(?:---|\+\+\+) (?P<name>[^\t\n]+)")
_NOWHERE: Final = "/dev/null"
_SIGNATURE: Final = "-- "
"""What mailed patches end with."""
_MODE: Final = re.compile(r"(?:new|deleted) file mode (?P<mode>\d+)|new mode (?P<other>\d+)")
_SORTS: Final[dict[str, Sort]] = {"+": "added", "-": "removed"}
_MOST_NAMED: Final = 5


def is_diff(text: str) -> bool:
    """Returns whether a text has a hunk of a unified diff."""
    return any(_HUNK.match(line) for line in text.split("\n"))


class _Reading:
    """Reads a unified diff line by line; in a hunk its announced lengths tell what a line is, not how it looks."""

    def __init__(self) -> None:
        self.marks: list[Mark] = []
        self.files: dict[str, None] = {}
        self.modes: list[str] = []
        self.counts = {"+": 0, "-": 0}
        self.fits = True
        self._left = {"old": 0, "new": 0}

    def read(self, line: str, start: int) -> None:
        hunk = _HUNK.match(line)
        if any(self._left.values()):
            self._in_hunk(line, start)
        elif hunk:
            self._left = {side: int(hunk[side] or 1) for side in ("old", "new")}
            self.marks.append(Mark(start, start + len(line), "part"))
        else:
            self._outside(line, start)

    def end(self) -> None:
        self.fits = self.fits and not any(self._left.values())

    def _in_hunk(self, line: str, start: int) -> None:
        sign = line[:1]
        if sign == "\\":
            return
        for side, signs in (("old", " -"), ("new", " +")):
            if sign in signs:
                self._left[side] -= 1
        if sign in _SORTS:
            self.counts[sign] += 1
            self.marks.append(Mark(start, start + len(line), _SORTS[sign]))
        elif sign not in {" ", ""} or min(self._left.values()) < 0:
            self.fits = False
            self._left = {"old": 0, "new": 0}

    def _outside(self, line: str, start: int) -> None:
        name = _FILE.match(line)
        mode = _MODE.match(line)
        if name and name["name"] != _NOWHERE:
            self.files[re.sub(r"^[ab]/", "", name["name"])] = None
        if mode:
            self.modes.append(line)
        if line[:1] in _SORTS and not name and line != _SIGNATURE:
            self.fits = False
        if line:
            self.marks.append(Mark(start, start + len(line), "comment"))


def diff_look(text: str) -> Look:
    """Returns which files a unified diff changes, and how many lines."""
    reading = _Reading()
    start = 0
    for line in text.split("\n"):
        reading.read(line, start)
        start += len(line) + 1
    reading.end()
    named = ", ".join(one_line(name) for name in list(reading.files)[:_MOST_NAMED])
    facts = [
        f"{counted(len(reading.files), 'file')}{': ' if named else ''}{named}",
        f"{counted(reading.counts['+'], 'line')} added, {reading.counts['-']:,} removed",
        *map(one_line, reading.modes[:_MOST_NAMED]),
    ]
    warnings = () if reading.fits else ("its hunks do not have the lines that they announce",)
    return Look("diff", tuple(reading.marks), tuple(facts), warnings)


def path_look(text: str) -> Look:
    """Returns where a path leads."""
    separator = "\\" if "/" not in text and "\\" in text else "/"
    last = text.rstrip(separator).rfind(separator) + 1
    marks = (Mark(last, len(text), "host"),) if last < len(text) else ()
    return Look("path", marks, tuple(_path_facts(text)), tuple(_path_warnings(text.split(separator))))


def _path_facts(text: str) -> Iterator[str]:
    if text.startswith("/") or re.match(r"[A-Za-z]:[\\/]", text):
        yield "absolute"
    elif not text.startswith("~"):
        yield "seen from where the tool works"


def _path_warnings(steps: list[str]) -> Iterator[str]:
    if ".." in steps:
        yield "leads upwards by .."
    if steps[0].startswith("~"):
        yield "begins in somebody's home"
    if any(step.startswith(".") and step not in {".", ".."} for step in steps):
        yield "names something hidden"
    if any(mark in step for step in steps for mark in "*?["):
        yield "may stand for many files: it has *, ? or ["
