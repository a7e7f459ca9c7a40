"""A TCP connection between two processes that a test cuts, holds and mends."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final, TypeVar

from placet.engine.ports import LOOPBACK

_CHUNK: Final = 65_536
_Result = TypeVar("_Result")


class Wire:
    """A port of this machine that leads to another one; whatever goes through it can be stopped.

    A wire that is held is a network that loses every packet: both ends wait, and what they sent arrives once it
    is mended. A wire that is cut is a machine that is gone: both ends are told so, and nobody gets a new connection.
    """

    def __init__(self, host: str, port: int) -> None:
        """Begins to listen."""
        self._target = (host, port)
        self._flows = {"ask": asyncio.Event(), "answer": asyncio.Event()}
        self._cut = False
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._do(self._listen())
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def address(self) -> str:
        """Where it is entered."""
        return f"{LOOPBACK}:{self.port}"

    def hold(self, *, only_answers: bool = False) -> None:
        """Lets nothing through; or what is asked, but not what is answered."""
        self._call(self._flows["answer"].clear)
        if not only_answers:
            self._call(self._flows["ask"].clear)

    def cut(self) -> None:
        """Ends every connection and refuses new ones."""
        self._cut = True
        self._call(self._drop)

    def mend(self) -> None:
        """Lets everything through again."""
        self._cut = False
        for flow in self._flows.values():
            self._call(flow.set)

    def close(self) -> None:
        """Ends it."""
        self._cut = True
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @contextlib.contextmanager
    def held(self, *, only_answers: bool = False) -> Generator[None]:
        """Is held for as long as the block takes."""
        self.hold(only_answers=only_answers)
        try:
            yield
        finally:
            self.mend()

    async def _listen(self) -> asyncio.Server:
        for flow in self._flows.values():
            flow.set()
        return await asyncio.start_server(self._connected, LOOPBACK, 0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await self._flows["ask"].wait()
            if self._cut:
                writer.transport.abort()
                return
            there_reader, there_writer = await asyncio.open_connection(*self._target)
        except OSError:
            # What is behind it is down.
            writer.transport.abort()
            self._open.discard(writer)
            return
        self._open.add(there_writer)
        pumps = [
            asyncio.create_task(self._pump(reader, there_writer, self._flows["ask"])),
            asyncio.create_task(self._pump(there_reader, writer, self._flows["answer"])),
        ]
        try:
            with contextlib.suppress(asyncio.CancelledError):  # the wire is closed
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            for end in (writer, there_writer):
                end.transport.abort()
                self._open.discard(end)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flow: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                await flow.wait()
                writer.write(data)
                await writer.drain()

    def _drop(self) -> None:
        for end in list(self._open):
            end.transport.abort()

    async def _end(self) -> None:
        self._server.close()
        self._drop()
        for flow in self._flows.values():
            flow.set()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _call(self, action: Callable[[], object]) -> None:
        async def act() -> None:
            action()

        self._do(act())

    def _do(self, coroutine: Coroutine[Any, Any, _Result]) -> _Result:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)
