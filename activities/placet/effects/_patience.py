"""Patience with the ledger, once a tool has run or may have."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from placet.ledger import LedgerUnavailableError

_PAUSE_SECONDS: Final = 0.5
_Result = TypeVar("_Result")


async def patiently(step: Callable[[], Awaitable[_Result]]) -> _Result:
    """Repeats a step until the ledger takes it: the attempt must not fail now."""
    while True:
        try:
            return await step()
        except LedgerUnavailableError:
            await asyncio.sleep(_PAUSE_SECONDS)
