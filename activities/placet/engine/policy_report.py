"""What a policy holds and what it says of one call, for a person who writes it; reads a file and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from placet.contracts.calls import Effect, Verdict
from placet.contracts.canonical import canonical_text, digest, parse_object
from placet.contracts.config import Config, Mode, Rule
from placet.contracts.questions import ASK_HUMAN
from placet.policy import Call, Look, RunFacts, explain, matches, on_questions

MODES: Final[dict[Mode, str]] = {
    "default": "a call that nothing matches asks a person",
    "dont_ask": "a call that nothing matches is denied",
    "bypass": "a call that nothing matches runs, and nobody is asked",
}
"""What each mode does, in words."""
OFF: Final = "policy.enabled is false: nobody is asked, and what would ask is denied"
_SAYS: Final[dict[Effect, str]] = {"deny": "denies", "ask": "asks about"}


@dataclass(frozen=True)
class Summary:
    """What was found in a file that is right.

    Attributes:
        rules: How many there are; `conditions` of them have a `when`.
        lists: How many globs each short list has.
        mode: What it does with a call that nothing matches, in words.
        references: What the worker loads when it starts, and nobody has looked at here.
        warnings: What is allowed and is perhaps not meant.
    """

    agents: tuple[str, ...]
    rules: int
    conditions: int
    lists: Mapping[str, int]
    mode: str
    users: int
    references: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Explained:
    """What a policy says of a call.

    Attributes:
        looks: What came of each rule and of the short lists, in the order of the file.
        describe: The function whose text stands in the place of the reason; only the worker runs it.
        known_agent: Whether the file has the agent.
    """

    verdict: Verdict
    looks: tuple[Look, ...]
    describe: str | None
    known_agent: bool


def summary_of(config: Config) -> Summary:
    """Returns what a file holds."""
    policy = config.policy
    made_of = ((agent.model, agent.graph, *agent.tools) for agent in config.agents.values())
    tools = (reference for references in made_of for reference in references if reference is not None)
    describers = (rule.describe for rule in policy.rules if rule.describe)
    return Summary(
        agents=tuple(config.agents),
        rules=len(policy.rules),
        conditions=sum(rule.when is not None for rule in policy.rules),
        lists={"deny": len(policy.deny), "ask": len(policy.ask), "allow": len(policy.allow)},
        mode=f"{policy.mode}: {MODES[policy.mode]}",
        users=len(config.people.users) if config.people else 0,
        references=tuple(dict.fromkeys((*tools, *describers))),
        warnings=(*_notes(config), *_never_deciding(config)),
    )


def explained(
    config: Config,
    agent: str,
    tool: str,
    args: Mapping[str, Any],
    *,
    requester: str | None = None,
    run: RunFacts | None = None,
) -> Explained:
    """Returns what a policy says of a call.

    Raises:
        MalformedJsonError: The arguments have no canonical form.
    """
    text = canonical_text(args)
    # As they are judged in a run: a title names the first of them.
    ordered = parse_object(text)
    verdict, looks, describe = explain(config, Call(agent, requester, tool, ordered, digest(tool, text), run))
    if tool == ASK_HUMAN:
        return Explained(on_questions(config, verdict, ordered), looks, None, agent in config.agents)
    return Explained(verdict, looks, describe, agent in config.agents)


def _notes(config: Config) -> Iterator[str]:
    """Yields what whoever looks after a policy should be reminded of."""
    if not config.policy.enabled:
        yield OFF
    if config.policy.mode != "default":
        yield f"policy.mode is {config.policy.mode}: {MODES[config.policy.mode]}"


def _never_deciding(config: Config) -> Iterator[str]:
    """Yields a warning for each rule that another one without a condition always comes before."""
    deny = config.policy.deny
    denied = [(Rule(name="deny", tool=deny, effect="deny"), False)] if deny else []
    for place, rule in enumerate(config.policy.rules):
        others = [(other, at < place) for at, other in enumerate(config.policy.rules) if at != place]
        for other, before in (*denied, *others):
            if _comes_first(other, rule, before=before):
                name = repr(other.name) if other.name else "another rule"
                where = config.where("policy", "rules", place)
                yield f"{where}: never decides: {name} {_SAYS[other.effect]} all that it matches"
                break


def _comes_first(other: Rule, rule: Rule, *, before: bool) -> bool:
    """Whether the other rule decides wherever this one matches, or cannot be evaluated."""
    if other.when is not None or not (_covers(other.tool, rule.tool) and _covers(other.agent, rule.agent)):
        return False
    if other.effect == "deny":
        return before or rule.effect != "deny"
    # A rule that would allow asks where it cannot be evaluated, and then the first one in the file decides.
    return before and other.effect == "ask" and rule.effect != "deny"


def _covers(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    """Whether the wide globs match whatever the narrow ones match.

    A glob that matches another one as a text takes its stars in by stars of its own, and with them all that they match.
    """
    return all(any(matches(one, glob) for one in wide) for glob in narrow)
