"""An approval as a thread with one interrupt, in the shape of before LangChain 1.0, which Agent Inbox understands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from placet.api.rights import check_may_decide
from placet.langgraph_api.assistants.describing import APPROVALS
from placet.langgraph_api.ids import thread_of
from placet.langgraph_api.interrupts import Interrupt, as_text, description_of, offered
from placet.langgraph_api.threads.snapshot import Snapshot
from placet.ledger import ThreadRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from placet.api.identity import Caller
    from placet.api.services import Services
    from placet.contracts.approvals import Approval

_BUTTONS: Final = {
    "allow_accept": "approve",
    "allow_edit": "edit",
    "allow_respond": "respond",
    "allow_ignore": "reject",
}
_MEANINGS: Final = {
    "approve": "*Accept* runs the call with exactly these arguments.",
    "edit": "*Edit* runs it with yours.",
    "respond": "*Respond* does not run it: your text is its result.",
    "reject": "*Ignore* and *resolve* reject it, in your name and on record.",
}


@dataclass(frozen=True)
class InboxInterrupt(Interrupt):
    """What waits, as Agent Inbox reads it.

    Attributes:
        allowed: The decisions that the reader may make, in LangChain's words.
    """

    allowed: frozenset[str] = frozenset()

    @property
    def value(self) -> list[dict[str, Any]]:
        """The request: a list of one."""
        (approval,) = self.approvals
        config = {button: decision in self.allowed for button, decision in _BUTTONS.items()}
        request = {"action": approval.tool, "args": approval.args}
        return [{"action_request": request, "config": config, "description": self._description(approval)}]

    def _description(self, approval: Approval) -> str:
        asked = "" if approval.kind == "tool_call" else _options(approval)
        by = f"Asked for by {as_text(approval.requester or 'nobody known')}, risk {approval.risk}"
        until = f", until {approval.expires_at:%Y-%m-%d %H:%M} UTC" if approval.expires_at else ""
        known = [meaning for decision, meaning in _MEANINGS.items() if decision in self.allowed]
        buttons = " ".join(known) or "It is not for you to decide."
        lines = [description_of(approval), asked, f"{by}{until}. Approval `{approval.id}`.", buttons]
        return "\n\n".join(line for line in lines if line)


def inbox_snapshot(
    services: Services,
    caller: Caller,
    approval: Approval,
    *,
    messages: Sequence[dict[str, Any]] = (),
    answered: bool = False,
) -> Snapshot:
    """Returns the thread that an approval is.

    Args:
        services: Who may decide.
        caller: Who reads.
        approval: The approval.
        messages: The conversation that led to it.
        answered: Whether it was decided on just now; the ledger may not have heard yet.
    """
    thread = ThreadRow(
        id=thread_of(approval.id),
        owner=approval.requester,
        agent=APPROVALS,
        metadata={**approval.metadata, "agent": approval.agent, "thread_id": approval.thread_id},
        created_at=approval.requested_at,
        updated_at=approval.ended_at or approval.requested_at,
    )
    waits = approval.status == "pending" and not approval.recorded and not answered
    interrupt = InboxInterrupt((approval,), _allowed(services, caller, approval)) if waits else None
    return Snapshot(thread, None, list(messages), interrupt, resting=True)


def _allowed(services: Services, caller: Caller, approval: Approval) -> frozenset[str]:
    if check_may_decide(caller, approval, local=services.directory.local) is not None:
        return frozenset()
    return frozenset(offered(approval))


def _options(approval: Approval) -> str:
    """Returns what a question may be answered with."""
    several = len(approval.questions) > 1
    lines = [
        f"- {as_text(question.id or '')}: {_choices([option.label for option in question.options])}"
        for question in approval.questions
        if question.options or several
    ]
    how = "Answer several questions with JSON by their ids." if several else ""
    return "\n".join(lines) + ("\n\n" if lines and how else "") + how


def _choices(labels: Sequence[str]) -> str:
    return " · ".join(as_text(label) for label in labels) or "a text"
