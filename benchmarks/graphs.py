"""What a graph costs in Placet, beside LangGraph alone with the same saver and beside Temporal's own plugin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from driven import STEP, Driven, InPlacet, Through, Waits, alone, by_plugin
from stage import Stage, quiet
from table import Row, median, slow

ALONE: Final = "LangGraph alone, its SQLite saver"
PLUGIN: Final = "Temporal's plugin: a node an activity"
SUPERSTEPS: Final = ""
SEGMENTS: Final = "in segments: "


@dataclass(frozen=True)
class Figures:
    """What one way of driving the graph came to.

    Attributes:
        kept: Bytes on the disk after the run without a wait.
    """

    through: Through
    kept: int
    waits: Waits


async def figures(stage: Stage, supersteps: int, waits: int, settling: float) -> list[Row]:
    """Measures a graph that runs through, and one that waits again and again.

    Args:
        stage: Where they run.
        supersteps: Of the first.
        waits: Of the second.
        settling: Seconds before bytes are counted, and after.
    """
    async with by_plugin(stage) as plugin, alone(stage.folder) as theirs:
        ways: dict[str, Driven] = {
            SUPERSTEPS: InPlacet(stage, "graph"),
            SEGMENTS: InPlacet(stage, "segments"),
            PLUGIN: plugin,
            ALONE: theirs,
        }
        found = {
            # Only Temporal lets go later of what it needs no more.
            name: await _measured(way, supersteps, waits, 0 if name == ALONE else settling)
            for name, way in ways.items()
        }
    rows = [row for figure in _figures(supersteps) for row in figure.rows(found)]
    return [row for row in rows if row.baseline is not None]


async def _measured(way: Driven, steps: int, waits: int, settling: float) -> Figures:
    """Runs the graph through, counts the bytes that this leaves behind, and runs the graph that waits."""
    await way.through(2)
    await asyncio.sleep(settling)
    quiet(way.bytes)
    before = way.bytes()
    through = await way.through(steps)
    await asyncio.sleep(settling)
    quiet(way.bytes)
    return Figures(through, way.bytes() - before, await way.waiting(waits))


@dataclass(frozen=True)
class _Figure:
    """A figure that each way has, or that only those have which have a history."""

    name: str
    unit: str
    of: Callable[[Figures], float | None]
    count: Callable[[Figures], int] = lambda _: 1

    def rows(self, found: dict[str, Figures]) -> Iterator[Row]:
        for ours in (SUPERSTEPS, SEGMENTS):
            for theirs in (ALONE, PLUGIN):
                value = self.of(found[ours])
                if value is not None:
                    yield Row(
                        figure=f"{ours}{self.name}",
                        ours=value,
                        baseline=self.of(found[theirs]),
                        unit=self.unit,
                        against=theirs,
                        n=self.count(found[ours]),
                    )


def _figures(steps: int) -> Sequence[_Figure]:
    def gap(found: Figures) -> float:
        return median(found.through.gaps) * 1000

    def slow_gap(found: Figures) -> float:
        return slow(found.through.gaps) * 1000

    def seen(found: Figures) -> float:
        return median(found.waits.seen) * 1000

    def went_on(found: Figures) -> float:
        return median(found.waits.went_on) * 1000

    def kept(found: Figures) -> float:
        return found.kept / (steps * STEP)

    def events(found: Figures) -> float | None:
        return None if found.through.events is None else found.through.events / steps

    def history(found: Figures) -> float | None:
        return None if found.through.history is None else found.through.history / (steps * STEP)

    def gaps(found: Figures) -> int:
        return len(found.through.gaps)

    def waits(found: Figures) -> int:
        return len(found.waits.seen)

    return (
        _Figure("from superstep to superstep, p50", "ms", gap, gaps),
        _Figure("from superstep to superstep, p95", "ms", slow_gap, gaps),
        _Figure("from an interrupt to its approval, p50", "ms", seen, waits),
        _Figure("from an answer to the next node, p50", "ms", went_on, waits),
        _Figure(f"bytes of {steps} supersteps of 1 KiB", "× user", kept),
        _Figure("of these, Temporal's history", "× user", history),
        _Figure("events of history a superstep", "", events),
    )
