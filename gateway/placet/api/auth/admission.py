"""Whether somebody who came in may still be here: for what goes on for hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from placet.api.auth.keys import Revocations
    from placet.api.decisions.delivery import Clock
    from placet.api.identity import Caller

_AT_ONCE: Final = 100
"""Sessions that one query asks about."""


class EndedSessions(Protocol):
    """What is asked of the ledger."""

    async def ended_sessions(self, prefixes: Collection[str], now: datetime) -> frozenset[str]:
        """Returns which of these beginnings of session ids belong to sessions that have ended."""
        ...


class Admission:
    """Says who has to leave: their key or session was revoked, or ran out."""

    def __init__(self, sessions: EndedSessions, revocations: Revocations, clock: Clock) -> None:
        self._sessions = sessions
        self._revocations = revocations
        self._clock = clock

    async def gone(self, callers: Iterable[Caller]) -> frozenset[Caller]:
        """Returns those who may not stay.

        Raises:
            LedgerError: Nobody can say.
        """
        here = [caller for caller in callers if caller.credential is not None]
        now = self._clock()
        by_token = {one for one in here if one.method == "jwt" and one.ends_at is not None and one.ends_at <= now}
        return frozenset(by_token | await self._without_key(here) | await self._without_session(here, now))

    async def _without_key(self, here: list[Caller]) -> set[Caller]:
        with_key = [one for one in here if one.method == "key"]
        if not with_key:
            return set()
        await self._revocations.refresh()
        return {one for one in with_key if self._revocations.names(one.credential or "")}

    async def _without_session(self, here: list[Caller], now: datetime) -> set[Caller]:
        # By the ledger, not by when it would have ended: to use it elsewhere has put that off.
        in_session = {one.credential or "": one for one in here if one.method == "session"}
        ended: set[str] = set()
        names = list(in_session)
        for first in range(0, len(names), _AT_ONCE):
            ended |= await self._sessions.ended_sessions(names[first : first + _AT_ONCE], now)
        return {one for one in here if one.method == "session" and one.credential in ended}
