"""A child process of `placet up`: its own session, its log, its end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from placet.engine.launching import launched
from placet.engine.server import Command

_LARGEST_LOG: Final = 20_000_000


@dataclass(frozen=True, kw_only=True)
class Child:
    """A process to keep running.

    Attributes:
        name: What it is, in sentences.
        command: How it is started.
        log: The file that gets what it prints.
        ready: Tells whether it does its work; asked again and again until it does.
        grace: How long it may take to end after SIGTERM, before it is killed.
    """

    name: str
    command: Command
    log: Path
    ready: Callable[[], Awaitable[bool]]
    grace: timedelta = timedelta(seconds=5)


async def start(child: Child) -> asyncio.subprocess.Process:
    """Starts the child in a session of its own: a Ctrl-C in the terminal does not reach it."""
    child.log.parent.mkdir(parents=True, exist_ok=True)
    if child.log.exists() and child.log.stat().st_size > _LARGEST_LOG:
        child.log.replace(child.log.with_suffix(".log.1"))
    with child.log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *launched(child.command.arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(child.command.environment),
            start_new_session=True,
        )


async def stop(process: asyncio.subprocess.Process, grace: timedelta) -> None:
    """Asks the child to end, waits, and kills what is left of its session."""
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), grace.total_seconds())
        except TimeoutError:
            kill_group(process)
            await process.wait()
    kill_group(process)


def kill_group(process: asyncio.subprocess.Process) -> None:
    """Kills the child and everything that it started and that did not leave its session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def how_it_ended(code: int) -> str:
    """Returns an exit code in words."""
    if code < 0:
        return f"by signal {signal.Signals(-code).name}"
    return f"with exit code {code}"


def last_words(log: Path, since: int = 0, lines: int = 15) -> str:
    """Returns the last lines of the log after this position."""
    with log.open("rb") as file:
        file.seek(since)
        text = file.read().decode(errors="replace")
    return "\n".join(text.rstrip().splitlines()[-lines:])
