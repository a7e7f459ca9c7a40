"""The approval's way into the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio import activity

from placet.contracts.records import EndedEntry, Entry, RecordInput, RecordResult, RefusedEntry
from placet.contracts.seal import verify
from placet.runs import effects

if TYPE_CHECKING:
    from placet.contracts.decisions import Decision, Person
    from placet.ledger import Ledger


class RecordActivities:
    """The activity that writes an approval's events."""

    def __init__(self, ledger: Ledger) -> None:
        """Writes to this ledger."""
        self._ledger = ledger

    @activity.defn(name=effects.RECORD)
    async def record(self, given: RecordInput) -> RecordResult:
        """Writes the entries, each once, with the deciders as far as they are verified."""
        asked = given.asked or await self._ledger.asked(given.approval_id)
        if asked is None:
            return RecordResult(missing=True)
        key = await self._ledger.seal_key()
        entries = tuple(_verified(key, given.approval_id, entry) for entry in given.entries)
        await self._ledger.record(asked, given.first, entries)
        return RecordResult(by=_decider(entries))


def _verified(key: bytes, approval_id: str, entry: Entry) -> Entry:
    """Returns the entry with `via: temporal` where nobody but Temporal vouches for who decided."""
    if isinstance(entry, RefusedEntry):
        by = _person(key, approval_id, entry.decision)
        return entry.model_copy(update={"decision": entry.decision.model_copy(update={"by": by})})
    if isinstance(entry, EndedEntry) and entry.winner and entry.decision:
        by = _person(key, approval_id, entry.winner)
        return entry.model_copy(
            update={
                "winner": entry.winner.model_copy(update={"by": by}),
                "decision": entry.decision.model_copy(update={"by": by}),
            }
        )
    return entry


def _person(key: bytes, approval_id: str, decision: Decision) -> Person:
    if verify(key, decision.seal, approval_id, decision.id, decision.fingerprint, decision.by):
        return decision.by
    return decision.by.model_copy(update={"via": "temporal"})


def _decider(entries: tuple[Entry, ...]) -> Person | None:
    for entry in entries:
        if isinstance(entry, EndedEntry) and entry.decision:
            return entry.decision.by
    return None
