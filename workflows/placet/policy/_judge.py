"""What policy says of one call: a pure function, the reason inside the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from placet.contracts.calls import Effect, Terms, Verdict
from placet.contracts.config import Config, Mode, PolicyConfig, Rule
from placet.policy._globs import matches
from placet.policy._titles import shown, title_of

_MODES: Final[dict[Mode, Effect]] = {"default": "ask", "dont_ask": "deny", "bypass": "allow"}
_STRICTEST_FIRST: Final[tuple[Effect, ...]] = ("deny", "ask", "allow")
_WHEN_IT_FAILS: Final[dict[Effect, Effect]] = {"deny": "deny", "ask": "ask", "allow": "ask"}
"""What a rule does that cannot be evaluated: what would forbid still does, and nothing is ever allowed by it."""
_LONGEST_REASON: Final = 2_000

_NOBODY_IS_ASKED: Final = "Nobody is asked while policy.enabled is false."
_NO_AGENT: Final = "it names agents, and the call does not say which one it is of"


class _Call(NamedTuple):
    """What is judged."""

    agent: str | None
    requester: str | None
    tool: str
    args: Mapping[str, Any]
    digest: str


class _Match(NamedTuple):
    """What matched: a rule, one of the short lists, or the mode.

    Attributes:
        problem: Why the rule could not be evaluated, where it could not.
    """

    effect: Effect
    name: str
    rule: Rule | None = None
    problem: str | None = None


class _UnknownAgentError(Exception):
    """A rule names agents, and the call none."""


def judge(
    config: Config,
    agent: str | None,
    requester: str | None,
    tool: str,
    args: Mapping[str, Any],
    digest: str,
) -> Verdict:
    """Returns the verdict on one call: any deny, else any ask, else any allow, else the mode.

    It never raises, and no error ever allows: a rule that cannot be evaluated denies where it would deny and asks
    otherwise.

    Args:
        config: The policy, and the terms that hold where no rule says otherwise.
        agent: The agent that calls; None where a workflow that is not ours does not say.
        requester: Who started the run.
        tool: The tool as the model sees it.
        args: Its arguments.
        digest: Of the call.
    """
    call = _Call(agent, requester, tool, args, digest)
    try:
        return _verdict(config, call)
    except Exception as error:  # noqa: BLE001 - policy fails closed, whatever fails
        return _without_policy(config, call, type(error).__name__)


def stricter(one: Verdict, other: Verdict) -> Verdict:
    """Returns the stricter of two verdicts, the first where they are alike."""
    order = _STRICTEST_FIRST.index
    return other if order(other.effect) < order(one.effect) else one


def _verdict(config: Config, call: _Call) -> Verdict:
    match = _decisive(config.policy, call)
    effect = match.effect
    if effect == "ask" and not config.policy.enabled:
        return Verdict(effect="deny", rule=match.name, reason=_NOBODY_IS_ASKED, title=_title(call), digest=call.digest)
    return Verdict(
        effect=effect,
        rule=match.name,
        reason=_reason(config.policy, match, call),
        title=_title(call),
        terms=_terms(config, match.rule) if effect == "ask" else None,
        digest=call.digest,
    )


def _decisive(policy: PolicyConfig, call: _Call) -> _Match:
    """Returns what decides: of the strictest effect that matched, the first in the order of the file."""
    found: dict[Effect, _Match] = {}
    for match in _matching(policy, call):
        found.setdefault(match.effect, match)
    for effect in _STRICTEST_FIRST:
        if effect in found:
            return found[effect]
    return _Match(_MODES[policy.mode], "mode")


def _matching(policy: PolicyConfig, call: _Call) -> Iterator[_Match]:
    """Yields the rules that match or cannot be evaluated, then the short lists."""
    for place, rule in enumerate(policy.rules, 1):
        name = rule.name or f"rule {place}"
        try:
            if _fits(rule, call):
                yield _Match(rule.effect, name, rule)
        except _UnknownAgentError:
            yield _Match(_WHEN_IT_FAILS[rule.effect], name, rule, _NO_AGENT)
        except Exception as error:  # noqa: BLE001 - a rule fails closed, whatever fails
            yield _Match(_WHEN_IT_FAILS[rule.effect], name, rule, type(error).__name__)
    lists: dict[Effect, tuple[str, ...]] = {"deny": policy.deny, "ask": policy.ask, "allow": policy.allow}
    for effect, globs in lists.items():
        try:
            if _any(globs, call.tool):
                yield _Match(effect, effect)
        except Exception as error:  # noqa: BLE001 - a list fails closed, whatever fails
            yield _Match(_WHEN_IT_FAILS[effect], effect, problem=type(error).__name__)


def _fits(rule: Rule, call: _Call) -> bool:
    """Returns whether a rule is about the call.

    Raises:
        _UnknownAgentError: It is about the tool and some agents, and the call does not say of which agent it is: a
            caller must not get round a rule by leaving its name out.
    """
    if not _any(rule.tool, call.tool):
        return False
    if call.agent is not None:
        return _any(rule.agent, call.agent)
    if not _any(rule.agent, ""):
        raise _UnknownAgentError
    return True


def _any(globs: tuple[str, ...], name: str) -> bool:
    return any(matches(glob, name) for glob in globs)


def _reason(policy: PolicyConfig, match: _Match, call: _Call) -> str | None:
    """Returns why, for people and for the model; what is allowed needs no reason but one that a rule gives."""
    if match.problem is not None:
        return f"The rule {match.name!r} could not be evaluated: {match.problem}."
    said = match.rule.reason if match.rule else None
    if said is None and match.effect == "ask":
        said = policy.reason
    if said is None and match.effect == "deny":
        said = "No rule allows {tool}." if match.name == "mode" else "Policy denies {tool}."
    return said.replace("{tool}", shown(call.tool))[:_LONGEST_REASON] if said else None


def _title(call: _Call) -> str:
    try:
        return title_of(call.tool, call.args)
    except Exception:  # noqa: BLE001 - a headline is no reason to refuse a call
        return "a call"


def _terms(config: Config, rule: Rule | None) -> Terms:
    terms = config.defaults.terms()
    if rule is None:
        return terms
    said = rule.model_dump(include=set(Terms.model_fields), exclude_none=True)
    return terms.model_copy(update=said)


def _without_policy(config: Config, call: _Call, problem: str) -> Verdict:
    """Returns the verdict where policy itself failed: a person is asked, unless nobody may be."""
    policy = getattr(config, "policy", None)
    may_ask = getattr(policy, "enabled", True) is True and getattr(policy, "mode", "default") != "dont_ask"
    return Verdict(
        effect="ask" if may_ask else "deny",
        reason=f"Policy could not be evaluated: {problem}.",
        title=_title(call),
        terms=Terms() if may_ask else None,
        digest=call.digest,
    )
