"""What policy says of one call: a pure function, the reason inside the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from placet.contracts.calls import Effect, Terms, Verdict
from placet.contracts.config import Config, Mode, Reference, Rule
from placet.contracts.titles import LONGEST, shown, title_of
from placet.policy._facts import RunFacts
from placet.policy._rules import Call, Look, looks
from placet.policy._templates import template

_MODES: Final[dict[Mode, Effect]] = {"default": "ask", "dont_ask": "deny", "bypass": "allow"}
_STRICTEST_FIRST: Final[tuple[Effect, ...]] = ("deny", "ask", "allow")
LONGEST_REASON: Final = 2_000
"""Characters of a reason, at most."""

_NOBODY_IS_ASKED: Final = "Nobody is asked while policy.enabled is false."


class Judgement(NamedTuple):
    """A verdict, and how it came about.

    Attributes:
        looks: What came of each rule and of the short lists, in the order of the file.
        describe: The function whose text stands in the place of the reason, where the rule that asks names one.
    """

    verdict: Verdict
    looks: tuple[Look, ...] = ()
    describe: Reference | None = None


def judge(
    config: Config,
    agent: str | None,
    requester: str | None,
    tool: str,
    args: Mapping[str, Any],
    digest: str,
    *,
    run: RunFacts | None = None,
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
        run: The run of the call; None where it is of none of ours.
    """
    return explain(config, Call(agent, requester, tool, args, digest, run)).verdict


def explain(config: Config, call: Call) -> Judgement:
    """Returns the verdict on one call as `judge` does, and what came of each rule."""
    try:
        return _judgement(config, call)
    except Exception as error:  # noqa: BLE001 - policy fails closed, whatever fails
        return Judgement(_without_policy(config, call, type(error).__name__))


def stricter(one: Verdict, other: Verdict) -> Verdict:
    """Returns the stricter of two verdicts, the first where they are alike."""
    order = _STRICTEST_FIRST.index
    return other if order(other.effect) < order(one.effect) else one


def _judgement(config: Config, call: Call) -> Judgement:
    seen = tuple(looks(config.policy, call))
    decisive = _decisive(config, seen)
    rule = decisive.rule if decisive.found == "matched" else None
    title = _filled(rule.title, call, LONGEST) if rule and rule.title else None
    verdict = Verdict(
        effect=decisive.effect,
        rule=decisive.name,
        reason=_reason(config, decisive, call),
        title=title or _title(call),
        terms=_terms(config, decisive.rule) if decisive.effect == "ask" else None,
        digest=call.digest,
    )
    if verdict.effect == "ask" and not config.policy.enabled:
        closed = {"effect": "deny", "reason": _NOBODY_IS_ASKED, "terms": None}
        return Judgement(verdict.model_copy(update=closed), seen)
    return Judgement(verdict, seen, rule.describe if rule and verdict.effect == "ask" else None)


def _decisive(config: Config, seen: tuple[Look, ...]) -> Look:
    """Returns what decides: of the strictest effect that matched, the first in the order of the file."""
    found: dict[Effect, Look] = {}
    for look in seen:
        if look.found != "did not match":
            found.setdefault(look.effect, look)
    for effect in _STRICTEST_FIRST:
        if effect in found:
            return found[effect]
    return Look(_MODES[config.policy.mode], "mode", "matched")


def _reason(config: Config, look: Look, call: Call) -> str | None:
    """Returns why, for people and for the model; what is allowed needs no reason but one that a rule gives."""
    if look.why is not None:
        return f"The rule {look.name!r} could not be evaluated: {look.why}."[:LONGEST_REASON]
    if look.rule is not None and look.rule.reason is not None:
        own = _filled(look.rule.reason, call, LONGEST_REASON)
        if own is not None:
            return own
    said = config.policy.reason if look.effect == "ask" else None
    if look.effect == "deny":
        said = "No rule allows {tool}." if look.name == "mode" else "Policy denies {tool}."
    return said.replace("{tool}", shown(call.tool))[:LONGEST_REASON] if said else None


def _filled(text: str, call: Call, longest: int) -> str | None:
    """Returns a template filled in; None where an argument is missing, or it is none after all."""
    try:
        return template(text).filled(call.known(), longest)
    except Exception:  # noqa: BLE001 - a headline is no reason to refuse a call
        return None


def _title(call: Call) -> str:
    try:
        return title_of(call.tool, call.shown)
    except Exception:  # noqa: BLE001 - a headline is no reason to refuse a call
        return "a call"


def _terms(config: Config, rule: Rule | None) -> Terms:
    terms = config.defaults.terms()
    if rule is None:
        return terms
    said = rule.model_dump(include=set(Terms.model_fields), exclude_none=True)
    return terms.model_copy(update=said)


def _without_policy(config: Config, call: Call, problem: str) -> Verdict:
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
