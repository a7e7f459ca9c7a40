"""How long it is from the end of a tool to the begin of the next one, early and late in a long run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from running import finished, gaps, raw_loop, start
from stage import Stage
from table import Row, median

AROUND: Final = 10
"""Gaps of which the median is taken, up to the step that is named."""


async def between_steps(stage: Stage, places: Sequence[int]) -> list[Row]:
    """Measures one long run, and the hand-written loop of two activities a step right after it."""
    steps, size = places[-1] + 1, 64
    run_id, name = start(stage, steps, size)
    finished(stage, run_id)
    ours = gaps(stage.times(name))
    theirs = gaps(stage.times(await raw_loop(stage, steps, size)))
    return [
        Row(
            figure=f"gap between steps, at {place}",
            ours=median(ours[max(0, place - AROUND) : place]) * 1000,
            baseline=median(theirs[max(0, place - AROUND) : place]) * 1000,
            unit="ms",
            against="raw loop: two activities a step",
            n=min(AROUND, place),
        )
        for place in places
    ]
