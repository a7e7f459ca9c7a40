"""Keeps the children of `placet up` running, and ends them all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from placet.engine.children import Child, how_it_ended, kill_group, last_words, start, stop
from placet.engine.errors import ChildFailed
from placet.engine.progress import Say

WRONG: Final = frozenset({2, 9})
"""Exit codes by which a child says that its settings are wrong (usage, invalid): it is not started again."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How a child that ended is started again; in seconds.

    Attributes:
        first: The pause before the first new start; each next one is twice as long.
        most: The longest pause.
        steady: A child that ran for this long begins with the first pause again.
    """

    first: float = 0.5
    most: float = 30.0
    steady: float = 10.0


class Supervisor:
    """Starts children, starts them again when they end, and stops them in the reverse order of their groups."""

    def __init__(self, groups: Sequence[Sequence[Child]], say: Say, patience: Patience | None = None) -> None:
        """Takes the children in groups; a later group is stopped before an earlier one."""
        self._groups = groups
        self._say = say
        self._patience = patience or Patience()
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._ready: set[str] = set()
        self._stopping = asyncio.Event()
        self._keeping: list[asyncio.Task[None]] = []

    @property
    def children(self) -> list[Child]:
        """All of them, in the order in which they are started."""
        return [child for group in self._groups for child in group]

    def pids(self) -> dict[str, int]:
        """Returns the process id of each child that runs."""
        return {name: process.pid for name, process in self._running.items() if process.returncode is None}

    def was_ready(self, name: str) -> None:
        """Notes that the child has been ready: from now on it is started again whatever it says when it ends."""
        self._ready.add(name)

    async def run(self) -> None:
        """Keeps all children running until `stop` is called; they start together.

        Raises:
            ChildFailed: One says before it was ever ready that its settings are wrong.
        """
        self._keeping = [asyncio.create_task(self._keep(child)) for child in self.children]
        if self._keeping:
            done, _ = await asyncio.wait(self._keeping, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()

    async def until_ready(self, every: float = 0.1, remind: float = 10.0) -> None:
        """Returns when each child is ready; names those that are waited for every few seconds."""
        reminded = time.monotonic()
        waiting = self.children
        while waiting:
            for child in list(waiting):
                if child.name in self._running and await child.ready():
                    self.was_ready(child.name)
                    waiting.remove(child)
            if waiting and time.monotonic() - reminded >= remind:
                reminded = time.monotonic()
                self._say("Still waiting for: " + ", ".join(child.name for child in waiting))
            await asyncio.sleep(every if waiting else 0)

    async def stop(self) -> None:
        """Ends all children, the last group first; each has its grace, and nothing is left."""
        self._stopping.set()
        for group in reversed(self._groups):
            started = [(child, self._running[child.name]) for child in group if child.name in self._running]
            await asyncio.gather(*(stop(process, child.grace) for child, process in started))
        await asyncio.gather(*self._keeping, return_exceptions=True)

    def kill(self) -> None:
        """Kills all children now."""
        self._stopping.set()
        for process in self._running.values():
            kill_group(process)

    async def _keep(self, child: Child) -> None:
        pause = self._patience.first
        while not self._stopping.is_set():
            before = child.log.stat().st_size if child.log.exists() else 0
            began = time.monotonic()
            process = self._running[child.name] = await start(child)
            if self._stopping.is_set():
                # `stop` looked before this one had started.
                await stop(process, child.grace)
                return
            code = await process.wait()
            if self._stopping.is_set():
                return
            kill_group(process)
            if code in WRONG and child.name not in self._ready:
                raise ChildFailed(child.name, code, last_words(child.log, before), child.log)
            if time.monotonic() - began >= self._patience.steady:
                pause = self._patience.first
            self._say(
                f"The {child.name} ended {how_it_ended(code)}; starting it again in {pause:g} s (its log: {child.log})."
            )
            await self._pause(pause)
            pause = min(pause * 2, self._patience.most)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
