"""What policy says of one call: a pure function, the reason inside the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from placet.contracts.calls import Effect, Terms, Verdict
from placet.contracts.config import Config, Rule
from placet.policy._globs import matches
from placet.policy._titles import title_of

_MODES: Final[dict[str, Effect]] = {"default": "ask", "dont_ask": "deny", "bypass": "allow"}
_STRICTNESS: Final[dict[Effect, int]] = {"allow": 0, "ask": 1, "deny": 2}


@dataclass(frozen=True)
class _Match:
    """What matched: a rule, one of the short lists, or the mode."""

    effect: Effect
    name: str
    rule: Rule | None = None


def judge(
    config: Config,
    agent: str | None,
    requester: str | None,
    tool: str,
    args: Mapping[str, Any],
    digest: str,
) -> Verdict:
    """Returns the verdict on one call: any deny, else any ask, else any allow, else the mode.

    Args:
        config: The policy, and the terms that hold where no rule says otherwise.
        agent: The agent that calls.
        requester: Who started the run; conditions will read it.
        tool: The tool as the model sees it.
        args: Its arguments.
        digest: Of the call.
    """
    del requester
    match = _decisive(config, agent, tool)
    effect = match.effect
    reason = match.rule.reason if match.rule and match.rule.reason else config.policy.reason
    if effect == "ask" and not config.policy.enabled:
        effect, reason = "deny", "nobody is asked while policy is switched off"
    return Verdict(
        effect=effect,
        rule=match.name,
        reason=reason.replace("{tool}", tool) if reason else None,
        title=title_of(tool, args),
        terms=_terms(config, match.rule),
        digest=digest,
    )


def stricter(one: Verdict, other: Verdict) -> Verdict:
    """Returns the stricter of two verdicts, the first where they are alike."""
    return other if _STRICTNESS[other.effect] > _STRICTNESS[one.effect] else one


def _decisive(config: Config, agent: str | None, tool: str) -> _Match:
    policy = config.policy
    found = [
        _Match(rule.effect, rule.name or f"rule {place}", rule)
        for place, rule in enumerate(policy.rules, 1)
        if _fits(rule, agent, tool)
    ]
    short: tuple[tuple[Effect, tuple[str, ...]], ...] = (
        ("deny", policy.deny),
        ("ask", policy.ask),
        ("allow", policy.allow),
    )
    found += [_Match(effect, effect) for effect, globs in short if _any(globs, tool)]
    for effect in ("deny", "ask", "allow"):
        for match in found:
            if match.effect == effect:
                return match
    return _Match(_MODES[policy.mode], f"mode {policy.mode}")


def _fits(rule: Rule, agent: str | None, tool: str) -> bool:
    return _any(rule.tool, tool) and _any(rule.agent, agent or "")


def _any(globs: tuple[str, ...], name: str) -> bool:
    return any(matches(glob, name) for glob in globs)


def _terms(config: Config, rule: Rule | None) -> Terms:
    terms = config.defaults.terms()
    if rule is None:
        return terms
    said = rule.model_dump(include=set(Terms.model_fields), exclude_none=True)
    return terms.model_copy(update=said)
