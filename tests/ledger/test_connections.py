"""A connection to SQLite lets go of everything, however whoever wanted it has gone."""

from __future__ import annotations

import asyncio
import gc
import threading
from pathlib import Path

import pytest

from placet.ledger._sqlite import connect, connect_to_read

pytestmark = pytest.mark.filterwarnings("error")


def threads() -> set[threading.Thread]:
    return set(threading.enumerate())


def ended(before: set[threading.Thread]) -> None:
    for thread in threads() - before:
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize("opening", [connect, connect_to_read])
def test_a_connection_that_nobody_has_any_more_is_closed(tmp_path: Path, opening: type) -> None:
    before = threads()

    async def open_and_forget() -> None:
        await opening(str(tmp_path / "a.db"))

    asyncio.run(open_and_forget())
    gc.collect()
    ended(before)


def test_a_loop_may_end_before_the_connection_is_open(tmp_path: Path) -> None:
    before = threads()

    async def begin() -> None:
        opening = asyncio.ensure_future(connect(str(tmp_path / "a.db")))
        await asyncio.sleep(0)
        opening.cancel()

    for _ in range(20):
        asyncio.run(begin())
    gc.collect()
    ended(before)


def test_a_loop_may_end_before_a_statement_does(tmp_path: Path) -> None:
    before = threads()
    slow = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 300000) SELECT count(*) FROM n"

    async def begin() -> None:
        connection = await connect(str(tmp_path / "a.db"))
        statement = asyncio.ensure_future(connection.execute_fetchall(slow))
        await asyncio.sleep(0)
        statement.cancel()
        await connection.close()

    asyncio.run(begin())
    ended(before)
