"""Keys of people and programs: known by their SHA-256, and refused once somebody has revoked them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from placet.ledger import LedgerError

if TYPE_CHECKING:
    from placet.contracts.config import People
    from placet.ledger import RevokedKey

FRESH: Final = 1.0
"""Seconds after which another gateway's revocation counts here, at most."""
_LIMIT: Final = 0.5
"""Seconds that a request waits for the list, at most; then what was known before counts."""

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class KeyRing:
    """The keys of the configuration, each with whose it is."""

    users: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    """The user by the key's SHA-256, as hex."""

    @classmethod
    def of(cls, people: People | None) -> KeyRing:
        """Returns the keys of a configuration."""
        users = people.users if people else {}
        return cls({key.removeprefix("sha256:"): user for user, entry in users.items() for key in entry.keys})

    def find(self, key: str) -> str | None:
        """Returns the digest of a key that somebody has; every key is compared, each in constant time."""
        given = hashlib.sha256(key.encode(errors="replace")).digest()
        found: str | None = None
        for digest in self.users:
            if hmac.compare_digest(bytes.fromhex(digest), given):
                found = digest
        return found if key else None


class RevocationRecords(Protocol):
    """What revocations need of the ledger."""

    async def revoked_keys(self) -> dict[str, RevokedKey]:
        """Returns every revoked key by its digest."""
        ...

    async def revoke_key(self, key: RevokedKey) -> None:
        """Lets nobody in with a key any more."""
        ...


class Revocations:
    """Which keys are revoked: read from the ledger at most once a second, however many requests come.

    While the ledger is down what was known before counts: who may decide must be able to decide then.
    """

    def __init__(self, records: RevocationRecords) -> None:
        self._records = records
        self._known: dict[str, RevokedKey] = {}
        self._read_at: float | None = None
        self._turn = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None

    async def has(self, digest: str) -> bool:
        """Returns whether a key lets nobody in any more.

        Who comes soon after another waits for nothing: the list is read again behind them, before it is too old.
        """
        if digest not in self._known:
            if self._age() >= FRESH:
                await self.refresh()
            elif self._age() >= FRESH / 2 and (self._reading is None or self._reading.done()):
                self._reading = asyncio.create_task(self.refresh())
        return digest in self._known

    def names(self, credential: str) -> bool:
        """Returns whether a key that the record names so is known to be revoked."""
        return any(digest.startswith(credential) for digest in self._known)

    async def all(self) -> dict[str, RevokedKey]:
        """Returns every revoked key by its digest, as the ledger has it now.

        Raises:
            LedgerError: It cannot be read.
        """
        self._known = await self._records.revoked_keys()
        return self._known

    async def revoke(self, key: RevokedKey) -> None:
        """Revokes a key; here at once, in every other gateway within a second.

        Raises:
            LedgerError: It could not be written.
        """
        await self._records.revoke_key(key)
        self._known.setdefault(key.digest, key)

    async def refresh(self) -> None:
        """Reads the list again, unless that was done a moment ago."""
        async with self._turn:
            if self._age() < FRESH / 2:
                return
            self._read_at = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(_LIMIT):
                    self._known = await self._records.revoked_keys()
            except (LedgerError, TimeoutError) as error:
                _log.warning("revocations_not_read", error=str(error))

    def _age(self) -> float:
        """Returns how long ago the list was read, in seconds."""
        return math.inf if self._read_at is None else asyncio.get_running_loop().time() - self._read_at
