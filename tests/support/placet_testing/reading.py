"""Clients of streams on the real thing: they read, drop the connection whenever they like, and come back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import httpx

from placet.ledger import Viewer
from placet_testing.deployment import Deployment, Json, log_behind
from placet_testing.gateway import key_of, people

_LIMIT: Final = 180.0
_NOTHING_TO_COME: Final = 204


@dataclass
class Reader:
    """Somebody who reads a stream in a thread, over as many connections as their luck gives them.

    Attributes:
        longest: The most events that they read before they drop the connection; None: they never do.
        got: What came, in order.
        connections: How many it took.
        comments: How many heartbeats came.
        over: Whether the gateway said that nothing more comes.
        refused: What a gateway answered instead of a stream.
    """

    deployment: Deployment
    user: str
    path: str = "/v1/events"
    types: str = ""
    longest: int | None = None
    luck: Random = field(default_factory=lambda: Random(1))  # noqa: S311 - no secret
    got: list[Json] = field(default_factory=list[Json])
    connections: int = 0
    comments: int = 0
    cursor: str | None = None
    start: str | None = None
    over: bool = False
    refused: list[str] = field(default_factory=list[str])
    _stopped: bool = False
    _line: socket.socket | None = None

    @property
    def ids(self) -> list[str]:
        """The ids of what came."""
        return [event["id"] for event in self.got]

    @contextlib.contextmanager
    def reading(self) -> Generator[None]:
        """Reads for as long as the block takes; it begins once the first connection is there."""
        thread = threading.Thread(target=self._read, daemon=True)
        thread.start()
        self.wait(lambda: self.connections > 0)
        try:
            yield
        finally:
            self.stop()
            thread.join(30)
            assert not thread.is_alive(), "a stream without heartbeats?"

    def stop(self) -> None:
        """Hangs up, and does not come back."""
        self._stopped = True
        if self._line is not None:
            # Whoever waits for the next line is not to wait for a heartbeat.
            with contextlib.suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)

    def wait(self, condition: Any, limit: float = _LIMIT) -> None:
        """Waits for a condition."""
        until = time.monotonic() + limit
        while not condition():
            assert time.monotonic() < until, (len(self.got), self.connections, self.refused)
            time.sleep(0.02)

    def _read(self) -> None:
        while not self._stopped and not self.over:
            gateway = self.luck.choice(self.deployment.gateways or [None])
            if gateway is None:
                time.sleep(0.1)
                continue
            with contextlib.suppress(httpx.TransportError):
                self._connect(gateway.url)
            time.sleep(self.luck.random() / 50)

    def _connect(self, url: str) -> None:
        headers = {"Authorization": f"Bearer {key_of(self.user)}"}
        if self.cursor:
            headers["Last-Event-ID"] = self.cursor
        query = {"types": self.types} if self.types else {}
        with (
            httpx.Client(base_url=url, trust_env=False, verify=False, timeout=25) as client,  # noqa: S501 - loopback
            client.stream("GET", self.path, headers=headers, params=query) as answer,
        ):
            if not answer.is_success or answer.status_code == _NOTHING_TO_COME:
                self.over = answer.status_code == _NOTHING_TO_COME
                if not self.over:
                    self.refused.append(answer.read().decode())
                return
            self._line = answer.extensions["network_stream"].get_extra_info("socket")
            self.cursor = self.cursor or answer.headers.get("x-placet-cursor")
            self.start = self.start or self.cursor
            self.connections += 1
            self._take(answer.iter_lines())

    def _take(self, lines: Iterator[str]) -> None:
        left = None if self.longest is None else self.luck.randint(0, self.longest)
        name = ""
        for line in lines:
            if self._stopped or left == 0:
                return
            match line.partition(": "):
                case ("", *_):
                    self.comments += line.startswith(":")
                case ("id", _, name):
                    pass
                case ("data", _, text):
                    self.got.append(json.loads(text))
                    assert self.got[-1]["id"] == name
                    self.cursor = name
                    left = None if left is None else left - 1
                case _:
                    pass


def owed(deployment: Deployment, reader: Reader) -> list[str]:
    """Returns the ids of everything that a reader has a right to, by the ledger alone."""
    user = people().users[reader.user]
    viewer = Viewer(f"user:{reader.user}", frozenset(user.groups), frozenset(user.roles))
    run_id = reader.path.split("/")[3] if "/runs/" in reader.path else None

    visible_to = None if viewer.roles & {"admin", "auditor"} else viewer
    types = reader.types.split(",") if reader.types else None
    wanted = log_behind(deployment.ledger_url, reader.start, run_id=run_id, types=types, visible_to=visible_to)
    with ThreadPoolExecutor(1) as thread:
        return [event.id for event in thread.submit(asyncio.run, wanted).result()]
