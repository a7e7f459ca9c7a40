"""Why a run starts nothing more, and what it still waits for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from temporalio import workflow

from placet.contracts.durations import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from placet.contracts.approvals import ApprovalInput, End, Outcome


@dataclass(frozen=True)
class Waiting:
    """An approval that is open, and what operators are told of it.

    Attributes:
        until: When it expires, to the second at which the run asked for it; None for never.
    """

    handle: workflow.ChildWorkflowHandle[object, Outcome]
    tool: str
    approvers: tuple[str, ...]
    until: datetime | None


@dataclass
class Stopping:
    """Why the run starts nothing more: cancelled, aborted by an expiry, or stopped by a person.

    Attributes:
        end: How the run will end; None while it goes on.
        by: Who stopped it, `user:…` or `operator`; None where nobody did, or where they cancelled it.
        waiting: The approvals that are open; they are cancelled when the run stops.
    """

    end: End | None = None
    reason: str | None = None
    by: str | None = None
    waiting: dict[str, Waiting] = field(default_factory=dict[str, Waiting])
    tell: Callable[[], None] = lambda: None

    @property
    def asked_for(self) -> bool:
        """Whether nothing may be started any more."""
        return self.end is not None or workflow.cancellation_reason() is not None

    def stop(self, end: End, reason: str | None = None, by: str | None = None) -> None:
        """Starts nothing more and withdraws what waits; the first reason stays."""
        if self.end is None:
            self.end, self.reason, self.by = end, reason, by
        for one in self.waiting.values():
            one.handle.cancel()

    def waits_for(
        self, approval_id: str, given: ApprovalInput, handle: workflow.ChildWorkflowHandle[object, Outcome]
    ) -> None:
        """Notes an approval that is open; where the run stops already it is withdrawn at once."""
        lifetime = parse_duration(given.lifetime)
        until = workflow.now() + lifetime if lifetime else None
        self.waiting[approval_id] = Waiting(handle, given.tool or given.kind, given.approvers or (), until)
        self.tell()
        if self.asked_for:
            handle.cancel()

    def has_ended(self, approval_id: str) -> None:
        """Notes that an approval waits no more."""
        del self.waiting[approval_id]
        self.tell()
