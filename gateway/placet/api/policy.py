"""Policy as the gateway needs it: an edited call is judged again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from placet.contracts.calls import Verdict

if TYPE_CHECKING:
    from placet.contracts.approvals import Approval
    from placet.api.configured import Config


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
        raise NotImplementedError
