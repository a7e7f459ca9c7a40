"""What Temporal says of workflows, in memory, for tests of the reconciler."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from placet.contracts._base import Message
from placet.contracts.approvals import ApprovalState
from placet.contracts.decisions import WithdrawInput
from placet.effects._whereabouts import Closing, Execution, Status


class TemporalIsDownError(Exception):
    """Temporal gives no answer."""


@dataclass
class FakeWhereabouts:
    """A namespace with these workflows in it.

    Attributes:
        namespace: Its id.
        latest: The latest run of each workflow.
        earlier: Runs before the latest, by workflow and run.
        closings: How runs have ended, by run.
        states: What approvals say of themselves.
        down: Nobody answers.
        withdrawn: What was sent to approvals.
        asked: How many workflows were described.
    """

    namespace: str = "namespace-1"
    latest: dict[str, Execution] = field(default_factory=dict[str, Execution])
    earlier: dict[tuple[str, str], Execution] = field(default_factory=dict[tuple[str, str], Execution])
    closings: dict[str, Closing] = field(default_factory=dict[str, Closing])
    states: dict[str, ApprovalState] = field(default_factory=dict[str, ApprovalState])
    down: bool = False
    turn: int | None = None
    withdrawn: list[tuple[str, WithdrawInput]] = field(default_factory=list[tuple[str, WithdrawInput]])
    asked: int = 0

    def start(self, workflow_id: str, run_id: str = "run-1", **known: Any) -> None:
        """Starts a workflow."""
        made = Execution(id=workflow_id, run_id=run_id, first_run_id=run_id, status=Status.RUNNING)
        self.latest[workflow_id] = replace(made, **known)

    def end(self, workflow_id: str, status: Status, closing: Closing) -> None:
        """Ends a workflow."""
        ended = self.latest[workflow_id] = replace(self.latest[workflow_id], status=status)
        self.closings[ended.run_id] = closing

    def go_on(self, workflow_id: str, run_id: str, status: Status, closing: Closing) -> None:
        """Ends the latest run, and starts another one under the same id."""
        self.end(workflow_id, status, closing)
        before = self.latest[workflow_id]
        self.earlier[workflow_id, before.run_id] = before
        self.latest[workflow_id] = replace(before, run_id=run_id, status=Status.RUNNING, children=frozenset())

    async def namespace_id(self) -> str:
        """Returns the id of the namespace."""
        self._answer()
        return self.namespace

    async def look(self, ids: Iterable[str]) -> dict[str, Execution | None]:
        """Returns the latest runs."""
        self._answer()
        wanted = list(ids)
        self.asked += len(wanted)
        return {workflow_id: self.latest.get(workflow_id) for workflow_id in wanted}

    async def look_at_run(self, workflow_id: str, run_id: str) -> Execution | None:
        """Returns one run."""
        self._answer()
        here = self.latest.get(workflow_id)
        return here if here and here.run_id == run_id else self.earlier.get((workflow_id, run_id))

    async def closing(self, execution: Execution, result_type: type[Message]) -> Closing:
        """Returns how a run has ended."""
        del result_type
        self._answer()
        return self.closings[execution.run_id]

    async def turn_after_reset(self, execution: Execution) -> int | None:
        """Returns the turn that a test has set."""
        del execution
        return self.turn

    async def state(self, workflow_id: str) -> ApprovalState | None:
        """Returns what a test has set."""
        self._answer()
        return self.states.get(workflow_id)

    async def withdraw(self, workflow_id: str, given: WithdrawInput) -> None:
        """Keeps what was sent."""
        self._answer()
        self.withdrawn.append((workflow_id, given))

    def _answer(self) -> None:
        if self.down:
            raise TemporalIsDownError
