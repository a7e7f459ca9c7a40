"""What a SQLite ledger holds, read past everything that serves it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class Told(NamedTuple):
    """An event as its row says it."""

    id: int
    type: str
    run_id: str | None
    approval_id: str | None
    actor: str | None


@dataclass
class LedgerTail:
    """Reads one ledger again and again over one connection."""

    file: Path

    def __post_init__(self) -> None:
        """Opens the file, for reading only."""
        self._connection = sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=10)

    def close(self) -> None:
        """Lets go of the file."""
        self._connection.close()

    def end(self) -> int:
        """Returns the id of the last event."""
        return self._connection.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()[0]

    def since(self, event_id: int) -> list[Told]:
        """Returns the events behind this one."""
        columns = ", ".join(Told._fields)
        rows = self._connection.execute(f"SELECT {columns} FROM events WHERE id > ? ORDER BY id", (event_id,))  # noqa: S608
        return [Told(*row) for row in rows]

    def approval(self, approval_id: str) -> tuple[object, ...] | None:
        """Returns the row of an approval."""
        return self._connection.execute("SELECT * FROM approvals WHERE id = ?", (approval_id,)).fetchone()

    def run(self, run_id: str) -> tuple[object, ...] | None:
        """Returns the row of a run."""
        return self._connection.execute("SELECT * FROM runs WHERE id = ?", (run_id,)).fetchone()

    def has_ended(self, named: str) -> bool:
        """Whether the run or the approval of that id has ended; false where there is none."""
        query = "SELECT ended_at FROM runs WHERE id = :id UNION ALL SELECT ended_at FROM approvals WHERE id = :id"
        return any(ended_at is not None for (ended_at,) in self._connection.execute(query, {"id": named}))
