"""Policy: any deny, else any ask, else any allow, else the mode; and no error ever allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from placet.contracts.calls import Effect, Terms, Verdict
from placet.contracts.config import Config, Defaults, Mode, PolicyConfig, Rule
from placet.engine.config_file import parse
from placet.policy import Call, RunFacts, explain, judge, stricter

DIGEST = "sha256:" + "0" * 64
FILE = Path("placet.yaml")
FAILED: dict[Effect, Effect] = {"deny": "deny", "ask": "ask", "allow": "ask"}
MODES: dict[Mode, Effect] = {"default": "ask", "dont_ask": "deny", "bypass": "allow"}


def policy(**said: Any) -> Config:
    return Config(policy=PolicyConfig(**said))


def verdict(config: Config, tool: str = "refund", agent: str | None = "billing", **args: Any) -> Verdict:
    return judge(config, agent, "user:dana", tool, args, DIGEST)


@pytest.mark.parametrize(
    ("tool", "effect", "rule"),
    [
        ("delete_customer", "deny", "deny"),
        ("send_email", "ask", "ask"),
        ("refund", "ask", "ask"),
        ("find_orders", "allow", "allow"),
        ("other", "ask", "mode"),
        ("Refund", "ask", "mode"),
        ("refunds", "ask", "mode"),
    ],
)
def test_the_short_lists_of_the_contract(tool: str, effect: Effect, rule: str) -> None:
    config = policy(deny=("delete_*",), ask=("send_*", "refund"), allow=("find_*",))
    judged = verdict(config, tool)
    assert (judged.effect, judged.rule, judged.digest) == (effect, rule, DIGEST)


@pytest.mark.parametrize(("mode", "effect"), MODES.items())
def test_the_mode_decides_what_nothing_matches(mode: Mode, effect: Effect) -> None:
    judged = verdict(policy(mode=mode, allow=("x",)))
    assert (judged.effect, judged.rule) == (effect, "mode")


def test_deny_beats_ask_beats_allow_beats_mode_wherever_they_stand() -> None:
    deny, ask, allow = Rule(effect="deny"), Rule(effect="ask"), Rule(effect="allow")
    assert verdict(policy(rules=(allow, ask, deny))).effect == "deny"
    assert verdict(policy(rules=(allow, ask), mode="bypass")).effect == "ask"
    assert verdict(policy(rules=(allow,), mode="dont_ask")).effect == "allow"
    assert verdict(policy(rules=(allow,), deny=("*",))).effect == "deny"
    assert verdict(policy(rules=(deny,), allow=("*",))).effect == "deny"
    assert verdict(policy(rules=(allow,), ask=("*",))).effect == "ask"


_globs = st.sampled_from(["*", "refund", "re*", "*d", "send_*", "Refund", "r*f*d", "x"])
_rules = st.lists(
    st.builds(
        Rule,
        name=st.none() | st.text(min_size=1, max_size=5),
        tool=st.lists(_globs, min_size=1, max_size=2).map(tuple),
        agent=st.lists(st.sampled_from(["*", "billing", "b*", "report"]), min_size=1, max_size=2).map(tuple),
        effect=st.sampled_from(get_args(Effect)),
        risk=st.none() | st.sampled_from(["low", "high"]),
    ),
    max_size=6,
)
_agents = st.sampled_from(["billing", "report", None])
_modes = st.sampled_from(get_args(Mode))


@given(data=st.data(), rules=_rules, mode=_modes, agent=_agents, tool=st.sampled_from(["refund", "send_email", "y"]))
def test_the_order_of_rules_never_changes_the_effect(
    data: st.DataObject, rules: list[Rule], mode: Mode, agent: str | None, tool: str
) -> None:
    shuffled = data.draw(st.permutations(rules))
    one, other = (verdict(policy(rules=tuple(order), mode=mode), tool, agent) for order in (rules, shuffled))
    assert one.effect == other.effect


@given(rules=_rules, more=_rules, mode=_modes, agent=_agents)
def test_another_rule_that_does_not_allow_never_makes_a_verdict_laxer(
    rules: list[Rule], more: list[Rule], mode: Mode, agent: str | None
) -> None:
    assume(mode != "dont_ask")
    before = verdict(policy(rules=tuple(rules), mode=mode), "refund", agent)
    added = [rule for rule in more if rule.effect != "allow"]
    after = verdict(policy(rules=(*rules, *added), mode=mode), "refund", agent)
    assert stricter(before, after).effect == after.effect


def test_the_terms_are_those_of_the_first_ask_in_the_file_and_rules_come_before_the_lists() -> None:
    config = parse(
        """
        defaults: {approvers: ["group:all"], risk: low, expires_after: 2d}
        policy:
          ask: [refund]
          rules:
            - {name: other tool, tool: send_*, effect: ask, risk: critical}
            - {name: allowed, tool: refund, effect: allow, risk: critical}
            - {name: first, tool: refund, effect: ask, risk: high, decisions: [approve, reject], on_expiry: abort}
            - {name: second, tool: "*", effect: ask, risk: medium}
        """,
        Path("placet.yaml"),
    )
    judged = verdict(config)
    assert judged.rule == "first"
    assert judged.terms == Terms(
        decisions=("approve", "reject"),
        approvers=("group:all",),
        expires_after="2d",
        on_expiry="abort",
        risk="high",
    )


def test_what_a_short_list_or_the_mode_asks_has_the_terms_of_the_defaults() -> None:
    config = Config(defaults=Defaults(risk="critical", self_approval=True), policy=PolicyConfig(ask=("refund",)))
    for tool in ("refund", "other"):
        terms = verdict(config, tool).terms
        assert terms is not None
        assert (terms.risk, terms.self_approval, terms.approvers) == ("critical", True, ("role:approver",))


def test_only_an_ask_has_terms() -> None:
    config = policy(deny=("d",), allow=("a",))
    assert verdict(config, "d").terms is None
    assert verdict(config, "a").terms is None


@pytest.mark.parametrize("mode", get_args(Mode))
def test_switched_off_it_asks_nobody_and_denies_what_would_ask(mode: Mode) -> None:
    config = policy(enabled=False, mode=mode, deny=("d",), ask=("k",), allow=("a",))
    effects = [verdict(config, tool).effect for tool in ("d", "k", "a")]
    assert effects == ["deny", "deny", "allow"]
    assert verdict(config, "other").effect == {"default": "deny", "dont_ask": "deny", "bypass": "allow"}[mode]
    assert "policy.enabled" in (verdict(config, "k").reason or "")


def test_the_name_of_the_tool_stands_in_the_reason_and_nothing_else_is_replaced() -> None:
    config = policy(ask=("*",), reason="{tool} needs {args.amount}, {tool}")
    assert verdict(config, "refund", amount=5).reason == "refund needs {args.amount}, refund"
    assert verdict(config, "a\x1b[2Jb").reason == "a\\u001b[2Jb needs {args.amount}, a\\u001b[2Jb"


def test_a_rules_own_reason_comes_before_the_policys() -> None:
    rule = Rule(tool=("refund",), effect="ask", reason="Above 100 finance decides")
    assert verdict(policy(rules=(rule,), reason="{tool} asks")).reason == "Above 100 finance decides"


def test_a_denial_has_a_reason_that_does_not_say_that_a_person_is_needed() -> None:
    config = policy(deny=("refund",), reason="{tool} needs a person", mode="dont_ask")
    assert verdict(config).reason == "Policy denies refund."
    assert verdict(config, "other").reason == "No rule allows other."


def test_a_rule_without_a_name_is_told_by_its_place() -> None:
    first, second = Rule(tool=("x",), effect="ask"), Rule(tool=("refund",), effect="ask")
    assert verdict(policy(rules=(first, second))).rule == "rule 2"


@pytest.mark.parametrize(("agent", "effect"), [("report", "deny"), ("billing", "ask"), ("Report", "ask")])
def test_a_rule_may_be_about_some_agents(agent: str, effect: Effect) -> None:
    rule = Rule(agent=("rep*",), effect="deny")
    assert verdict(policy(rules=(rule,)), agent=agent).effect == effect


@pytest.mark.parametrize(("said", "effect"), FAILED.items())
def test_a_caller_does_not_get_round_a_rule_about_agents_by_leaving_its_name_out(said: Effect, effect: Effect) -> None:
    config = policy(rules=(Rule(name="r", tool=("refund",), agent=("report",), effect=said),), mode="bypass")
    judged = verdict(config, agent=None)
    assert (judged.effect, judged.rule) == (effect, "r")
    assert "which one" in (judged.reason or "")
    assert verdict(config, "other", agent=None).effect == "allow"


def test_a_rule_about_every_agent_is_about_a_call_of_none() -> None:
    assert verdict(policy(rules=(Rule(agent=("*",), effect="allow"),)), agent=None).effect == "allow"


class Broken(str):
    """A glob, or a name, that cannot be used."""

    __slots__ = ()

    def split(self, *_: object, **__: object) -> list[str]:
        raise RuntimeError

    startswith = endswith = find = __eq__ = split  # pyright: ignore[reportAssignmentType]
    __hash__ = str.__hash__


class BrokenArgs(Mapping[str, Any]):
    """Arguments that cannot be read."""

    def __getitem__(self, key: str) -> object:
        raise RuntimeError(key)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError


def broken(effect: Effect) -> Rule:
    return Rule.model_construct(name="broken", tool=(Broken("x"),), agent=("*",), effect=effect, reason=None)


@given(effect=st.sampled_from(get_args(Effect)), mode=_modes, rules=_rules, data=st.data())
def test_a_rule_that_fails_never_allows(effect: Effect, mode: Mode, rules: list[Rule], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(rules)))
    with_it = (*rules[:place], broken(effect), *rules[place:])
    assert verdict(unchecked(mode=mode, rules=with_it)).effect in ({"deny"} if effect == "deny" else {"ask", "deny"})
    assert verdict(unchecked(enabled=False, mode=mode, rules=with_it)).effect == "deny"


def unchecked(**said: object) -> Config:
    """A configuration whose policy pydantic has not looked at."""
    made = PolicyConfig().model_copy(update=said)
    return Config().model_copy(update={"policy": made})


@pytest.mark.parametrize(("said", "effect"), FAILED.items())
def test_a_short_list_that_fails_never_allows(said: Effect, effect: Effect) -> None:
    judged = verdict(unchecked(mode="bypass", **{said: (Broken("x"),)}))
    assert (judged.effect, judged.rule) == (effect, said)


@given(mode=_modes, rules=_rules)
def test_a_name_that_cannot_be_matched_is_never_allowed_by_a_rule(mode: Mode, rules: list[Rule]) -> None:
    judged = judge(policy(rules=tuple(rules), mode=mode), "billing", None, Broken("refund"), {}, DIGEST)
    assert judged.effect != "allow" or not rules


@pytest.mark.parametrize("mode", get_args(Mode))
def test_arguments_that_cannot_be_read_change_nothing_but_the_headline(mode: Mode) -> None:
    judged = judge(policy(mode=mode), "billing", None, "refund", BrokenArgs(), DIGEST)
    assert (judged.effect, judged.title) == (MODES[mode], "a call")


@pytest.mark.parametrize(
    "config",
    [
        None,
        Config().model_copy(update={"policy": None}),
        Config(policy=PolicyConfig(ask=("refund",))).model_copy(update={"defaults": None}),
        unchecked(mode="nonsense"),
        unchecked(mode="bypass", rules=None),
        unchecked(mode="bypass", allow=None, rules=5),
    ],
)
def test_without_a_policy_that_works_a_person_is_asked(config: Any) -> None:
    assert verdict(config).effect == "ask"


@pytest.mark.parametrize("said", [{"enabled": False}, {"mode": "dont_ask"}])
def test_without_a_policy_that_works_nobody_is_asked_where_nobody_may_be(said: dict[str, object]) -> None:
    assert verdict(unchecked(rules=None, **said)).effect == "deny"


@given(a=st.sampled_from(get_args(Effect)), b=st.sampled_from(get_args(Effect)))
def test_the_stricter_of_two_verdicts_wins_and_the_first_of_equals(a: Effect, b: Effect) -> None:
    one, other = Verdict(effect=a, rule="one", digest=DIGEST), Verdict(effect=b, rule="other", digest=DIGEST)
    strictness = {"allow": 0, "ask": 1, "deny": 2}
    assert stricter(one, other) is (other if strictness[b] > strictness[a] else one)


@given(reason=st.text(min_size=1, max_size=900), tool=st.text(min_size=1, max_size=300))
def test_a_reason_fits_an_approval(reason: str, tool: str) -> None:
    assert len(verdict(policy(reason=reason + "{tool}" * 10), tool).reason or "") <= 2_000


def ruled(text: str) -> Config:
    """A policy of these rules, one a line."""
    return parse(
        "policy:\n  rules:\n" + "\n".join(f"    - {{{line.strip()}}}" for line in text.strip().splitlines()), FILE
    )


REFUNDS = ruled(
    """
    name: huge, tool: refund, when: args.amount > 1000.0, effect: deny, reason: "{args.amount} is never refunded"
    name: large, tool: refund, when: args.amount > 100.0, effect: ask, risk: high, title: "{args.amount} to {args.to}"
    name: small, tool: refund, when: args.amount <= 100.0, effect: allow
    """
)


@pytest.mark.parametrize(
    ("amount", "effect", "rule"),
    [
        *((50, "allow", "small"), (100, "allow", "small"), (99.99, "allow", "small"), (-5, "allow", "small")),
        *((150.5, "ask", "large"), (500, "ask", "large"), (100.01, "ask", "large"), (1000, "ask", "large")),
        *((1000.01, "deny", "huge"), (2**63, "deny", "huge"), (2**70, "deny", "huge"), (1e300, "deny", "huge")),
        *((10**400, "deny", "huge"), (-(2**70), "allow", "small")),
    ],
)
def test_a_condition_says_which_rule_matches(amount: float, effect: Effect, rule: str) -> None:
    judged = verdict(REFUNDS, amount=amount, to="ada")
    assert (judged.effect, judged.rule) == (effect, rule)


@pytest.mark.parametrize("amount", ["500", None, True, [500], {"cents": 500}, "missing"])
def test_an_amount_that_is_none_is_never_allowed(amount: Any) -> None:
    args = {} if amount == "missing" else {"amount": amount}
    assert verdict(REFUNDS, **args).effect == "deny"
    lenient = ruled("name: small, tool: refund, when: args.amount <= 100.0, effect: allow, risk: critical")
    for mode in get_args(Mode):
        changed = lenient.policy.model_copy(update={"mode": mode})
        judged = verdict(lenient.model_copy(update={"policy": changed}), **args)
        assert (judged.effect, judged.rule) == ("ask", "small")
        assert "'small' could not be evaluated" in (judged.reason or "")
        assert judged.terms is not None
        assert judged.terms.risk == "critical"


def test_a_rule_shows_the_call_in_words_of_its_own() -> None:
    judged = verdict(REFUNDS, amount=150.5, to="ada\x1b[2J")
    assert (judged.title, judged.reason) == ("150.5 to ada\\u001b[2J", None)
    assert verdict(REFUNDS, amount=2000, to="ada").reason == "2000 is never refunded"


def test_where_a_template_lacks_an_argument_the_words_are_the_usual_ones() -> None:
    assert verdict(REFUNDS, amount=150.5, order_id=7).title == "refund: order_id 7"
    config = ruled('tool: refund, effect: ask, reason: "{args.missing}"')
    said = config.model_copy(update={"policy": config.policy.model_copy(update={"reason": "{tool} needs a person"})})
    assert verdict(said).reason == "refund needs a person"
    assert verdict(config).reason is None


def test_a_rule_that_could_not_be_evaluated_does_not_choose_the_words() -> None:
    config = ruled('tool: refund, effect: ask, when: args.x > 1, title: "Fine", reason: "Fine"')
    judged = verdict(config, order_id=7)
    assert judged.title == "refund: order_id 7"
    assert judged.reason == "The rule 'rule 1' could not be evaluated: there is no x."


def test_a_condition_is_not_evaluated_for_what_the_rule_is_not_about() -> None:
    config = ruled("tool: refund, agent: billing, when: args.x > 1, effect: deny")
    assert verdict(config, "other").rule == "mode"
    assert verdict(config, "refund", "report").rule == "mode"
    assert verdict(config, "refund").effect == "deny"


def test_a_rule_may_be_about_the_run() -> None:
    config = ruled("when: run.turn > 10, effect: deny")
    calls = [judge(config, "billing", None, "refund", {}, DIGEST, run=RunFacts("r", "t", turn)) for turn in (10, 11)]
    assert [judged.effect for judged in calls] == ["ask", "deny"]
    assert judge(config, "billing", None, "refund", {}, DIGEST).effect == "deny"


def test_every_term_of_a_rule_reaches_the_verdict() -> None:
    config = parse(
        """
        policy:
          rules:
            - tool: refund
              when: args.amount > 100.0
              effect: ask
              risk: critical
              decisions: [approve, reject]
              approvers: ["group:finance", "user:dana", requester]
              self_approval: true
              expires_after: never
              on_expiry: abort
        """,
        FILE,
    )
    assert verdict(config, amount=101).terms == Terms(
        decisions=("approve", "reject"),
        approvers=("group:finance", "user:dana", "requester"),
        self_approval=True,
        expires_after="never",
        on_expiry="abort",
        risk="critical",
    )


@pytest.mark.parametrize("mode", get_args(Mode))
def test_switched_off_a_condition_that_fails_denies(mode: Mode) -> None:
    for effect in get_args(Effect):
        config = policy(enabled=False, mode=mode, rules=(Rule(effect=effect, when="args.x > 1"),))
        assert verdict(config).effect == "deny"


_conditions = st.sampled_from(
    (
        *(None, "args.amount > 100.0", "args.x == 1", "args.amount", "args.amount / 0 > 1", "tool == 'refund'"),
        *("run.turn > 1", "no condition", "args.xs[5] == agent"),
        "args.xs.all(x, args.xs.all(y, args.xs.exists(z, z == x + y)))",
    )
)
_conditional = st.lists(
    st.builds(Rule, tool=st.just(("refund",)), effect=st.sampled_from(get_args(Effect)), when=_conditions), max_size=6
)
_poison = st.sampled_from(
    (
        *({}, {"amount": 50}, {"amount": 2**70}, {"amount": "x"}, {"amount": object()}, {"xs": list(range(9_000))}),
        *({"amount": 500, "x": 1, "xs": [1, 2]}, {"amount": "\ud800"}, {"amount": float("nan")}, BrokenArgs()),
    )
)


@given(data=st.data(), rules=_conditional, mode=_modes, args=_poison)
def test_the_order_of_rules_with_conditions_never_changes_the_effect(
    data: st.DataObject, rules: list[Rule], mode: Mode, args: Any
) -> None:
    shuffled = data.draw(st.permutations(rules))
    one, other = (
        judge(policy(rules=tuple(order), mode=mode), "billing", None, "refund", args, DIGEST)
        for order in (rules, shuffled)
    )
    assert one.effect == other.effect


@given(rules=_conditional, mode=_modes, args=_poison)
def test_no_condition_that_fails_ever_allows(rules: list[Rule], mode: Mode, args: Any) -> None:
    """An allow comes from a rule that says so and whose condition is true, or from a mode where nothing failed."""
    found = explain(policy(rules=tuple(rules), mode=mode), Call("billing", None, "refund", args, DIGEST))
    if found.verdict.effect == "allow":
        assert all(look.found != "could not be evaluated" for look in found.looks)
        assert mode == "bypass" or any(look.effect == "allow" and look.found == "matched" for look in found.looks)


def test_what_came_of_each_rule_is_told_in_the_order_of_the_file() -> None:
    config = parse(
        """
        policy:
          deny: ["delete_*"]
          ask: [refund]
          rules:
            - {name: other tool, tool: send_email, effect: deny}
            - {name: other agent, agent: report, effect: deny}
            - {name: too little, tool: refund, when: args.amount > 100.0, effect: deny}
            - {name: broken, tool: refund, when: args.missing, effect: allow}
            - {tool: refund, when: args.amount < 100.0, effect: allow}
        """,
        FILE,
    )
    found = explain(config, Call("billing", "user:dana", "refund", {"amount": 50}, DIGEST))
    assert [(look.name, look.effect, look.found, look.why) for look in found.looks] == [
        ("other tool", "deny", "did not match", "it is about other tools"),
        ("other agent", "deny", "did not match", "it is about other agents"),
        ("too little", "deny", "did not match", "its condition is false"),
        ("broken", "ask", "could not be evaluated", "there is no missing"),
        ("rule 5", "allow", "matched", None),
        ("deny", "deny", "did not match", "none of its globs fits the tool"),
        ("ask", "ask", "matched", None),
        ("allow", "allow", "did not match", "none of its globs fits the tool"),
    ]
    assert (found.verdict.effect, found.verdict.rule) == ("ask", "broken")
