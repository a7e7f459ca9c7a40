"""Heartbeats whose acceptance is known.

`activity.heartbeat()` is fire and forget. A tool may start only while Temporal still counts this
attempt as alive, so these heartbeats are calls that are answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Final

from temporalio import activity
from temporalio.client import AsyncActivityCancelledError, AsyncActivityHandle, Client
from temporalio.service import RPCError, RPCStatusCode

INTERVAL: Final = timedelta(seconds=1)
_CALL_LIMIT: Final = timedelta(seconds=2)


class LostAttemptError(Exception):
    """Temporal no longer counts this attempt as the activity's; another may have begun."""


class Beat:
    """The heartbeat of one attempt of an activity."""

    def __init__(self, handle: AsyncActivityHandle) -> None:
        """Beats for the attempt that the handle names."""
        self._handle = handle
        self._accepted = 0.0

    @property
    def age(self) -> timedelta:
        """How long ago the last accepted heartbeat was sent, by a clock that stops for nobody."""
        return timedelta(seconds=time.monotonic() - self._accepted)

    async def once(self) -> None:
        """Sends one heartbeat and waits until it is accepted.

        Raises:
            LostAttemptError: Temporal has given the activity to another attempt, or has closed it.
            RPCError: Temporal could not be reached.
        """
        sent = time.monotonic()
        try:
            # A cancel is told by the answer to a heartbeat that counts; a tool that has started is let finish.
            with contextlib.suppress(AsyncActivityCancelledError):
                await self._handle.heartbeat(rpc_timeout=_CALL_LIMIT)
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                raise LostAttemptError from error
            raise
        self._accepted = sent

    async def until_accepted(self, youngest: timedelta) -> None:
        """Sends heartbeats until one is accepted that is younger than this, however long Temporal cannot be reached.

        A process that was stopped or busy in between sends another one: where Temporal still takes it, nobody else
        has begun, and nobody needs to be asked whether the tool ran.

        Raises:
            LostAttemptError: Temporal has given the activity to another attempt, or has closed it.
        """
        while True:
            try:
                await self.once()
            except RPCError:
                await asyncio.sleep(INTERVAL.total_seconds())
            else:
                if self.age <= youngest:
                    return

    @contextlib.asynccontextmanager
    async def going(self) -> AsyncGenerator[None]:
        """Beats every second while the block runs; what fails is tried again at the next beat."""
        task = asyncio.create_task(self._keep_going())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _keep_going(self) -> None:
        while True:
            # The SDK counts only its own heartbeats, and cancels an attempt that has sent it none for the limit.
            activity.heartbeat()
            await asyncio.sleep(INTERVAL.total_seconds())
            with contextlib.suppress(RPCError, LostAttemptError):
                await self.once()


def beat_of(client: Client, task_token: bytes) -> Beat:
    """Returns the heartbeat of the running attempt with that token."""
    return Beat(client.get_async_activity_handle(task_token=task_token))
