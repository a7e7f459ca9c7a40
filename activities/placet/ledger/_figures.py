"""Figures over the ledger for who watches it; each is one range of one index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, case, func, select

from placet.ledger._database import Database
from placet.ledger._tables import NEVER, approvals, micros

OVERDUE: Final = "overdue"
"""The age of what nobody can decide any more, and whose end nobody has recorded yet."""


@dataclass(frozen=True)
class PendingFigure:
    """How many approvals wait.

    Attributes:
        agent: Whose call or question it is; None where no agent asked.
        age: The name of the age that all of them have, or `overdue`.
        oldest: When the one was asked that waits longest.
    """

    agent: str | None
    kind: str
    age: str
    count: int
    oldest: datetime


def pending(ages: Mapping[str, timedelta | None], now: datetime) -> Select[*tuple[Any, ...]]:
    """Returns the query of what waits.

    Args:
        ages: The names of ages in their order, each with its limit; the last one has none.
        now: The moment to count from.
    """
    limits = [(approvals.c.requested_at > now - limit, name) for name, limit in ages.items() if limit is not None]
    rest = next(name for name, limit in ages.items() if limit is None)
    age = case((approvals.c.expires_order <= micros(now), OVERDUE), *limits, else_=rest).label("age")
    # The second condition is always true. It names the index's range, so that it is read and nothing else.
    waiting = (approvals.c.status == "pending", approvals.c.expires_order <= NEVER)
    each = select(approvals.c.agent, approvals.c.kind, age, approvals.c.requested_at).where(*waiting).subquery()
    groups = (each.c.agent, each.c.kind, each.c.age)
    counted = (func.count().label("approvals"), func.min(each.c.requested_at).label("oldest"))
    return select(*groups, *counted).group_by(*groups)


class Figures:
    """What who watches the ledger asks it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def times_unavailable(self) -> int:
        """How often this process could not use the ledger, since it began."""
        return self._database.times_unavailable

    async def pending(self, ages: Mapping[str, timedelta | None], now: datetime) -> list[PendingFigure]:
        """Returns how many approvals wait at `now`, by agent, kind and age.

        Args:
            ages: The names of ages in their order, each with its limit; the last one has none.
            now: The moment to count from; what is past its deadline has the age `overdue`.
        """
        async with self._database.read() as connection:
            rows = (await connection.execute(pending(ages, now))).all()
        return [PendingFigure(row.agent, row.kind, row.age, row.approvals, row.oldest) for row in rows]
