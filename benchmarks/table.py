"""The table that every figure ends up in: what Placet does, and what its baseline did in the same run."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HEADINGS: Final = ("figure", "Placet", "baseline", "÷", "aim", "baseline is", "n")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure.

    Attributes:
        unit: `ms`, `/s`, `B`, or nothing.
        baseline: None where there is nothing to compare with.
        against: What the baseline is.
        aim: What it should be.
        n: How often it was measured.
    """

    figure: str
    ours: float
    unit: str = ""
    baseline: float | None = None
    against: str = ""
    aim: str = ""
    n: int = 1

    @property
    def quotient(self) -> float | None:
        """Returns Placet's figure in baselines."""
        return self.ours / self.baseline if self.baseline else None

    def cells(self) -> tuple[str, ...]:
        """Returns the row as it is printed."""
        quotient = self.quotient
        return (
            self.figure,
            _number(self.ours, self.unit),
            "" if self.baseline is None else _number(self.baseline, self.unit),
            "" if quotient is None else f"{quotient:.2f}",
            self.aim,
            self.against,
            str(self.n),
        )


def table(rows: Sequence[Row]) -> str:
    """Returns the rows as a table of Markdown whose columns are aligned."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    shown = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join((shown[0], rule, *shown[1:]))


def median(values: Sequence[float]) -> float:
    """Returns the middle of the values."""
    return statistics.median(values)


def slow(values: Sequence[float]) -> float:
    """Returns the 95th percentile: what one in twenty exceeds."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * 0.95) - 1)]


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Returns the power with which the cost grows: the slope of the line through the logarithms.

    There is none where a cost is no more than what the database has let go of meanwhile, as in a run that waits for
    nothing.
    """
    if min(costs) <= 0:
        return math.nan
    return statistics.linear_regression([math.log(size) for size in sizes], [math.log(cost) for cost in costs]).slope


def _number(value: float, unit: str) -> str:
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 1_000 else 0  # noqa: PLR2004 - three digits that say something
    return f"{value:,.{digits}f} {unit}".rstrip()
