"""Prints the figures, each beside its baseline of the same run: `make bench`, or `python benchmarks/run.py --quick`."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass

import deciding
from stage import Stage, stage
from table import Row, table


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much is measured.

    Attributes:
        decisions: Decided one after another.
        crowd: Decided in each round of the measurement with many people.
        concurrency: People who decide at once.
        rounds: Rounds of it.
    """

    decisions: int = 200
    crowd: int = 300
    concurrency: int = 16
    rounds: int = 4


QUICK = Sizes(decisions=20, crowd=40, concurrency=8, rounds=2)


async def figures(made: Stage, sizes: Sizes) -> list[Row]:
    """Returns every figure."""
    return [
        *await deciding.one_by_one(made, sizes.decisions),
        await deciding.at_once(made, sizes.crowd, sizes.concurrency, sizes.rounds),
    ]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: two minutes, figures that say little")
    given = parser.parse_args()
    with stage() as made:
        rows = asyncio.run(figures(made, QUICK if given.quick else Sizes()))
    print(table(rows), flush=True)


if __name__ == "__main__":
    main()
