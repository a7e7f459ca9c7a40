"""Policy as the gateway needs it: an edited call is judged again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from placet.contracts.canonical import canonical_text, digest
from placet.policy import RunFacts, judge

if TYPE_CHECKING:
    from placet.contracts.approvals import Approval
    from placet.contracts.calls import Verdict
    from placet.contracts.config import Config


class EditPolicy(Protocol):
    """What policy says of an edited call."""

    def judge_edit(self, approval: Approval, args: dict[str, Any]) -> Verdict:
        """Returns the verdict on the approval's call with other arguments."""
        ...


class ConfiguredPolicy:
    """The policy of the configuration."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def judge_edit(self, approval: Approval, args: dict[str, Any]) -> Verdict:
        """Returns the verdict on the approval's call with other arguments."""
        tool = approval.tool
        edited = digest(tool, canonical_text(args))
        run = RunFacts(approval.run_id, approval.thread_id, approval.turn) if approval.run_id else None
        return judge(self._config, approval.agent, approval.requester, tool, args, edited, run=run)
