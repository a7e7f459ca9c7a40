"""A loop and threads of their own for tools, so that no tool can stop a heartbeat."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

_Result = TypeVar("_Result")


class ToolThreads:
    """One event loop in a thread of its own, whose executor has a thread for every activity slot.

    Asynchronous tools share the loop, as they would in a program of their own, so that a client made
    in one call can be used in the next; synchronous ones run in the executor.
    """

    def __init__(self, slots: int, name: str = "tool") -> None:
        """Starts the loop.

        Args:
            slots: How many activities the worker runs at once.
            name: Of the threads.
        """
        self._loop = asyncio.new_event_loop()
        self._loop.set_default_executor(ThreadPoolExecutor(slots, thread_name_prefix=name))
        self._thread = threading.Thread(target=self._work, name=f"{name}s", daemon=True)
        self._thread.start()

    async def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Runs a coroutine in the tools' loop and return its result."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def _work(self) -> None:
        """Runs the loop until it is stopped; a tool that tries to end the process ends nothing but its own call."""
        while True:
            try:
                self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt):
                continue
            return

    def close(self) -> None:
        """Stops the loop; threads of tools that still run end with the process."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=1)
        if not self._thread.is_alive():
            self._loop.close()
