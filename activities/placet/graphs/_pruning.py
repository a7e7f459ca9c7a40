"""Which checkpoints of a thread nobody will read again.

Each checkpoint holds the whole state, or in PostgreSQL each channel that changed, so a thread grows with the square of
its length. Of a run that goes on the head stays, and enough before it for an operator's reset; of one that has ended
only the head does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

KEPT: Final = 16
"""Supersteps before the head that stay while a run goes on: so far a reset may go back."""
EVERY: Final = 8
"""After so many supersteps what is older is looked for."""


class Stored(NamedTuple):
    """A checkpoint as its row says.

    Attributes:
        root: The checkpoint of the graph itself in whose superstep a subgraph stored it.
        in_parts: The thread has channels of which a checkpoint holds only what was added: it cannot be read without
            those before it.
    """

    namespace: str
    id: str
    parent: str | None
    root: str | None = None
    in_parts: bool = False


def superfluous(stored: Sequence[Stored], head: str, keep: int) -> list[tuple[str, str]]:
    """Returns the checkpoints to be deleted, by namespace and id.

    What hangs on no ancestor of the head is another agent's, and stays.

    Args:
        stored: All of the thread.
        head: The one that counts, as the workflow has recorded it.
        keep: How many before it stay.
    """
    if any(one.in_parts for one in stored):
        return []
    parents = {one.id: one.parent for one in stored if not one.namespace}
    line = list(_line(parents, head))
    kept = set(line[: keep + 1])
    gone = {one for one in parents if one not in kept and one <= head and kept.union(line) & set(_line(parents, one))}
    nested = [one for one in stored if one.namespace]
    stay = _newest_memories(nested, set(line))
    return [
        *(("", one) for one in sorted(gone)),
        *((one.namespace, one.id) for one in nested if one.root in gone and (one.namespace, one.id) not in stay),
    ]


def _line(parents: Mapping[str, str | None], last: str) -> Iterator[str]:
    """Yields a checkpoint and those before it."""
    one: str | None = last
    while one is not None and one in parents:
        yield one
        one = parents[one]


def _newest_memories(nested: Iterable[Stored], line: set[str]) -> set[tuple[str, str]]:
    """Returns the newest checkpoint of each subgraph with a memory of its own, which it goes on from in any superstep.

    The namespace of any other subgraph names the task in which it ran.
    """
    newest: dict[tuple[str, bool], str] = {}
    for one in nested:
        if ":" not in one.namespace:
            place = (one.namespace, one.root in line)
            newest[place] = max(newest.get(place, ""), one.id)
    return {(namespace, found) for (namespace, _), found in newest.items()}
