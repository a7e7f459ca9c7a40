"""Runs the functions that describe calls: beside the worker's loop, for a few seconds, and never to allow anything."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

import structlog

from placet.agents import DescribedCall, Description
from placet.effects._threads import ToolThreads
from placet.policy import LONGEST_REASON, shown

LIMIT_SECONDS: Final = 5.0
_AT_ONCE: Final = 8

_log = structlog.get_logger("placet.describe")


@dataclass(frozen=True)
class _Failed:
    """The function gave no text."""

    why: str


class Describing:
    """The functions that rules name, and threads of their own to run them in.

    A function that hangs keeps its thread; when all hang, calls are described by the rule's own words. No tool and
    no judging waits for them.
    """

    def __init__(self, functions: Mapping[str, Description], limit_seconds: float = LIMIT_SECONDS) -> None:
        """Takes the functions by their reference; without any, nothing is started."""
        self._functions = functions
        self._limit = limit_seconds
        self._threads = ToolThreads(_AT_ONCE, "describe") if functions else None

    async def text(self, reference: str, call: DescribedCall) -> str | None:
        """Returns what the function says of the call; None where it raises, takes too long, or returns no text."""
        function = self._functions.get(reference)
        if function is None or self._threads is None:
            return None
        try:
            said = await asyncio.wait_for(self._threads.run(_said(function, call)), self._limit)
        except TimeoutError:
            said = _Failed(f"took longer than {self._limit:g} s")
        if isinstance(said, str):
            return said
        _log.warning("describe.failed", describe=reference, tool=call.tool, why=said.why)
        return None

    def close(self) -> None:
        """Stops the loop; a function that still runs ends with the process."""
        if self._threads is not None:
            self._threads.close()


async def _said(function: Description, call: DescribedCall) -> str | _Failed:
    """Returns the text; whatever the function raises stays here, also what would end a process."""
    try:
        found: object = await asyncio.to_thread(function, call)
        said = cast("object", await found if inspect.isawaitable(found) else found)
    except BaseException as error:  # noqa: BLE001 - a user's function may raise anything
        return _Failed(f"raised {type(error).__name__}")
    if not isinstance(said, str):
        return _Failed(f"returned {type(said).__name__}, not a text")
    # An escape is longer than what it stands for: cutting first keeps a text of megabytes from being escaped whole.
    lines = [shown(line, LONGEST_REASON) for line in said.strip()[:LONGEST_REASON].splitlines()]
    return "\n".join(lines)[:LONGEST_REASON] or _Failed("returned a blank text")
