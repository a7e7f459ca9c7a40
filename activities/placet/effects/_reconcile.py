"""The reconciler: what the ledger shows as open is compared with Temporal, and put right after two sightings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError

from placet.contracts.reconciling import Place, Reconciled, ReconcilePageInput
from placet.effects._repairing import Repairing, has_been_reset
from placet.effects._whereabouts import Execution, Temporal
from placet.ledger import Ledger, OpenApproval, OpenRun
from placet.runs import approval, effects

PAGE: Final = 200
MANY: Final = 20
"""So many may be gone; where it is more, and more than half, this is the wrong namespace."""

WRONG_NAMESPACE: Final = "wrong_namespace"
TOO_MANY_GONE: Final = "too_many_gone"

GONE: Final = "gone"
ORPHAN: Final = "orphan"
UNKNOWN: Final = "unknown"

_log = structlog.stdlib.get_logger("placet.reconciler")

Found = Mapping[str, Execution | None]


class ReconcileActivities:
    """The activity that compares one page of open rows with Temporal."""

    def __init__(
        self, ledger: Ledger, temporal: Temporal, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Repairs this ledger after what this Temporal says."""
        self._ledger = ledger
        self._temporal = temporal
        self._clock = clock
        self._repairing = Repairing(ledger, temporal)

    @activity.defn(name=effects.RECONCILE)
    async def reconcile(self, given: ReconcilePageInput) -> Reconciled:
        """Compares one page.

        Raises:
            ApplicationError: So much is gone that this is not the ledger's namespace; nothing was changed.
        """
        if given.place.kind == "approvals":
            return await self._approvals(given)
        return await self._runs(given)

    async def _approvals(self, given: ReconcilePageInput) -> Reconciled:
        now = self._clock()
        page = await self._ledger.repairs.open_approvals(_before(given, now), given.place.after, PAGE)
        found = await self._temporal.look(row.workflow_id for row in page.items)
        await self._be_cautious(found, given, now)
        parents = await self._temporal.look(
            one.parent_id for one in found.values() if one is not None and one.is_open and one.parent_id
        )
        marks = {row.id: _mark_of_approval(row, found[row.workflow_id], parents) for row in page.items}
        due = await self._ledger.repairs.sight("approval", marks, now, _apart(given))
        for row in page.items:
            if row.id in due:
                _log.warning("reconciler.approval_repaired", approval_id=row.id, seen=marks[row.id])
                await self._repairing.approval(row, found[row.workflow_id], now)
        after_these = Place(kind="approvals", after=page.next_cursor)
        return _told(marks, due, after_these if page.next_cursor else Place(kind="runs"))

    async def _runs(self, given: ReconcilePageInput) -> Reconciled:
        now = self._clock()
        page = await self._ledger.repairs.open_runs(_before(given, now), given.place.after, PAGE)
        found = await self._temporal.look(row.workflow_id for row in page.items)
        await self._be_cautious(found, given, now)
        for row in page.items:
            await self._follow(row, found[row.workflow_id], now)
        marks = {row.id: _mark(found[row.workflow_id]) for row in page.items}
        due = await self._ledger.repairs.sight("run", marks, now, _apart(given))
        for row in page.items:
            if row.id in due:
                _log.warning("reconciler.run_repaired", run_id=row.id, seen=marks[row.id])
                await self._repairing.run(row, found[row.workflow_id], now)
        await self._ask_children(found, given, now)
        return _told(marks, due, Place(kind="runs", after=page.next_cursor) if page.next_cursor else None)

    async def _follow(self, row: OpenRun, here: Execution | None, now: datetime) -> None:
        """Notes that Temporal goes on with the run under another id of its own."""
        if here is None or here.run_id == row.workflow_run_id:
            return
        reset = await has_been_reset(self._temporal, row.workflow_run_id or here.first_run_id, here)
        if await self._repairing.follow(row, here, now, reset=reset) and reset:
            _log.info("reconciler.run_was_reset", run_id=row.id, workflow_run_id=here.run_id)

    async def _ask_children(self, found: Found, given: ReconcilePageInput, now: datetime) -> None:
        """Lets approvals that open runs wait for, and that the ledger does not show, write what they ask again."""
        waiting = {
            child.removeprefix(approval.ID_PREFIX)
            for one in found.values()
            for child in (one.children if one is not None else ())
            if child.startswith(approval.ID_PREFIX)
        }
        unknown = await self._ledger.repairs.unknown_approvals(waiting)
        marks = {approval_id: UNKNOWN if approval_id in unknown else None for approval_id in waiting}
        for approval_id in await self._ledger.repairs.sight("child", marks, now, _apart(given)):
            _log.warning("reconciler.approval_lost", approval_id=approval_id)
            await self._repairing.child(approval_id)

    async def _be_cautious(self, found: Found, given: ReconcilePageInput, now: datetime) -> None:
        """Refuses to believe what looks like the wrong namespace.

        A row that is found proves that ledger and namespace belong together; that is remembered.
        """
        here = await self._temporal.namespace_id()
        known = await self._ledger.repairs.namespace()
        gone = sum(one is None for one in found.values())
        if gone < len(found):
            if known != here:
                await self._ledger.repairs.belongs_to(here, now)
        elif gone and known != here and not given.anyway:
            raise _shout(WRONG_NAMESPACE, _WRONG.format(gone=gone, here=here, known=known or "not known yet"))
        if gone > MANY and gone * 2 > len(found) and not given.anyway:
            raise _shout(TOO_MANY_GONE, _TOO_MANY.format(gone=gone, examined=len(found)))


_ADVICE: Final = (
    "Nothing was changed. Look at TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and PLACET_LEDGER_URL of the workers. If all"
    " of it is right and the workflows are really lost, docs/how-to/survive-a-reset.md tells how to say so."
)
_WRONG: Final = (
    "None of the {gone} open rows of the ledger is in this Temporal namespace (id {here}), and it is not the one that"
    " the ledger belongs to (id {known}). " + _ADVICE
)
_TOO_MANY: Final = (
    "{gone} of {examined} open rows of the ledger are not in Temporal: this looks like the wrong namespace, or a new"
    " Temporal with an old ledger. " + _ADVICE
)


def _shout(kind: str, message: str) -> ApplicationError:
    _log.error(f"reconciler.{kind}", problem=message)
    return ApplicationError(message, type=kind, non_retryable=True)


def _before(given: ReconcilePageInput, now: datetime) -> datetime:
    return now - timedelta(seconds=given.older_than_seconds)


def _apart(given: ReconcilePageInput) -> timedelta:
    return timedelta(seconds=given.apart_seconds)


def _mark(here: Execution | None) -> str | None:
    """Returns what is wrong with something that the ledger shows as open; None where it is open."""
    if here is None:
        return GONE
    return None if here.is_open else f"{here.status.name.lower()} {here.run_id}"


def _mark_of_approval(row: OpenApproval, here: Execution | None, parents: Found) -> str | None:
    if here is None or not here.is_open or here.parent_id is None:
        return _mark(here)
    parent = parents[here.parent_id]
    if parent is not None and parent.is_open:
        # A reset does not close the children of the run that it ends, and the new run does not know them.
        return None if here.id in parent.children else f"{ORPHAN} {parent.run_id}"
    # A child of somebody else's workflow may be meant to outlive it.
    return f"{ORPHAN} {parent.run_id if parent else GONE}" if row.run_id == here.parent_id else None


def _told(marks: Mapping[str, str | None], due: Sequence[str] | frozenset[str], going_on: Place | None) -> Reconciled:
    wrong = sum(mark is not None for mark in marks.values())
    return Reconciled(examined=len(marks), suspected=wrong - len(due), repaired=len(due), next=going_on)
