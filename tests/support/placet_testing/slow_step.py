"""A workflow of which one step takes longer than the SDK's limit, once; as on a machine that is short of CPU."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from temporalio import workflow

SECONDS: Final = 3.0
"""More than the two that the SDK gives a step."""


class Slowness:
    """Makes a step slow, the first time."""

    left = 1

    @classmethod
    def take(cls) -> None:
        """Takes its time where it has not been taken yet, as a thread does that gets no CPU."""
        if cls.left:
            cls.left -= 1
            time.sleep(SECONDS)


@workflow.defn
class SlowOnce:
    """Waits for a signal and answers, in two tasks of its loop; the step after the signal is slow the first time."""

    def __init__(self) -> None:
        """Waits."""
        self._told = False
        self._answered = False

    @workflow.run
    async def run(self) -> str:
        """Returns once it was told."""
        beside = asyncio.create_task(self._wait_for_the_answer())
        await workflow.wait_condition(lambda: self._told)
        Slowness.take()
        self._answered = True
        return await beside

    async def _wait_for_the_answer(self) -> str:
        await workflow.wait_condition(lambda: self._answered)
        return "done"

    @workflow.signal
    def tell(self) -> None:
        """Lets it go on."""
        self._told = True
