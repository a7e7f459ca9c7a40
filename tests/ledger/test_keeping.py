"""What is kept under a name: idempotency keys, the seal key, agents."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import pytest

from placet.ledger import AgentRow, KeyClaim, Ledger, LedgerError, ToolRow


async def test_the_first_to_claim_a_key_decides_what_it_stands_for(
    ledger: Ledger, another: Callable[[], Ledger]
) -> None:
    other = another()
    claims = await asyncio.gather(
        *(one.claim_key("s", "k", f"f{n}", f"t{n}") for n in range(6) for one in (ledger, other))
    )
    (winner,) = set(claims)
    assert await ledger.claim_key("s", "k", "later", "later") == winner
    assert await ledger.claim_key("another scope", "k", "f", "t") == KeyClaim("t", "f")
    assert await ledger.claim_key("s", "another key", "f", "t") == KeyClaim("t", "f")


async def test_a_key_may_hold_anything(ledger: Ledger) -> None:
    for key in ("\x00", "\ud800", "k" * 10_000, "'; DROP TABLE events; --", ""):
        assert await ledger.claim_key("s", key, "f", f"t of {len(key)}") == KeyClaim(f"t of {len(key)}", "f")


async def test_a_ledger_has_one_seal_key_for_ever(ledger: Ledger, another: Callable[[], Ledger]) -> None:
    others = [another() for _ in range(3)]
    keys = await asyncio.gather(*(one.seal_key() for one in [ledger, *others] for _ in range(2)))
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32


async def test_two_ledgers_have_two_seal_keys(ledger: Ledger, tmp_path: object) -> None:
    other = Ledger.at(f"{tmp_path}/other.db")
    await other.migrate()
    assert await other.seal_key() != await ledger.seal_key()
    await other.close()


async def test_agents_are_those_last_published(ledger: Ledger) -> None:
    assert await ledger.agents() == []
    tool = ToolRow(name="refund", description="Refunds.", args_schema={"type": "object", "maximum": 2**64})
    billing = AgentRow(name="billing", description="Bills", model="openai:x", tools=(tool,))
    await ledger.put_agents([billing, AgentRow(name="audit")])
    assert await ledger.agents() == [AgentRow(name="audit"), billing]
    await ledger.put_agents([billing])
    assert await ledger.agents() == [billing]


async def test_workers_that_publish_at_once_leave_one_of_their_lists(
    ledger: Ledger, another: Callable[[], Ledger]
) -> None:
    other = another()
    lists = [[AgentRow(name=f"a{n}"), AgentRow(name="shared", description=str(n))] for n in range(6)]
    await asyncio.gather(*(one.put_agents(agents) for agents in lists for one in (ledger, other)))
    assert await ledger.agents() in lists


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///:memory:", "mysql://u:secret@h/d", "://", "oracle://x"])
def test_another_kind_of_database_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(LedgerError) as caught:
        Ledger.at(url)
    assert "secret" not in str(caught.value)


def test_a_driver_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(LedgerError, match=r"placet\[postgres\]"):
        Ledger.at("postgresql://u:secret@h/d")
