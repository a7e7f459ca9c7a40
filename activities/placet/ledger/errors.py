"""What can go wrong with the ledger.

LedgerError
├── LedgerUnavailableError   it cannot be reached, is locked, read-only, full, or not migrated
├── LedgerTooNewError        a later version of Placet has migrated it
├── InvalidCursorError       a cursor that this ledger has not given for this list
├── UnknownTurnError         a transcript was asked for that hangs on a row nobody has written
├── UnknownTextError         a reference names arguments or a schema that nobody has put there
└── RunEndedError            the run has ended: nothing is appended to it and nothing starts in it
"""

from __future__ import annotations


class LedgerError(Exception):
    """Anything of the ledger; its text says what happened, to what, and what to do."""


class LedgerUnavailableError(LedgerError):
    """The ledger cannot be used now; the same call may succeed later, and may be repeated."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The ledger cannot be used now: {reason}")
        self.reason = reason


class LedgerTooNewError(LedgerError):
    """A later version of Placet has migrated the ledger."""

    def __init__(self, revision: str) -> None:
        super().__init__(
            f"The ledger is at revision {revision!r}, which this version of Placet does not know. "
            "Run the version that migrated it, or a later one."
        )
        self.revision = revision


class InvalidCursorError(LedgerError):
    """A cursor that this ledger has not given for this list."""

    def __init__(self, cursor: str) -> None:
        super().__init__(f"{cursor[:80]!r} is not a cursor of this list; begin again without one.")
        self.cursor = cursor


class UnknownTurnError(LedgerError):
    """A transcript was asked for that hangs on a row nobody has written."""

    def __init__(self, turn_id: str) -> None:
        super().__init__(f"The ledger has no turn {turn_id!r}.")
        self.turn_id = turn_id


class UnknownTextError(LedgerError):
    """A reference names arguments or a schema that nobody has put there."""

    def __init__(self, ref: str) -> None:
        super().__init__(f"The ledger holds no text {ref!r}.")
        self.ref = ref


class RunEndedError(LedgerError):
    """The run has ended: nothing is appended to it and nothing starts in it."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"The run {run_id} has ended; nothing starts in it any more.")
        self.run_id = run_id
