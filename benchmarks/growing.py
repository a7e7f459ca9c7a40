"""How many bytes a run leaves behind, and how that grows with its steps, beside the same agent in LangGraph."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import langgraph_agent as langgraph
from langgraph.checkpoint.base import BaseCheckpointSaver
from running import finished, start
from stage import Stage, quiet
from table import Row, exponent

from placet_testing.postgres import PostgresServer

STEP: Final = 1024
"""User bytes of a step."""
MOST: Final = 5.0
STEEPEST: Final = 1.1
Opened = Callable[[], AbstractContextManager[tuple[BaseCheckpointSaver[Any], Callable[[], int]]]]


@dataclass
class Growth:
    """What runs of several lengths cost.

    Attributes:
        costs: Bytes, by steps.
    """

    costs: dict[int, int] = field(default_factory=dict[int, int])

    def times_user_bytes(self, steps: int) -> float:
        """Returns the cost in user bytes."""
        return self.costs[steps] / (steps * STEP)

    @property
    def exponent(self) -> float:
        """Returns the power with which the cost grows."""
        return exponent(list(self.costs), list(self.costs.values()))


def placet(stage: Stage, lengths: Sequence[int], ledger: Callable[[], int], settling: float) -> tuple[Growth, Growth]:
    """Measures runs of Placet's: what Temporal keeps of them, and what the ledger does.

    Args:
        stage: Where they run.
        lengths: Their steps.
        ledger: Counts the ledger's bytes.
        settling: Seconds before the first and after each. Temporal keeps the timer of a timeout until it would have
            fired, also of what has ended long before: for half a minute a run looks larger than what it leaves behind.
    """
    of_temporal, of_ledger = Growth(), Growth()
    time.sleep(settling)
    for steps in lengths:
        quiet(stage.temporal_bytes, ledger)
        before = stage.temporal_bytes(), ledger()
        run_id, _ = start(stage, steps, STEP)
        finished(stage, run_id)
        time.sleep(settling)
        quiet(stage.temporal_bytes, ledger)
        of_temporal.costs[steps] = stage.temporal_bytes() - before[0]
        of_ledger.costs[steps] = ledger() - before[1]
    return of_temporal, of_ledger


def in_langgraph(folder: Path, lengths: Sequence[int], opened: Opened) -> Growth:
    """Measures runs of the same agent in LangGraph, each on a new database."""
    found = Growth()
    for steps in lengths:
        with opened() as (saver, size):
            before = size()
            langgraph.run(saver, folder, steps, STEP)
            time.sleep(0.5)
            found.costs[steps] = size() - before
    return found


def bytes_of_runs(stage: Stage, lengths: Sequence[int], settling: float, postgres: PostgresServer | None) -> list[Row]:
    """Returns the figures."""
    of_temporal, of_ledger = placet(stage, lengths, stage.ledger_bytes, settling)
    both = Growth({steps: of_temporal.costs[steps] + of_ledger.costs[steps] for steps in lengths})
    others = {"LangGraph, SQLite": in_langgraph(stage.folder, lengths, partial(langgraph.on_sqlite, stage.folder))}
    if postgres is not None:
        others["LangGraph, PostgreSQL"] = in_langgraph(stage.folder, lengths, partial(langgraph.on_postgres, postgres))
    rows = [row for against, other in others.items() for row in _rows(both, against, other, lengths)]
    longest = lengths[-1]
    for name, part in (("Temporal", of_temporal), ("ledger", of_ledger)):
        rows.append(
            Row(figure=f"of these, {name} at {longest} steps", ours=part.times_user_bytes(longest), unit="× user")
        )
    return rows


def _rows(both: Growth, against: str, other: Growth, lengths: Sequence[int]) -> list[Row]:
    rows = [
        Row(
            figure=f"bytes of {steps} steps of 1 KiB",
            ours=both.times_user_bytes(steps),
            baseline=other.times_user_bytes(steps),
            unit="× user",
            against=against,
            aim=f"≤ {MOST:g} × user",
        )
        for steps in lengths
    ]
    power = Row(
        figure="exponent of growth",
        ours=both.exponent,
        baseline=other.exponent,
        against=against,
        aim=f"≤ {STEEPEST:g}",
    )
    return [*rows, power]
