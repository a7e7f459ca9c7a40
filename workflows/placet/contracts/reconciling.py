"""How the ledger is compared with Temporal: what a pass is told, and what it did."""

from __future__ import annotations

from typing import Final, Literal

from placet.contracts._base import Message
from placet.contracts.decisions import Person
from placet.contracts.events import SYSTEM_RECONCILER

WORKFLOW_TYPE: Final = "PlacetReconcile"

RECONCILER: Final = Person(id=SYSTEM_RECONCILER, name="Placet", via="reconciler")
"""Who ends what nobody else can end any more."""


class Place(Message):
    """Where a pass goes on: in which list, and behind which row."""

    kind: Literal["approvals", "runs"] = "approvals"
    after: str | None = None


class ReconcileInput(Message):
    """The input of the workflow `PlacetReconcile`, as its schedule gives it.

    Attributes:
        v: The version of the schedule's definition; only a later one replaces it.
        older_than_seconds: Younger rows are left alone.
        apart_seconds: How long after its first sighting something is believed; less than the interval of
            the schedule, whose passes do not start to the millisecond.
        pages: How many pages one workflow looks at, at most; the next one goes on behind them.
        anyway: An operator says that this is the right namespace, however much is gone.
    """

    v: int = 1
    older_than_seconds: float = 60.0
    apart_seconds: float = 50.0
    pages: int = 50
    anyway: bool = False


class ReconcilePageInput(Message):
    """The input of the activity `placet.reconcile`: one page of open rows."""

    place: Place = Place()
    older_than_seconds: float = 60.0
    apart_seconds: float = 50.0
    anyway: bool = False


class Reconciled(Message):
    """What a page, or a pass, found.

    Attributes:
        examined: Open rows that were looked at.
        suspected: Those that are not as the ledger says, for the first time.
        repaired: Those that were so before, and were put right.
        next: Where to go on; None at the end.
    """

    examined: int = 0
    suspected: int = 0
    repaired: int = 0
    next: Place | None = None
