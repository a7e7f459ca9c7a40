"""Ports on the loopback interface: which ones are free, and the same ones again at the next start."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from placet.engine.progress import Say

LOOPBACK: Final = "127.0.0.1"
_LAST: Final = 65535
_LETTING_GO: Final = 3.0
"""Seconds for which a port of the last run is waited for: a process that was killed may hold it a moment longer."""


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port that is wanted.

    Attributes:
        name: What listens there, in the words of the message when it is taken; the key in the kept file.
        usual: Its usual number; None for any.
        wished: The number that a person asks for this time; wins over the kept one.
        shown: Whether a person uses it and is told when it is another than usual.
    """

    name: str
    usual: int | None = None
    wished: int | None = None
    shown: bool = False


def is_free(number: int) -> bool:
    """Tells whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, number))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Returns a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return cast("int", probe.getsockname()[1])


def choose(wanted: list[Port], kept: Path, say: Say) -> dict[str, int]:
    """Returns a number for each port, the one of the last start where it is free, and keeps them for the next.

    Args:
        wanted: The ports: each gets the number that is wished, else the kept one, else the usual one, else any.
        kept: The file of the last start's numbers.
        say: Gets a sentence for each shown port that had to move.
    """
    before = _read(kept)
    chosen: dict[str, int] = {}
    for port in wanted:
        first = port.wished or before.get(port.name) or port.usual
        number = next(_candidates(port, first, before.get(port.name)), None) or free_port()
        while number in chosen.values():
            number = free_port()
        if port.shown and first not in (None, number):
            say(f"Port {first} is taken: the {port.name} listens on {number}.")
        chosen[port.name] = number
    _write(kept, before | chosen)
    return chosen


def _candidates(port: Port, first: int | None, before: int | None) -> Iterator[int]:
    if first is not None and (_free_soon(first) if first == before else is_free(first)):
        yield first
    if port.usual is not None and port.usual != first and is_free(port.usual):
        yield port.usual


def _free_soon(number: int) -> bool:
    give_up = time.monotonic() + _LETTING_GO
    while not is_free(number):
        if time.monotonic() >= give_up:
            return False
        time.sleep(0.1)
    return True


def _read(kept: Path) -> dict[str, int]:
    try:
        read: object = json.loads(kept.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    if not isinstance(read, dict):
        return {}
    entries = cast("dict[str, object]", read)
    return {name: number for name, number in entries.items() if isinstance(number, int) and 0 < number <= _LAST}


def _write(kept: Path, ports: Mapping[str, int]) -> None:
    half = kept.with_suffix(".new")
    half.write_text(json.dumps(ports, indent=2) + "\n", encoding="utf-8")
    half.replace(kept)
