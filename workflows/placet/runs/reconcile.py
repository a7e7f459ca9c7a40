"""The workflow `PlacetReconcile`: one pass over what the ledger shows as open, started by a schedule."""

from __future__ import annotations

from temporalio import workflow

from placet.contracts.reconciling import WORKFLOW_TYPE, Place, Reconciled, ReconcileInput, ReconcilePageInput
from placet.runs import effects


@workflow.defn(name=WORKFLOW_TYPE)
class Reconcile:
    """One pass; where it does not get to the end, the next one goes on behind it."""

    @workflow.run
    async def run(self, given: ReconcileInput = ReconcileInput()) -> Reconciled:  # noqa: B008 - it is frozen
        """Looks page by page and returns what was found."""
        before = workflow.get_last_completion_result(Reconciled)
        place: Place | None = (before.next if before else None) or Place()
        total = Reconciled()
        for _ in range(given.pages):
            if place is None:
                break
            page = await effects.reconcile(
                ReconcilePageInput(
                    place=place,
                    older_than_seconds=given.older_than_seconds,
                    apart_seconds=given.apart_seconds,
                    anyway=given.anyway,
                ),
                f"open {place.kind}",
            )
            place = page.next
            total = Reconciled(
                examined=total.examined + page.examined,
                suspected=total.suspected + page.suspected,
                repaired=total.repaired + page.repaired,
            )
        return total.model_copy(update={"next": place})
