"""Temporal as the gateway needs it; the adapter is `temporal.py`, the tests have their own.

Every method ends by itself within the time that Temporal is given, and raises only `TemporalError` and
`RefusedError`: what Temporal's client raises stays in the adapter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from placet.contracts.approvals import ApprovalInput, ApprovalState, Outcome
    from placet.contracts.decisions import DecideInput, DecideResult, WithdrawInput
    from placet.contracts.runs import RunStart


@dataclass(frozen=True)
class Started:
    """A workflow that runs: which execution, and since when by Temporal's record."""

    workflow_id: str
    workflow_run_id: str
    at: datetime


@dataclass(frozen=True)
class Taken:
    """A run that is or was there already.

    Attributes:
        ticket: Names the request that started it.
    """

    started: Started
    is_open: bool
    ticket: str | None


@dataclass(frozen=True)
class Poller:
    """A worker that polls the task queue."""

    identity: str
    last_seen: datetime


class Approvals(Protocol):
    """The workflows `Approval`."""

    async def start(self, approval_id: str, given: ApprovalInput) -> Started:
        """Starts the approval, or find it started by an earlier attempt."""
        ...

    async def decide(self, approval_id: str, given: DecideInput) -> DecideResult:
        """Sends a decision as an Update and wait for its answer.

        Raises:
            RefusedError: The gate said no.
            ClosedError: The approval has ended.
            NoAnswerError: No worker answered, or too many wait for one.
            UnreachableError: Temporal cannot be reached.
        """
        ...

    async def store_decision(self, approval_id: str, given: DecideInput) -> None:
        """Sends a decision as a Signal: Temporal stores it, whoever is up; errors as for `decide`."""
        ...

    async def withdraw(self, approval_id: str, given: WithdrawInput) -> DecideResult:
        """Sends a withdrawal as an Update; errors as for `decide`."""
        ...

    async def store_withdrawal(self, approval_id: str, given: WithdrawInput) -> None:
        """Sends a withdrawal as a Signal; errors as for `decide`."""
        ...

    async def state(self, approval_id: str) -> ApprovalState:
        """Asks the approval itself; needs a worker.

        Raises:
            ClosedError: There is no such approval.
            NoAnswerError: No worker answered.
            UnreachableError: Temporal cannot be reached.
        """
        ...

    async def outcome(self, approval_id: str) -> Outcome | None:
        """Returns how an ended approval ended; None where it was ended without an outcome, or is unknown.

        Raises:
            NoAnswerError: It has not ended.
            UnreachableError: Temporal cannot be reached.
        """
        ...


class Runs(Protocol):
    """The workflows `AgentRun` and `GraphRun`."""

    async def start_run(self, given: RunStart, ticket: str) -> Started | Taken:
        """Starts the run, or finds one of that id, open or closed."""
        ...

    async def find_run(self, run_id: str) -> Taken | None:
        """Returns the run as Temporal knows it; None where it does not."""
        ...

    async def cancel_run(self, run_id: str, reason: str | None) -> None:
        """Asks the run to stop.

        Raises:
            ClosedError: It has ended.
        """
        ...


class TaskQueue(Protocol):
    """The queue that workers poll."""

    async def pollers(self) -> list[Poller]:
        """Returns who polls for workflow tasks, as far as Temporal remembers.

        Raises:
            UnreachableError: Temporal cannot be reached.
        """
        ...


class Temporal(Approvals, Runs, TaskQueue, Protocol):
    """All of it: what the adapter is."""

    async def close(self) -> None:
        """Lets go of the connection."""
        ...
