"""Measures what a thousand idle streams of events cost a gateway, beside what they cost if each polled the ledger.

Both are served by the same app, each in a process of its own: `feed` is `/v1/events`, `naive` a `StreamingResponse`
that reads the ledger each second for its client. Prints processor time and memory. `make bench`, or this file alone.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

import uvicorn
from fastapi import APIRouter
from starlette.responses import StreamingResponse
from table import Row, table

from placet.api import create_app
from placet.api.access import Gateway, SignedIn
from placet.api.approvals.listing import viewer_of
from placet.api.connections import Connection
from placet.api.server import listen
from placet.contracts.config import Config
from placet.engine.logs import configure_logs
from placet.engine.settings import Settings

STREAMS: Final = 1_000
WARM_UP: Final = 300
"""Streams that are opened and closed before: an allocator that has room must not make one of them look free."""
SECONDS: Final = 20.0
MOST: Final = 0.25
PATHS: Final = {"feed": "/v1/events", "naive": "/naive"}

router = APIRouter()


@router.get("/naive")
async def naive(caller: SignedIn, services: Gateway) -> StreamingResponse:
    """Streams by asking the ledger each second."""

    async def events() -> AsyncGenerator[bytes]:
        cursor, silence = await services.ledger.tail(), 0
        while True:
            for event in await services.ledger.events_after(cursor, visible_to=viewer_of(caller)):
                cursor, silence = event.id, 0
                yield f"id: {event.id}\nevent: {event.type}\ndata: {event.model_dump_json()}\n\n".encode()
            await asyncio.sleep(1)
            silence += 1
            if silence % 10 == 0:
                yield b": heartbeat\n"

    return StreamingResponse(events(), media_type="text/event-stream")


@dataclass(frozen=True)
class Cost:
    """What the streams cost: kilobytes of memory that one holds, and processor seconds in a second of all."""

    kilobytes: float
    processor: float


def serve(folder: str) -> None:
    """Serves the app; each line on stdin is answered with the memory and the processor time so far."""
    configure_logs(others=logging.CRITICAL)
    logging.getLogger("placet").setLevel(logging.CRITICAL)
    app = create_app(Settings(data=Path(folder)), Config())
    app.router.routes.extend(router.routes)
    with listen("127.0.0.1", 0) as listening:
        config = uvicorn.Config(app, http=Connection, log_config=None, access_log=False)
        asyncio.run(_serve(uvicorn.Server(config), listening.getsockname()[1], [listening]))


async def _serve(server: uvicorn.Server, port: int, sockets: list[socket.socket]) -> None:
    serving = asyncio.create_task(server.serve(sockets))
    loop = asyncio.get_running_loop()
    print(port, flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        gc.collect()
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps({"kilobytes": _private(), "seconds": used.ru_utime + used.ru_stime}), flush=True)
    server.should_exit = server.force_exit = True
    await serving


def _private() -> int:
    """Returns the kilobytes that this process alone has written."""
    lines = Path("/proc/self/smaps_rollup").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith("Private_Dirty")).split()[1])


async def measured(kind: str) -> Cost:
    """Returns what the streams of one kind cost, in a server of their own."""
    with tempfile.TemporaryDirectory(prefix="placet-bench-") as folder:
        command = [sys.executable, __file__, kind, folder]
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220 - at start
        try:
            return await _cost(server, PATHS[kind])
        finally:
            server.kill()
            server.wait()


async def _cost(server: subprocess.Popen[str], path: str) -> Cost:
    port = int(cast("IO[str]", server.stdout).readline())
    for writer in [await _opened(port, path) for _ in range(WARM_UP)]:
        writer.close()
    await asyncio.sleep(3)
    before = _look(server)
    writers = [await _opened(port, path) for _ in range(STREAMS)]
    await asyncio.sleep(5)
    began, first = time.monotonic(), _look(server)
    await asyncio.sleep(SECONDS)
    last, seconds = _look(server), time.monotonic() - began
    for writer in writers:
        writer.close()
    return Cost((last["kilobytes"] - before["kilobytes"]) / STREAMS, (last["seconds"] - first["seconds"]) / seconds)


def _look(server: subprocess.Popen[str]) -> dict[str, float]:
    asking = cast("IO[str]", server.stdin)
    asking.write("look\n")
    asking.flush()
    return json.loads(cast("IO[str]", server.stdout).readline())


async def _opened(port: int, path: str) -> asyncio.StreamWriter:
    """Opens a stream, and returns once the head of its answer is there."""
    for _ in range(100):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
            continue
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        status = await reader.readline()
        if b" 200 " in status:
            return writer
        # The ledger is being prepared.
        writer.close()
        await asyncio.sleep(0.1)
    message = f"{path} does not answer"
    raise RuntimeError(message)


def rows() -> list[Row]:
    """Measures both and returns the figures."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4 * STREAMS)), hard))
    feed, naive = (asyncio.run(measured(kind)) for kind in ("feed", "naive"))
    return [
        Row(
            figure=f"{STREAMS} idle streams, {name}",
            ours=ours,
            baseline=theirs,
            unit=unit,
            against="one that polls the ledger each",
            aim=f"÷ ≤ {MOST:g}",
            n=STREAMS,
        )
        for name, ours, theirs, unit in (
            ("memory of each", feed.kilobytes, naive.kilobytes, "KB"),
            ("processor", feed.processor * 100, naive.processor * 100, "% of a core"),
        )
    ]


def main() -> None:
    """Measures, or serves what is measured."""
    if len(sys.argv) > 1:
        serve(sys.argv[-1])
        os._exit(0)
    print(table(rows()), flush=True)


if __name__ == "__main__":
    main()
