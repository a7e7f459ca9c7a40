"""Transcripts that a worker remembers: of one that grows, only what is new is read.

Turns and messages never change once they are written, so what was read stays true. A worker that comes to a thread
anew, or after others have gone on with it, reads what it lacks.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from langchain_core.messages import BaseMessage

from placet.effects._transcript import readable
from placet.ledger import MessageDict, UnknownTurnError

LARGEST: Final = 32 * 1024 * 1024
"""Characters of all transcripts that are remembered, at most; those that were asked for last stay."""


class Kept(Protocol):
    """What is needed of the ledger."""

    async def transcript(self, turn_id: str, behind: str | None = None) -> list[MessageDict]:
        """Returns the messages to the turn, from the root or from behind another turn."""
        ...


@dataclass(frozen=True)
class _Remembered:
    turn_id: str
    messages: tuple[BaseMessage, ...]
    size: int


class Transcripts:
    """Reads transcripts, one of each thread remembered."""

    def __init__(self, ledger: Kept, largest: int = LARGEST) -> None:
        """Reads from this ledger, and remembers at most so many characters."""
        self._ledger = ledger
        self._largest = largest
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()

    async def to(self, thread_id: str, turn_id: str) -> list[BaseMessage]:
        """Returns the messages to a turn of a thread, as copies: a model's client may write into them.

        Raises:
            UnknownTurnError: The turn, or one before it, is not there.
        """
        known = self._remembered.get(thread_id)
        if known is None or known.turn_id != turn_id:
            known = await self._read(turn_id, known)
        self._remember(thread_id, known)
        return [message.model_copy(deep=False) for message in known.messages]

    async def _read(self, turn_id: str, known: _Remembered | None) -> _Remembered:
        if known is not None:
            try:
                return _longer(known, turn_id, await self._ledger.transcript(turn_id, behind=known.turn_id))
            except UnknownTurnError:
                # The thread goes on from an earlier turn than this worker has seen.
                pass
        return _longer(_Remembered("", (), 0), turn_id, await self._ledger.transcript(turn_id))

    def _remember(self, thread_id: str, read: _Remembered) -> None:
        self._remembered[thread_id] = read
        self._remembered.move_to_end(thread_id)
        while self._remembered and sum(one.size for one in self._remembered.values()) > self._largest:
            self._remembered.popitem(last=False)


def _longer(known: _Remembered, turn_id: str, stored: Sequence[MessageDict]) -> _Remembered:
    new = readable(stored)
    size = known.size + sum(len(str(message)) for message in stored)
    return _Remembered(turn_id, (*known.messages, *new), size)
