"""What was answered is kept, whoever writes beside it and whoever is killed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from placet.ledger import Ledger
from placet_testing.ledger_samples import NOON, a_message

_WRITE = """
import asyncio, sys
from placet.contracts.records import RequestedEntry
from placet.ledger import Ledger
from placet_testing.ledger_samples import a_decision, an_approval, ended_by

async def write(ledger, count):
    while count:
        asked = an_approval()
        await ledger.record(asked, 0, (RequestedEntry(),))
        print("asked", asked.id, flush=True)
        await ledger.record(asked, 1, (ended_by(a_decision(asked), asked),))
        print("ended", asked.id, flush=True)
        count -= 1

async def main():
    ledger = Ledger.at(sys.argv[1])
    writers, count = int(sys.argv[2]), int(sys.argv[3])
    await asyncio.gather(*(write(ledger, count) for _ in range(writers)))
    await ledger.close()

asyncio.run(main())
"""


def writer(url: str, writers: int, count: int) -> subprocess.Popen[str]:
    """Starts a process that writes, and says of each thing written when it was answered."""
    command = [sys.executable, "-c", _WRITE, url, str(writers), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


async def told(ledger: Ledger) -> list[tuple[str, str]]:
    """Returns what the whole log says, in its order."""
    said: list[tuple[str, str]] = []
    cursor: str | None = None
    while events := await ledger.events_after(cursor, 1000):
        said += [(event.type, event.approval_id or "") for event in events]
        cursor = events[-1].id
    return said


async def test_eight_writers_of_two_processes_all_get_through(ledger: Ledger, ledger_url: str) -> None:
    processes = [writer(ledger_url, 4, 15) for _ in range(2)]
    for process in processes:
        _, errors = await asyncio.to_thread(process.communicate, timeout=50)
        assert process.returncode == 0, errors
    said = await told(ledger)
    assert Counter(kind for kind, _ in said) == {"approval.requested": 120, "approval.decided": 120}
    for approval_id in {of for _, of in said}:
        assert [kind for kind, of in said if of == approval_id] == ["approval.requested", "approval.decided"]


async def test_what_was_answered_before_a_kill_is_there_and_nothing_is_half(
    ledger: Ledger, another: Callable[[], Ledger], ledger_url: str
) -> None:
    answered: list[tuple[str, str]] = []
    for lines in (1, 6, 13, 24):
        process = writer(ledger_url, 3, -1)
        assert process.stdout is not None
        answered += [_answer(await asyncio.to_thread(process.stdout.readline)) for _ in range(lines)]
        process.kill()
        rest, errors = await asyncio.to_thread(process.communicate, timeout=20)
        assert errors == ""
        answered += [_answer(line) for line in rest.splitlines() if len(line) == len("asked ") + 32]
    fresh = another()
    said = await told(fresh)
    assert set(answered) <= set(said)
    assert max(Counter(said).values()) == 1
    for approval_id in {of for _, of in said}:
        approval = await fresh.approval(approval_id, NOON)
        assert approval is not None
        assert approval.status == ("approved" if ("approval.decided", approval_id) in said else "pending")
        assert ("approval.requested", approval_id) in said
    assert await told(ledger) == said


def _answer(line: str) -> tuple[str, str]:
    kind, approval_id = line.split()
    return {"asked": "approval.requested", "ended": "approval.decided"}[kind], approval_id


_GREEDY = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
while True:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT OR REPLACE INTO secrets (name, value) VALUES ('greedy', 'x')")
    time.sleep(0.02)
    connection.execute("COMMIT")
    print(flush=True)
"""


@contextmanager
def greedy(path: Path) -> Generator[None]:
    """Writes beside the block, one transaction right after the other."""
    process = subprocess.Popen((sys.executable, "-c", _GREEDY, str(path)), stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield
    finally:
        process.kill()
        process.communicate()


async def test_a_neighbour_that_writes_without_a_break_keeps_nobody_out(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    ledger = Ledger.at(str(path))
    await ledger.migrate()
    with greedy(path):
        for number in range(10):
            await ledger.put_message(f"m{number}", "run", a_message("said"))
    await ledger.close()
