"""What the exit code of every command means (contract "Command line")."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from placet.client.errors import PlacetError


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    REJECTED = 3
    NOT_ALLOWED = 4
    EXPIRED = 5
    CONFLICT = 6
    NOT_FOUND = 7
    CANCELLED = 8
    INVALID = 9
    PENDING = 10
    UNREACHABLE = 69
    INTERRUPTED = 130


APPROVAL_EXITS: Final = {
    "approved": ExitCode.DONE,
    "responded": ExitCode.DONE,
    "answered": ExitCode.DONE,
    "skipped": ExitCode.DONE,
    "rejected": ExitCode.REJECTED,
    "expired": ExitCode.EXPIRED,
    "cancelled": ExitCode.CANCELLED,
    "superseded": ExitCode.CANCELLED,
    "pending": ExitCode.PENDING,
}
"""What `wait` exits with, by the approval's status."""

RUN_EXITS: Final = {
    "completed": ExitCode.DONE,
    "failed": ExitCode.UNEXPECTED,
    "cancelled": ExitCode.CANCELLED,
    "expired": ExitCode.EXPIRED,
    "running": ExitCode.PENDING,
    "waiting": ExitCode.PENDING,
}
"""What `run --wait` exits with, by the run's status."""

DECIDED_ELSEWHERE: Final = {
    "expired": ExitCode.EXPIRED,
    "cancelled": ExitCode.CANCELLED,
    "superseded": ExitCode.CANCELLED,
}
"""What a decision exits with that came too late, by the status; a person's decision came first for all others."""


def exit_of_error(error: PlacetError) -> ExitCode:
    """Returns the exit code of what the client raises."""
    # Importing the client takes as long as `placet --help` should.
    from placet.client import errors  # noqa: PLC0415

    classes = {
        errors.UnreachableError: ExitCode.UNREACHABLE,
        errors.BusyError: ExitCode.UNREACHABLE,
        errors.AccessError: ExitCode.NOT_ALLOWED,
        errors.MissingError: ExitCode.NOT_FOUND,
        errors.ApprovalExpiredError: ExitCode.EXPIRED,
        errors.ApprovalCancelledError: ExitCode.CANCELLED,
        errors.ApprovalSupersededError: ExitCode.CANCELLED,
        errors.ConflictError: ExitCode.CONFLICT,
        errors.InvalidQueryError: ExitCode.USAGE,
        errors.InvalidError: ExitCode.INVALID,
        errors.EditDeniedError: ExitCode.REJECTED,
    }
    return next((code for kind, code in classes.items() if isinstance(error, kind)), ExitCode.UNEXPECTED)
