"""The account file: a password for each person of a team that has no identity provider."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import structlog
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from placet.api.errors import AccountFileError

if TYPE_CHECKING:
    from pathlib import Path

    from placet.contracts.config import People

LONGEST_PASSWORD: Final = 1_000
AT_ONCE: Final = 2
"""Passwords that are checked at once: each takes 64 MiB."""
_HASHER: Final = PasswordHasher()
"""As costly as the library finds right today: the second choice of RFC 9106, 64 MiB in three passes of four lanes."""

_log = structlog.stdlib.get_logger(__name__)


@dataclass
class Accounts:
    """Passwords, as argon2 hashes.

    Attributes:
        hashes: By the user's name.
        nobodys: Is checked where there is no such account: that takes as long.
    """

    hashes: dict[str, str] = field(repr=False)
    nobodys: str = field(repr=False)
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE), repr=False)

    @classmethod
    def read(cls, path: Path, people: People) -> Accounts:
        """Returns the accounts of a file.

        Raises:
            AccountFileError: It cannot be read, or a line is wrong.
        """
        try:
            lines = path.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise AccountFileError(str(path), 0, f"cannot be read: {error}") from error
        hashes: dict[str, str] = {}
        for number, line in enumerate(lines, 1):
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            user, _, hashed = text.partition(":")
            flaw = _flaw(user, hashed, hashes, people)
            if flaw:
                raise AccountFileError(str(path), number, flaw)
            hashes[user] = hashed
            if _HASHER.check_needs_rehash(hashed):
                remedy = f"make a new line with `placet account hash {user}`"
                _log.warning("account_hash_is_not_of_today", user=user, line=number, remedy=remedy)
        return cls(hashes, _like(next(iter(hashes.values()), None)))

    async def holds(self, user: str, password: str) -> bool:
        """Returns whether it is somebody's password; that takes as long where there is no such account."""
        known = self.hashes.get(user)
        async with self._turn:
            right = await asyncio.to_thread(_verifies, known or self.nobodys, password[:LONGEST_PASSWORD])
        return right and known is not None and len(password) <= LONGEST_PASSWORD


def _like(hashed: str | None) -> str:
    """Returns a hash that nobody knows the password of, as costly to check as another."""
    hasher = PasswordHasher.from_parameters(extract_parameters(hashed)) if hashed else _HASHER
    return hasher.hash(secrets.token_bytes(16))


def _flaw(user: str, hashed: str, before: dict[str, str], people: People) -> str | None:
    if user not in people.users:
        return f"{user[:80]!r} is not one of the users of people"
    if user in before:
        return f"{user!r} is there twice"
    try:
        extract_parameters(hashed)
    except InvalidHashError:
        return f"the hash of {user!r} is none of argon2; `placet account hash {user}` makes one"
    return None


def _verifies(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
