"""What this gateway signs, with keys that every gateway on the same ledger derives alike."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Final, Literal

Use = Literal["cookie", "form", "sign-in", "provider"]
"""What a signature is for; one for another use is none."""

_SEPARATOR: Final = "."


class Signer:
    """Signs short texts with the ledger's secret: every gateway on it knows the signature, also after a restart."""

    def __init__(self, key: Callable[[], Awaitable[bytes]]) -> None:
        """Reads nothing yet.

        Args:
            key: Gives the ledger's secret; it is read once a process.
        """
        self._key = key

    async def mark(self, use: Use, text: str) -> str:
        """Returns the hex HMAC-SHA256 of a text for one use.

        Raises:
            LedgerError: The secret cannot be read, and was not before.
        """
        derived = hmac.new(await self._key(), f"placet {use}".encode(), hashlib.sha256).digest()
        return hmac.new(derived, text.encode(errors="replace"), hashlib.sha256).hexdigest()

    async def signed(self, use: Use, text: str) -> str:
        """Returns the text with its mark."""
        return f"{text}{_SEPARATOR}{await self.mark(use, text)}"

    async def verified(self, use: Use, given: str) -> str | None:
        """Returns the text that was signed; None where it was not, or not for this use."""
        text, separator, mark = given.rpartition(_SEPARATOR)
        if not separator or not mark.isascii():
            return None
        return text if hmac.compare_digest(await self.mark(use, text), mark) else None
