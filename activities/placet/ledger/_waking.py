"""Wakes who follows the log: PostgreSQL tells of events as they come, SQLite is asked.

What is told is only that there may be something new. Who follows reads behind their cursor, and
looks every second even where nothing was told: a notice may get lost, an event does not.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sqlalchemy import URL

CHANNEL: Final = "placet_events"
_LOOK_ANYWAY_SECONDS: Final = 1.0
_ASK_SECONDS: Final = 0.1
"""How often SQLite is asked: looking at the end of an index takes it a fraction of a millisecond."""


class Waking:
    """Lets many wait for the next event of one database."""

    def __init__(self, url: URL) -> None:
        """Listens at the first wait, with a connection of its own."""
        self._url = url
        self._listens = url.get_backend_name() == "postgresql"
        self._listener: asyncio.Task[None] | None = None
        self._told = asyncio.Event()

    def news(self) -> asyncio.Event:
        """Returns what will be set by the next notice from now on."""
        if self._listens and (self._listener is None or self._listener.done()):
            self._listener = asyncio.create_task(self._listen())
        return self._told

    async def wait(self, news: asyncio.Event, seconds: float) -> None:
        """Returns when it is time to look again: at the notice, and before the seconds are over."""
        if not self._listens:
            await asyncio.sleep(min(_ASK_SECONDS, seconds))
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(_LOOK_ANYWAY_SECONDS, seconds)):
                await news.wait()

    async def close(self) -> None:
        """Stops listening."""
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener

    async def _listen(self) -> None:
        # Only who uses PostgreSQL has its driver.
        import psycopg  # noqa: PLC0415

        address = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        while True:
            with contextlib.suppress(psycopg.Error, OSError):
                connection = await psycopg.AsyncConnection.connect(address, autocommit=True, connect_timeout=3)
                async with connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    self._tell()
                    async for _ in connection.notifies():
                        self._tell()
            await asyncio.sleep(_LOOK_ANYWAY_SECONDS)

    def _tell(self) -> None:
        told, self._told = self._told, asyncio.Event()
        told.set()
