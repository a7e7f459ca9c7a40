"""The list of revoked keys is read for everybody, and waited for by hardly anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from placet.api.auth.keys import FRESH, Revocations
from placet.ledger import RevokedKey

KEY = RevokedKey(digest="d", user="dana", by="user:root", at=datetime(2026, 1, 1, tzinfo=UTC))


class Slow:
    """A ledger that answers when it is let."""

    def __init__(self) -> None:
        self.revoked: dict[str, RevokedKey] = {}
        self.answers = asyncio.Event()
        self.asked = 0

    async def revoked_keys(self) -> dict[str, RevokedKey]:
        self.asked += 1
        await self.answers.wait()
        return self.revoked

    async def revoke_key(self, key: RevokedKey) -> None:
        self.revoked = {**self.revoked, key.digest: key}


@pytest.fixture
async def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets so many seconds pass."""
    loop = asyncio.get_running_loop()

    def pass_by(seconds: float) -> None:
        time = loop.time
        monkeypatch.setattr(loop, "time", lambda: time() + seconds)

    return pass_by


async def test_who_comes_soon_after_another_waits_for_nothing(later: Callable[[float], None]) -> None:
    slow = Slow()
    slow.answers.set()
    revocations = Revocations(slow)
    assert not await revocations.has("d")
    slow.answers.clear()
    await slow.revoke_key(KEY)
    later(0.7 * FRESH)
    assert not await revocations.has("d"), "it has not waited"
    await asyncio.sleep(0)
    assert slow.asked == 2, "and the list is read behind it"
    assert not await revocations.has("d")
    assert slow.asked == 2, "once"
    slow.answers.set()
    await asyncio.sleep(0.01)
    assert await revocations.has("d")


async def test_a_list_that_is_too_old_is_waited_for(later: Callable[[float], None]) -> None:
    slow = Slow()
    slow.answers.set()
    revocations = Revocations(slow)
    assert not await revocations.has("d")
    await slow.revoke_key(KEY)
    later(FRESH)
    assert await revocations.has("d")
