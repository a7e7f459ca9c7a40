"""LangGraph's cooperative drain, where it is there: without it graphs run from wait to wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from langgraph import errors, runtime


class _NobodyDrainsError(Exception):
    """Raised by nobody."""


GraphDrained: Final = cast("type[Exception]", getattr(errors, "GraphDrained", _NobodyDrainsError))
"""Raised where a graph has stopped because it was asked to."""
_CONTROL: Final = cast("Callable[[], Any] | None", getattr(runtime, "RunControl", None))


class Drain:
    """Stops a graph at the end of its superstep."""

    def __init__(self) -> None:
        self._control = _CONTROL() if _CONTROL is not None else None

    def ask(self, reason: str) -> None:
        """Has the graph stop at the end of the superstep that it is in."""
        if self._control is not None:
            self._control.request_drain(reason)

    @property
    def given(self) -> dict[str, Any]:
        """What LangGraph is given, so that it hears."""
        return {"control": self._control} if self._control is not None else {}
