"""How a decision gets to its approval: as an Update that answers, else as a Signal that is stored.

An Update needs a live worker; when none answers in time, the same decision goes as a Signal, which Temporal
stores without any worker. Both carry one id, so both may arrive and it counts once. A timeout is never a "no":
an abandoned Update may still be applied when a worker returns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from weakref import WeakValueDictionary

from placet.api.errors import NoAnswerError, UnreachableError
from placet.contracts.decisions import DecideResult

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Returns the time of this machine, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Limits:
    """How long each step of a decision may take.

    Attributes:
        update: Until the Signal is sent, while the deadline is far; and the end of waiting for the Update.
        signal: For Temporal to store the Signal.
        in_all: For everything, from the moment in which the request began.
        before_deadline: The Signal is sent at the latest this long before the approval's deadline.
        shortest: The least that an Update gets, however near the deadline is.
    """

    update: timedelta = timedelta(seconds=5)
    signal: timedelta = timedelta(seconds=5)
    in_all: timedelta = timedelta(seconds=9)
    before_deadline: timedelta = timedelta(seconds=2)
    shortest: timedelta = timedelta(milliseconds=50)

    def patience(self, left: timedelta | None) -> timedelta:
        """Returns how long an Update may take before the Signal is sent.

        Args:
            left: Until the approval's deadline; None where there is none.
        """
        if left is None:
            return self.update
        if left < 2 * self.before_deadline:
            return min(self.update, max(left / 2, self.shortest))
        return min(self.update, left - self.before_deadline)


@dataclass(frozen=True)
class Envelope:
    """Something to deliver to an approval.

    Attributes:
        update: Sends it and waits for the answer.
        store: Sends the same as a Signal.
        note: Remembers that it is stored, at once: from then on others are told that one is on its way.
    """

    approval_id: str
    expires_at: datetime | None
    update: Callable[[], Awaitable[DecideResult]]
    store: Callable[[], Awaitable[None]]
    note: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True)
class Stored:
    """Temporal has stored it; nobody has answered yet."""


STORED: Final = Stored()


class Delivery:
    """Delivers, one Update per approval at a time: Temporal takes ten in all, from every gateway together."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def deliver(self, envelope: Envelope) -> DecideResult | Stored:
        """Returns the approval's answer, or that the envelope is stored.

        Raises:
            RefusedError: The gate said no.
            ClosedError: The approval has ended.
            UnreachableError: Temporal did not confirm to have it.
        """
        left = envelope.expires_at - self._clock() if envelope.expires_at else None
        patience = self._limits.patience(left)
        loop = asyncio.get_running_loop()
        began = loop.time()
        update = asyncio.create_task(self._update_in_turn(envelope))
        try:
            await asyncio.wait({update}, timeout=patience.total_seconds())
            answer = _answer(update)
            if answer is None:
                answer = await self._store(envelope, update, began)
            if answer is None:
                waited = loop.time() - began
                await asyncio.wait({update}, timeout=max(0.0, self._limits.update.total_seconds() - waited))
                answer = _answer(update, stored=True)
            return answer or STORED
        finally:
            update.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await update

    async def _update_in_turn(self, envelope: Envelope) -> DecideResult:
        turn = self._turns.setdefault(envelope.approval_id, asyncio.Lock())
        async with turn:
            return await envelope.update()

    async def _store(self, envelope: Envelope, update: asyncio.Task[DecideResult], began: float) -> DecideResult | None:
        """Sends the Signal; where that fails, the Update's answer that came meanwhile is as good."""
        spent = asyncio.get_running_loop().time() - began
        limit = min(self._limits.signal.total_seconds(), self._limits.in_all.total_seconds() - spent)
        try:
            async with asyncio.timeout(limit):
                await envelope.store()
        except (TimeoutError, NoAnswerError, UnreachableError) as error:
            answer = _answer(update, stored=True)
            if answer is None:
                reason = f"Temporal did not confirm that it has it ({str(error) or 'no answer in time'})"
                raise UnreachableError(reason, sent=True) from error
            return answer
        if envelope.note is not None:
            await envelope.note()
        return None


def _answer(update: asyncio.Task[DecideResult], *, stored: bool = False) -> DecideResult | None:
    """Returns the Update's answer; None while there is none, or where no worker gave it.

    Args:
        update: The task that sends it.
        stored: Whether the Signal has been sent: from then on a lost connection says nothing.

    Raises:
        RefusedError: The gate said no.
        ClosedError: The approval has ended.
        UnreachableError: There is no connection at all, so nothing has left this process.
    """
    if not update.done():
        return None
    try:
        return update.result()
    except NoAnswerError:
        return None
    except UnreachableError as error:
        if not error.sent and not stored:
            raise
        return None
