"""Runs the `console` blocks of a page as a reader would: in terminals, comparing what is printed.

A block says in which terminal it is typed: ```` ```console terminal=2 ````. Lines that begin with `$ ` are commands.
Every other line is expected in the output, in this order; `…` stands for anything within a line. A word of eight
hexadecimal digits, or a UUID, is a sample of an id: its first appearance in expected output takes the real one's place,
and commands that name it later get the real one. `stays` marks a command that goes on running when the reader turns to
the next terminal, `again` one that a reader may have to repeat for a moment, and `exit=6` one that ends with that code.
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_BLOCK: Final = re.compile(r"^```console(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)
_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_SHORT_ID: Final = r"[0-9a-f]{8}"
_SAMPLE_ID: Final = re.compile(rf"\b(?:{_UUID}|{_SHORT_ID})\b")
_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_PROMPT: Final = "$ "
_LINES_BETWEEN: Final = r"[^\n]*\n(?:.*?\n)??[^\n]*?"
_SHORT: Final = 8
_PAUSE: Final = 0.3


@dataclass(frozen=True)
class Step:
    """One command of a page.

    Attributes:
        terminal: The name of the terminal in which it is typed.
        line: Where it stands in the page, counted from 1.
        expected: Lines of its output, in order.
        stays: It goes on running.
        again: It is repeated until its output is as expected.
        code: Its exit code.
    """

    terminal: str
    line: int
    command: str
    expected: tuple[str, ...] = ()
    stays: bool = False
    again: bool = False
    code: int = 0


def steps_of(page: str) -> list[Step]:
    """Returns the commands of a page's `console` blocks, in their order."""
    steps: list[Step] = []
    for block in _BLOCK.finditer(page):
        first = page.count("\n", 0, block.start("body")) + 1
        steps += _steps(block["body"], block["info"].split(), first)
    return steps


def _steps(body: str, words: list[str], first: int) -> list[Step]:
    def named(option: str, default: str) -> str:
        return next((word.removeprefix(option) for word in words if word.startswith(option)), default)

    commands: list[tuple[int, str, list[str]]] = []
    for place, text in enumerate(body.splitlines()):
        if text.startswith(_PROMPT):
            commands.append((first + place, text.removeprefix(_PROMPT), []))
        elif text.strip():
            assert commands, f"line {first + place}: output without a command"
            commands[-1][2].append(text.strip())
    terminal, code = named("terminal=", "1"), int(named("exit=", "0"))
    return [
        Step(terminal, line, command, tuple(expected), stays="stays" in words, again="again" in words, code=code)
        for line, command, expected in commands
    ]


class Running:
    """A command in a terminal of its own."""

    def __init__(self, command: str, folder: Path, environ: Mapping[str, str]) -> None:
        self.command = command
        self.output = ""
        self._terminal, inner = pty.openpty()
        self._process = subprocess.Popen(
            ["bash", "-c", command],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            cwd=folder,
            env=dict(environ),
            start_new_session=True,
        )
        os.close(inner)

    @property
    def pid(self) -> int:
        """The process id of the command's shell."""
        return self._process.pid

    def until(self, pattern: re.Pattern[str], limit: float) -> re.Match[str]:
        """Reads until the output matches; fails when the command ends or the time is over before."""
        give_up = time.monotonic() + limit
        while True:
            found = pattern.search(self.output)
            if found:
                return found
            left = give_up - time.monotonic()
            assert left > 0, f"{self.command}: {limit} s are over; still expected {pattern.pattern!r} in\n{self.output}"
            if not self._read(left):
                found = pattern.search(self.output)
                assert found, f"{self.command}: ended without {pattern.pattern!r} in\n{self.output}"
                return found

    def end(self, limit: float) -> int:
        """Reads to the end of the output and returns the exit code."""
        give_up = time.monotonic() + limit
        while self._read(give_up - time.monotonic()):
            assert time.monotonic() < give_up, f"{self.command}: {limit} s are over; it said\n{self.output}"
        return self._process.wait(max(give_up - time.monotonic(), 1))

    def stop(self, limit: float = 30) -> int:
        """Presses Ctrl-C, as it were, and returns the exit code."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
        return self.end(limit)

    def kill(self) -> None:
        """Kills what is left of it."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _read(self, limit: float) -> bool:
        """Reads what is there; False at the end."""
        if not select.select([self._terminal], [], [], max(limit, 0))[0]:
            return True
        try:
            given = os.read(self._terminal, 65536)
        except OSError:
            # Linux says so where every process has closed the terminal.
            return False
        self.output += _ESCAPES.sub("", given.decode(errors="replace")).replace("\r\n", "\n")
        return bool(given)


@dataclass
class Reader:
    """Somebody who types a page's commands, each in its terminal, and looks at what comes.

    Attributes:
        folder: Where the commands are typed.
        environ: What the commands find set.
        ids: The real ids that stand for the page's samples.
        staying: What runs in each terminal.
    """

    folder: Path
    environ: dict[str, str]
    ids: dict[str, str] = field(default_factory=dict[str, str])
    staying: dict[str, Running] = field(default_factory=dict[str, Running])

    def do(self, step: Step, limit: float) -> Running:
        """Types the command and waits for what the page expects, and for its end where it does not stay."""
        give_up = time.monotonic() + limit
        while True:
            try:
                return self._type(step, limit)
            except AssertionError:
                if not step.again or time.monotonic() > give_up:
                    raise
                time.sleep(_PAUSE)

    def close(self) -> None:
        """Kills what still runs in any terminal."""
        for running in self.staying.values():
            running.kill()

    def _type(self, step: Step, limit: float) -> Running:
        before = self.staying.pop(step.terminal, None)
        if before is not None:
            before.end(limit)
        running = Running(self._with_real_ids(step.command), self.folder, self.environ)
        self.staying[step.terminal] = running
        self._look(step, running, limit)
        if not step.stays:
            code = running.end(limit)
            assert code == step.code, f"line {step.line}: {running.command}: exit code {code}\n{running.output}"
            del self.staying[step.terminal]
        return running

    def _look(self, step: Step, running: Running, limit: float) -> None:
        pattern = ""
        for line in step.expected:
            pattern += (_LINES_BETWEEN if pattern else "") + self._pattern(line, pattern)
        found = running.until(re.compile(pattern, re.DOTALL), limit)
        for name, value in found.groupdict().items():
            sample = name.removeprefix("id_").replace("_", "-")
            self.ids |= {sample: value, sample[:_SHORT]: value[:_SHORT]}

    def _with_real_ids(self, text: str) -> str:
        return _SAMPLE_ID.sub(lambda sample: self.ids.get(sample[0], sample[0]), text)

    def _pattern(self, expected: str, before: str) -> str:
        pattern = ""
        for part in re.split(rf"({_SAMPLE_ID.pattern}|…)", expected):
            if part == "…":
                pattern += r"[^\n]*?"
            elif _SAMPLE_ID.fullmatch(part):
                pattern += self._id_pattern(part, before + pattern)
            else:
                pattern += r"\s+".join(re.escape(word) for word in re.split(r"\s+", part))
        return pattern

    def _id_pattern(self, sample: str, before: str) -> str:
        known = self.ids.get(sample)
        if known is not None:
            return re.escape(known)
        name, shape = f"id_{sample.replace('-', '_')}", _SHORT_ID if len(sample) == _SHORT else _UUID
        return f"(?P={name})" if f"(?P<{name}>" in before else rf"(?P<{name}>\b{shape})"
