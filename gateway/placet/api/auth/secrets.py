"""What this gateway signs and seals, with keys that every gateway on the same ledger derives alike."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Final, Literal

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

Use = Literal["cookie", "form", "sign-in", "provider", "draft"]
"""What a signature or a seal is for; one for another use is none."""

_SEPARATOR: Final = "."
_SEAL: Final = {"alg": "dir", "enc": "A256GCM"}


class Signer:
    """Signs and seals texts with the ledger's secret: every gateway on it knows its own, also after a restart."""

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
        return hmac.new(await self._derived(use), text.encode(errors="replace"), hashlib.sha256).hexdigest()

    async def signed(self, use: Use, text: str) -> str:
        """Returns the text with its mark."""
        return f"{text}{_SEPARATOR}{await self.mark(use, text)}"

    async def verified(self, use: Use, given: str) -> str | None:
        """Returns the text that was signed; None where it was not, or not for this use."""
        text, separator, mark = given.rpartition(_SEPARATOR)
        if not separator or not mark.isascii():
            return None
        return text if hmac.compare_digest(await self.mark(use, text), mark) else None

    async def sealed(self, use: Use, text: str) -> str:
        """Returns the text so that only a gateway on this ledger can read it (JWE, AES-256 in GCM).

        Raises:
            LedgerError: As for `mark`.
        """
        return jwe.encrypt_compact(dict(_SEAL), text, OctKey.import_key(await self._derived(use)))

    async def unsealed(self, use: Use, given: str) -> str | None:
        """Returns the text that was sealed; None where it was not, or not for this use."""
        key = OctKey.import_key(await self._derived(use))
        try:
            opened = jwe.decrypt_compact(given, key, algorithms=list(_SEAL.values())).plaintext
        except (JoseError, ValueError):
            return None
        return (opened or b"").decode()

    async def _derived(self, use: Use) -> bytes:
        return hmac.new(await self._key(), f"placet {use}".encode(), hashlib.sha256).digest()
