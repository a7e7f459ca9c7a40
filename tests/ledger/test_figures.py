"""What the ledger says of what waits, and what it reads for that."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import postgresql, sqlite

from placet.contracts.records import EndedEntry, RequestedEntry
from placet.ledger import OVERDUE, Ledger, LedgerUnavailableError, PendingFigure
from placet.ledger._database import Database
from placet.ledger._figures import pending
from placet.ledger._tables import approvals
from placet_testing.ledger_samples import NOON, after, an_approval

AGES: Final = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "more": None}
ENDED: Final = 3_000


async def ask(ledger: Ledger, **changes: object) -> None:
    await ledger.record(an_approval(**changes), 0, (RequestedEntry(),))


async def test_what_waits_is_grouped_by_agent_kind_and_age(ledger: Ledger) -> None:
    far = after(days=90)
    await ask(ledger, agent="billing", expires_at=far)
    await ask(ledger, agent="billing", requested_at=after(minutes=30), expires_at=far)
    await ask(ledger, requested_at=after(minutes=59), expires_at=None)
    found = await ledger.figures.pending(AGES, after(hours=1))
    assert sorted(found, key=str) == [
        PendingFigure("billing", "tool_call", "1d", 1, NOON),
        PendingFigure("billing", "tool_call", "1h", 1, after(minutes=30)),
        PendingFigure(None, "tool_call", "1h", 1, after(minutes=59)),
    ]
    assert {one.age for one in await ledger.figures.pending(AGES, after(days=30))} == {"more"}


async def test_what_is_past_its_deadline_is_overdue_until_its_end_is_recorded(ledger: Ledger) -> None:
    asked = an_approval()
    await ledger.record(asked, 0, (RequestedEntry(),))
    deadline = after(days=1)
    assert [one.age for one in await ledger.figures.pending(AGES, deadline - timedelta(microseconds=1))] == ["1d"]
    assert [one.age for one in await ledger.figures.pending(AGES, deadline)] == [OVERDUE]
    await ledger.record(asked, 1, (EndedEntry(status="expired", at=deadline),))
    assert await ledger.figures.pending(AGES, deadline) == []


async def test_only_what_waits_is_read(ledger: Ledger, ledger_url: str) -> None:
    """However many have ended: one range of the index by status and deadline."""
    asked = an_approval()
    await ledger.record(asked, 0, (RequestedEntry(),))
    await ledger.record(asked, 1, (EndedEntry(status="expired", at=NOON),))
    database = Database(ledger_url)
    dialect = (sqlite if database.is_sqlite else postgresql).dialect()
    async with database.write() as connection:
        copied = ", ".join(column.name for column in approvals.columns if column.name != "id")
        for number in range(1, ENDED):
            row = text(f"INSERT INTO approvals (id, {copied}) SELECT '{number:032}', {copied} FROM approvals LIMIT 1")  # noqa: S608
            await connection.execute(row)
    async with database.write() as connection:
        await connection.execute(text("ANALYZE"))
    compiled = pending(AGES, NOON).compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    async with database.read() as connection:
        rows = (await connection.exec_driver_sql(explain + str(compiled).replace("%", "%%"))).all()
    await database.close()
    steps = "\n".join(str(row[-1]) for row in rows)
    assert "approvals_by_" in steps, steps
    assert "Seq Scan" not in steps, steps


async def test_a_ledger_that_cannot_be_used_counts_how_often(tmp_path: Path) -> None:
    ledger = Ledger.at(str(tmp_path / "empty.db"))
    for _ in range(2):
        with pytest.raises(LedgerUnavailableError):
            await ledger.ping()
    assert ledger.figures.times_unavailable == 2
    await ledger.close()
