"""Which rules of a policy may apply to a tool, whatever its arguments are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from placet.engine.policy_report import MODES
from placet.policy import any_matches, matches

if TYPE_CHECKING:
    from placet.contracts.config import Config

_EFFECTS: Final = ("deny", "ask", "allow")


@dataclass(frozen=True)
class AppliedRule:
    """A rule, or an entry of a short list, that matches the tool's name.

    Attributes:
        when: The condition on the arguments; None where there is none.
    """

    name: str
    effect: str
    when: str | None
    risk: str | None
    approvers: tuple[str, ...]
    expires_after: str | None


@dataclass(frozen=True)
class Governed:
    """What a policy may say of a tool: the rules in the order of the file, and what happens where none matches."""

    rules: tuple[AppliedRule, ...]
    otherwise: str


def governed(config: Config, agent: str, tool: str) -> Governed:
    """Returns what may apply to a tool of an agent."""
    policy = config.policy
    named = [
        AppliedRule(
            name=rule.name or "a rule without a name",
            effect=rule.effect,
            when=rule.when,
            risk=rule.risk,
            approvers=tuple(rule.approvers or ()),
            expires_after=rule.expires_after,
        )
        for rule in policy.rules
        if any_matches(rule.tool, tool) and any_matches(rule.agent, agent)
    ]
    listed = [
        AppliedRule(f"the list “{effect}”: {glob}", effect, None, None, (), None)
        for effect in _EFFECTS
        for glob in getattr(policy, effect)
        if matches(glob, tool)
    ]
    return Governed((*named, *listed), MODES[policy.mode])
