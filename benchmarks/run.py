"""Prints the figures, each beside its baseline of the same run: `make bench`, or `python benchmarks/run.py --quick`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass, fields, replace
from typing import Final

import deciding
import graphs
import growing
import pausing
import pending
import releasing
import streams
from stage import Stage, stage
from table import Row, table

from placet_testing.postgres import PostgresServer, postgres_server


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much is measured.

    Attributes:
        decisions: Decided one after another.
        crowd: Decided in each round of the measurement with many people.
        concurrency: People who decide at once.
        rounds: Rounds of it.
        released: Calls whose tools are waited for.
        lengths: Steps of the runs whose bytes are counted.
        settling: Seconds after each until they are.
        places: Steps at which the gap to the next one is looked at.
        waiting: Approvals that wait.
        supersteps: Of the graph that runs through.
        waits: Of the graph that asks.
    """

    decisions: int = 200
    crowd: int = 300
    concurrency: int = 16
    rounds: int = 4
    released: int = 50
    lengths: tuple[int, ...] = (10, 100, 300)
    settling: int = 100
    places: tuple[int, ...] = (10, 100, 1_000)
    waiting: int = 1_000
    supersteps: int = 50
    waits: int = 30


QUICK: Final = Sizes(
    decisions=10,
    crowd=24,
    concurrency=4,
    rounds=2,
    released=4,
    lengths=(3, 6),
    settling=0,
    places=(5, 10),
    waiting=20,
    supersteps=4,
    waits=2,
)
FIGURES: Final = ("deciding", "crowd", "releasing", "growing", "pausing", "pending", "graphs", "streams")


async def measure(
    made: Stage, postgres: PostgresServer | None, sizes: Sizes, wanted: Collection[str]
) -> AsyncGenerator[list[Row]]:
    """Yields every figure that is wanted, as soon as it is measured."""
    if "deciding" in wanted:
        yield await deciding.one_by_one(made, sizes.decisions)
    if "crowd" in wanted:
        yield [await deciding.at_once(made, sizes.crowd, sizes.concurrency, sizes.rounds)]
    if "releasing" in wanted:
        yield await releasing.decision_to_tool(made, sizes.released)
    if "growing" in wanted:
        yield growing.bytes_of_runs(made, sizes.lengths, sizes.settling, postgres)
    if "pausing" in wanted:
        yield await pausing.between_steps(made, sizes.places)
    if "pending" in wanted:
        yield await pending.bytes_waiting(made, sizes.waiting)
    if "graphs" in wanted:
        yield await graphs.figures(made, sizes.supersteps, sizes.waits, sizes.settling)


async def figures(made: Stage, postgres: PostgresServer | None, sizes: Sizes, wanted: Collection[str]) -> list[Row]:
    """Returns every figure that is wanted, and shows on stderr how far it is."""
    rows: list[Row] = []
    async for some in measure(made, postgres, sizes, wanted):
        rows += some
        for row in some:
            print(*row.cells(), sep="  ", file=sys.stderr, flush=True)
    return rows


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: a minute, and figures that say little")
    parser.add_argument("--only", nargs="+", choices=FIGURES, default=FIGURES, help="these figures alone")
    for one in fields(Sizes):
        many = "+" if isinstance(one.default, tuple) else None
        parser.add_argument(f"--{one.name}", type=int, metavar="N", nargs=many)
    given = parser.parse_args()
    changed = {one.name: getattr(given, one.name) for one in fields(Sizes) if getattr(given, one.name) is not None}
    sizes = replace(QUICK if given.quick else Sizes(), **changed)
    with postgres_server() as postgres, stage() as made:
        rows = asyncio.run(figures(made, postgres, sizes, given.only))
    if "streams" in given.only and not given.quick:
        rows += streams.rows()
    print(table(rows), flush=True)


if __name__ == "__main__":
    main()
