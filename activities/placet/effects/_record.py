"""The approval's way into the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio import activity

from placet.contracts.decisions import withdrawal_fingerprint
from placet.contracts.records import EndedEntry, Entry, RecordInput, RecordResult, RefusedEntry
from placet.contracts.seal import attested, vouched
from placet.effects._watch import NOBODY, Watch
from placet.runs import effects

if TYPE_CHECKING:
    from placet.contracts.decisions import Person
    from placet.ledger import Ledger


class RecordActivities:
    """The activity that writes an approval's events."""

    def __init__(self, ledger: Ledger, watch: Watch = NOBODY) -> None:
        """Writes to this ledger."""
        self._ledger = ledger
        self._watch = watch

    @activity.defn(name=effects.RECORD)
    async def record(self, given: RecordInput) -> RecordResult:
        """Writes the entries, each once, with the deciders as far as they are verified."""
        asked = given.asked or await self._ledger.asked(given.approval_id)
        if asked is None:
            return RecordResult(missing=True)
        key = await self._ledger.seal_key()
        entries = tuple(_verified(key, given.approval_id, entry) for entry in given.entries)
        await self._ledger.record(asked, given.first, entries)
        self._watch.recorded(asked, entries)
        return RecordResult(by=_decider(entries))


def _verified(key: bytes, approval_id: str, entry: Entry) -> Entry:
    """Returns the entry with `via: temporal` where nobody but Temporal vouches for who acted."""
    if isinstance(entry, RefusedEntry):
        return entry.model_copy(update={"decision": attested(key, approval_id, entry.decision)})
    if isinstance(entry, EndedEntry) and entry.winner and entry.decision:
        winner = attested(key, approval_id, entry.winner)
        decision = entry.decision.model_copy(update={"by": winner.by})
        return entry.model_copy(update={"winner": winner, "decision": decision})
    if isinstance(entry, EndedEntry) and entry.by:
        mark = withdrawal_fingerprint(entry.status, entry.reason)
        by = vouched(key, entry.seal, approval_id, entry.withdrawal_id or "", mark, entry.by)
        return entry.model_copy(update={"by": by})
    return entry


def _decider(entries: tuple[Entry, ...]) -> Person | None:
    for entry in entries:
        if isinstance(entry, EndedEntry) and entry.decision:
            return entry.decision.by
    return None
