"""The way of an approval's events into the ledger: in order, each once, before the workflow ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from temporalio import workflow

from placet.contracts.records import EndedEntry, Entry, RecordInput, RequestedEntry
from placet.runs import effects

if TYPE_CHECKING:
    from placet.contracts.approvals import Asked
    from placet.contracts.decisions import Person

_BATCH_BYTES: Final = 256 * 1024
"""Entries that are written together, at most, unless a single one is larger: thousands of refused
Signals in one activity would be more than Temporal takes as its input, for ever."""


class Recorder:
    """Writes the entries of one approval.

    Attributes:
        decider: Who decided, as the ledger's side has verified it.
    """

    def __init__(self) -> None:
        """Starts with nothing written."""
        self.decider: Person | None = None
        self._outbox: list[Entry] = []
        self._written = 1  # `requested` is number 0

    @property
    def done(self) -> bool:
        """Whether everything is in the ledger."""
        return not self._outbox

    def add(self, entry: Entry) -> None:
        """Takes the next entry; it is written soon."""
        self._outbox.append(entry)

    async def keep(self, asked: Asked) -> None:
        """Writes what is added, for as long as the workflow lives."""
        await self._open(asked)
        while True:
            await workflow.wait_condition(lambda: bool(self._outbox))
            batch = self._next_batch()
            given = RecordInput(approval_id=asked.id, first=self._written, entries=batch)
            last = batch[-1]
            told = last.status if isinstance(last, EndedEntry) else last.type
            result = await effects.record(given, f"ledger: {told}")
            if result.missing:
                await self._open(asked)
                continue
            self.decider = result.by or self.decider
            self._written += len(batch)
            del self._outbox[: len(batch)]

    async def _open(self, asked: Asked) -> None:
        """Writes what was asked: at first, and again where the ledger has lost it."""
        given = RecordInput(approval_id=asked.id, asked=asked, first=0, entries=(RequestedEntry(),))
        await effects.record(given, "ledger: requested")

    def _next_batch(self) -> tuple[Entry, ...]:
        size = 0
        batch: list[Entry] = []
        for entry in self._outbox:
            size += len(entry.model_dump_json())
            if batch and size > _BATCH_BYTES:
                break
            batch.append(entry)
        return tuple(batch)
