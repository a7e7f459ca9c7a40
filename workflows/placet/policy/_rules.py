"""Which rules match a call, which do not, and which cannot be evaluated; why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple

from placet.contracts.calls import Effect
from placet.contracts.config import PolicyConfig, Rule
from placet.contracts.secrets import masked
from placet.policy._conditions import condition
from placet.policy._facts import Facts, RunFacts
from placet.policy._globs import any_matches
from placet.policy.errors import ConditionError

Finding = Literal["matched", "did not match", "could not be evaluated"]

_WHEN_IT_FAILS: Final[dict[Effect, Effect]] = {"deny": "deny", "ask": "ask", "allow": "ask"}
"""What a rule does that cannot be evaluated: what would forbid still does, and nothing is ever allowed by it."""
_NO_AGENT: Final = "it names agents, and the call does not say which one it is of"


@dataclass(frozen=True)
class Call:
    """What is judged.

    Attributes:
        schema: Of the arguments, where it is known: what it calls a secret stands in no title and no reason.
    """

    agent: str | None
    requester: str | None
    tool: str
    args: Mapping[str, Any]
    digest: str
    run: RunFacts | None = None
    schema: Mapping[str, Any] | None = None

    @cached_property
    def facts(self) -> Facts:
        """What a condition knows of it."""
        return Facts(args=self.args, tool=self.tool, agent=self.agent, requester=self.requester, run=self.run)

    @cached_property
    def shown(self) -> Mapping[str, Any]:
        """Its arguments with masks for secrets."""
        return masked(dict(self.args), self.schema)

    def known(self) -> dict[str, Any]:
        """What a template knows of it."""
        told = {"args": self.shown, "tool": self.tool, "agent": self.agent, "requester": self.requester}
        return {name: value for name, value in told.items() if value is not None}


class Look(NamedTuple):
    """What came of looking at one rule, or at one of the short lists.

    Attributes:
        effect: What it says; where it could not be evaluated, what is done then.
        name: The rule's; that of the list; or `mode`.
        found: Whether it is about the call.
        why: Why it did not match or could not be evaluated; None where it matched.
        rule: None for a list, and for the mode.
    """

    effect: Effect
    name: str
    found: Finding
    why: str | None = None
    rule: Rule | None = None


class _NoMatchError(Exception):
    """A rule is not about the call; says why."""


def looks(policy: PolicyConfig, call: Call) -> Iterator[Look]:
    """Yields what comes of each rule, then of the short lists, in the order of the file."""
    for place, rule in enumerate(policy.rules, 1):
        yield _look(rule, rule.name or f"rule {place}", call)
    lists: dict[Effect, tuple[str, ...]] = {"deny": policy.deny, "ask": policy.ask, "allow": policy.allow}
    for effect, globs in lists.items():
        try:
            matched = any_matches(globs, call.tool)
        except Exception as error:  # noqa: BLE001 - a list fails closed, whatever fails
            yield Look(_WHEN_IT_FAILS[effect], effect, "could not be evaluated", type(error).__name__)
        else:
            why = None if matched else "none of its globs fits the tool"
            yield Look(effect, effect, "matched" if matched else "did not match", why)


def _look(rule: Rule, name: str, call: Call) -> Look:
    try:
        _check(rule, call)
    except _NoMatchError as error:
        return Look(rule.effect, name, "did not match", str(error), rule)
    except ConditionError as error:
        return Look(_WHEN_IT_FAILS[rule.effect], name, "could not be evaluated", str(error), rule)
    except Exception as error:  # noqa: BLE001 - a rule fails closed, whatever fails
        return Look(_WHEN_IT_FAILS[rule.effect], name, "could not be evaluated", type(error).__name__, rule)
    return Look(rule.effect, name, "matched", None, rule)


def _check(rule: Rule, call: Call) -> None:
    """Returns where the rule is about the call.

    Raises:
        _NoMatchError: It is not.
        ConditionError: It cannot be said. Also where the rule is about some agents and the call does not say of which
            it is: a caller must not get round a rule by leaving its name out.
    """
    if not any_matches(rule.tool, call.tool):
        message = "it is about other tools"
        raise _NoMatchError(message)
    if call.agent is None and not any_matches(rule.agent, ""):
        raise ConditionError(_NO_AGENT)
    if call.agent is not None and not any_matches(rule.agent, call.agent):
        message = "it is about other agents"
        raise _NoMatchError(message)
    if rule.when is not None and not condition(rule.when).holds(call.facts):
        message = "its condition is false"
        raise _NoMatchError(message)
