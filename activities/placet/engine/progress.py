"""Telling a person what a long step does while it does it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TextIO

from placet.engine.launching import launched

Say = Callable[[str], None]
"""Takes one sentence for the person who waits."""

EVERY: Final = 15.0
"""Seconds between two signs of life of a long step."""


def say_on_stderr(text: str, stream: TextIO | None = None) -> None:
    """Writes the sentence to standard error at once."""
    print(text, file=stream or sys.stderr, flush=True)


def silent(_text: str) -> None:
    """Says nothing."""


def run_with_signs_of_life(
    command: Sequence[str | Path], *, what: str, say: Say, log: Path, environment: Mapping[str, str], limit: float
) -> int:
    """Runs a command into a log file, says every few seconds how far it is, and returns its exit code.

    Args:
        command: Program, by its whole path, and arguments.
        what: What is done, for the signs of life: "building X".
        say: Where they go.
        log: Gets the command's whole output.
        environment: The command's environment.
        limit: Seconds after which it is killed.

    Raises:
        TimeoutError: The limit was reached.
    """
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            launched(tuple(str(word) for word in command)),
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=dict(environment),
        )
        done = threading.Event()
        watcher = threading.Thread(target=_signs, args=(done, what, say, log, started), daemon=True)
        watcher.start()
        try:
            return process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            message = f"{what} took longer than {limit:.0f} s"
            raise TimeoutError(message) from None
        finally:
            done.set()
            # Also on Ctrl-C: a compiler that goes on alone would keep the machine busy for minutes.
            if process.poll() is None:
                process.kill()
                process.wait()
            watcher.join()


def last_line(log: Path) -> str:
    """Returns the last line of a log that says something, shortened."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"


def _signs(done: threading.Event, what: str, say: Say, log: Path, started: float) -> None:
    while not done.wait(EVERY):
        steps = log.read_bytes().count(b"\n")
        say(f"  {what}: {time.monotonic() - started:.0f} s, {steps} steps done")
