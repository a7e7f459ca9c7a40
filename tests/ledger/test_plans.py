"""Lists read ranges of indexes: a page of a long list costs what a page of a short one costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, get_args

import pytest
from sqlalchemy import Select, Update, create_engine, insert, text, update
from sqlalchemy.dialects import postgresql, sqlite

from placet.contracts.approvals import ENDS
from placet.ledger import ApprovalQuery, ApprovalSort, Ledger, RunQuery, Viewer
from placet.ledger._approval_lists import listing
from placet.ledger._cursor import encode
from placet.ledger._database import Database
from placet.ledger._repairs import OLDEST_FIRST, oldest
from placet.ledger._run_views import listing as run_listing
from placet.ledger._tables import approvals, approvers, runs
from placet_testing.ledger_samples import NOON, after

ROWS: Final = 4_000
FIRST_EXPIRY: Final = 1_800_000_000_000_000
STATUSES: Final = ("pending", "rejected", "expired", "approved")
KEPT_IN_ORDER: Final = tuple(sort for sort in get_args(ApprovalSort) if sort != "urgency")
"""The orders that an index gives; urgency changes with the time of day."""
BOTH: Final[dict[str, type]] = {"sqlite": sqlite.dialect, "postgresql": postgresql.dialect}


@pytest.fixture
async def full(ledger: Ledger, ledger_url: str) -> str:
    """The URL of a database with thousands of rows, which knows how they are spread."""
    await ledger.ping()
    await fill(ledger_url)
    return ledger_url


async def fill(url: str) -> None:
    database = Database(url)
    async with database.write() as connection:
        await connection.execute(insert(approvals), [_approval(n) for n in range(ROWS)])
        named = [{"approval_id": f"{n:032}", "name": "role:approver"} for n in range(ROWS)]
        await connection.execute(insert(approvers), named)
        await connection.execute(insert(runs), [_run(n) for n in range(ROWS)])
    await database.close()
    run_and_count(url)


def run_and_count(url: str, *statements: Update) -> None:
    """Runs statements, and lets the database count its rows."""
    engine = create_engine(url.replace("+aiosqlite", ""), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in (*statements, text("ANALYZE")):
            connection.execute(statement)
    engine.dispose()


def _approval(n: int) -> dict[str, object]:
    return {
        "id": f"{n:032}",
        "status": STATUSES[n % 4],
        "kind": "tool_call",
        "tool": f"tool {n % 10}",
        "risk": "medium",
        "run_id": f"run {n // 4}",
        "thread_id": f"thread {n // 8}",
        "requester": f"user:{n % 50}",
        "requested_at": after(seconds=n),
        "expires_order": FIRST_EXPIRY + n * 1_000_000,
        "search": "words",
        "asked": {},
    }


def _run(n: int) -> dict[str, object]:
    return {
        "id": f"run {n}",
        "agent": "billing",
        "thread_id": f"thread {n // 2}",
        "status": "running" if n % 100 == 0 else "completed",
        "requester": f"user:{n % 50}",
        "results": [],
        "started_at": after(seconds=n),
    }


async def plan(url: str, statement: Select[*tuple[Any, ...]]) -> str:
    database = Database(url)
    dialect = BOTH["sqlite" if database.is_sqlite else "postgresql"]()
    compiled = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    async with database.read() as connection:
        rows = (await connection.exec_driver_sql(explain + str(compiled).replace("%", "%%"))).all()
    await database.close()
    return "\n".join(str(row[-1]) for row in rows)


def assert_reads_an_index_in_order(steps: str, table: str) -> None:
    """No scan of the whole table, and no sort of what was found."""
    bad = (f"SCAN {table}\n", "TEMP B-TREE", f"Seq Scan on {table}", "Sort")
    assert not [mark for mark in bad if mark in steps + "\n"], steps


async def test_the_pages_of_each_order_come_from_an_index(full: str) -> None:
    anybody = Viewer("user:7", roles=frozenset({"requester", "approver"}))
    for sort in KEPT_IN_ORDER:
        reached = ROWS - 100 if sort.startswith("-") else 100
        key = FIRST_EXPIRY + reached * 1_000_000 if sort == "expires_at" else after(seconds=reached)
        later = encode(sort, key, f"{reached:032}")
        for cursor in (None, later):
            for statuses in (("pending",), ("rejected",), ("approved",), ()):
                for viewer in (None, anybody):
                    query = ApprovalQuery(statuses=statuses, sort=sort, cursor=cursor, visible_to=viewer)
                    assert_reads_an_index_in_order(await plan(full, listing(query, NOON)), "approvals")
    for status in ((), ("completed",), ("failed",)):
        query = RunQuery(statuses=status, visible_to=None)
        assert_reads_an_index_in_order(await plan(full, run_listing(query, NOON)), "runs")


async def test_what_is_sorted_by_urgency_is_only_what_waits(full: str) -> None:
    most = (approvals.c.status == "pending") & (approvals.c.id > f"{200:032}")
    run_and_count(full, update(approvals).where(most).values(status="cancelled"))
    for viewer in (None, Viewer("user:7", roles=frozenset({"requester", "approver"}))):
        query = ApprovalQuery(statuses=("pending",), sort="urgency", visible_to=viewer)
        steps = await plan(full, listing(query, NOON))
        assert "approvals_by_" in steps, steps
        assert "Seq Scan on approvals" not in steps, steps
        assert "SCAN approvals\n" not in steps, steps


async def test_several_statuses_are_ranges_of_which_each_gives_a_page(full: str) -> None:
    """What is sorted is at most a page of each range."""
    for sort in KEPT_IN_ORDER:
        steps = await plan(full, listing(ApprovalQuery(statuses=ENDS, sort=sort), NOON))
        assert "Seq Scan on approvals" not in steps, steps
        assert "SCAN approvals\n" not in steps, steps
        assert steps.count("approvals_by_") >= len(ENDS), steps


@pytest.mark.parametrize("statuses", [(), ("pending",), ENDS])
async def test_what_belongs_to_a_run_or_thread_is_found_by_it(full: str, statuses: Sequence[str]) -> None:
    for query, index in (
        (ApprovalQuery(statuses=tuple(statuses), run_id="run 7"), "approvals_of_run"),
        (ApprovalQuery(statuses=tuple(statuses), thread_id="thread 7"), "approvals_of_thread"),
    ):
        assert index in await plan(full, listing(query, NOON))
    for run_query, index in (
        (RunQuery(thread_id="thread 7"), "runs_of_thread"),
        (RunQuery(requester="user:7"), "runs_of_requester"),
    ):
        assert index in await plan(full, run_listing(run_query, NOON))


async def test_the_reconcilers_pages_come_from_an_index(full: str) -> None:
    for table, key in ((approvals, "pending"), (runs, "completed")):
        for cursor in (None, encode(OLDEST_FIRST, after(seconds=100), f"{100:032}")):
            query = oldest(table, tuple(table.c), table.c.status == key, after(days=1), cursor, 200)
            assert_reads_an_index_in_order(await plan(full, query), table.name)
