"""The ids that clients see: each comes from ours alone, so that every gateway gives the same one."""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import TYPE_CHECKING, Final

from placet.runs import agent_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placet.contracts.approvals import Approval

_NAMESPACE: Final = uuid.UUID("0b1f6a0e-5c0e-5b5e-8a5a-1f3c7b2d9e61")
HEX_32: Final = re.compile(r"[0-9a-f]{32}")
"""What an interrupt's id looks like; clients take a map whose keys all look so for answers by id."""


def assistant_id_of(name: str) -> str:
    """Returns the id of the assistant that an agent is."""
    return str(uuid.uuid5(_NAMESPACE, f"assistant\n{name}"))


def thread_of(approval_id: str) -> str:
    """Returns the id of the thread that an approval is to Agent Inbox."""
    return f"approval-{approval_id}"


def first_segment_of(run_id: str) -> str:
    """Returns the id, as clients know it, of what a run does until its first wait."""
    return run_id.removeprefix(agent_run.ID_PREFIX)


def segment_of(decision_id: str) -> str:
    """Returns the id, as clients know it, of what a run does from a decision on."""
    return str(uuid.UUID(hex=decision_id))


def interrupt_id_of(approvals: Sequence[Approval]) -> str:
    """Returns the id under which approvals are asked about together; one alone keeps its own.

    Another approval more or less, or another call, is another id: an answer to what was shown before finds nothing.
    """
    if len(approvals) == 1:
        return approvals[0].id
    text = "\n".join(f"{approval.id} {approval.digest}" for approval in approvals)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def checkpoint_id_of(*parts: object) -> str:
    """Returns the id of a moment of a thread: the same for as long as nothing changes."""
    return str(uuid.uuid5(_NAMESPACE, "\n".join(("checkpoint", *(str(part) for part in parts)))))
