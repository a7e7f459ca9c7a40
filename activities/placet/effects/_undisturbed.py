"""Work of users' code that an attempt's cancellation does not break off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from temporalio import activity

_Result = TypeVar("_Result")


async def undisturbed(running: asyncio.Task[_Result], asked_to_stop: Callable[[], object] = lambda: None) -> _Result:
    """Waits for a tool and its record, whatever becomes of the attempt meanwhile.

    The SDK cancels an attempt that it holds for timed out, as after a stop of the process. The tool would be
    broken off where it stands, and what it has done already would leave no evidence.

    Args:
        running: What is let finish.
        asked_to_stop: Called for each cancel, for what can end early by itself.

    Raises:
        CancelledError: The worker stops, and its grace is over.
    """
    while True:
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if running.done() or activity.is_worker_shutdown():
                raise
            asked_to_stop()
