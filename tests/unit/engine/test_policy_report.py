"""A warning that a rule never decides is true: whatever is called, another rule comes first."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from placet.contracts.calls import Effect
from placet.contracts.config import Config, PolicyConfig, Rule
from placet.engine.config_file import parse
from placet.engine.policy_report import explained, summary_of
from placet.policy import Call, explain

_globs = st.lists(st.sampled_from(["*", "a*", "*b", "ab", "a", "a*b", "**", "b"]), min_size=1, max_size=2).map(tuple)
_rule = st.builds(
    Rule,
    tool=_globs,
    agent=st.sampled_from([("*",), ("a",), ("a*",), ("*b", "a")]),
    effect=st.sampled_from(get_args(Effect)),
    when=st.sampled_from([None, None, "args.x > 1", "args.x < 1"]),
)
_names = st.text(alphabet="ab", max_size=4)


@settings(max_examples=400)
@given(
    rules=st.lists(_rule, min_size=1, max_size=4),
    deny=st.lists(st.sampled_from(["*", "a*", "ab"]), max_size=1),
    calls=st.lists(st.tuples(_names, st.none() | _names, st.sampled_from([{}, {"x": 0}, {"x": 5}])), max_size=12),
)
def test_a_rule_that_is_said_never_to_decide_never_does(
    rules: list[Rule], deny: list[str], calls: list[tuple[str, str | None, dict[str, int]]]
) -> None:
    named = tuple(rule.model_copy(update={"name": f"r{place}"}) for place, rule in enumerate(rules))
    config = Config(policy=PolicyConfig(rules=named, deny=tuple(deny)))
    warned = {f"r{one.split('.')[2].partition(':')[0]}" for one in summary_of(config).warnings}
    for tool, agent, args in calls:
        assert explain(config, Call(agent, None, tool, args, "sha256:x")).verdict.rule not in warned


def test_a_rule_that_decides_sometimes_is_not_warned_of() -> None:
    config = parse(
        """
        policy:
          deny: [delete_all]
          rules:
            - {tool: "delete_*", effect: ask}
            - {tool: refund, when: args.amount > 100.0, effect: ask}
            - {tool: refund, when: args.missing > 100.0, effect: allow}
            - {tool: refund, effect: ask, agent: billing}
            - {tool: refund, effect: allow}
            - {tool: "*", effect: deny, when: args.x == 1}
        """,
        Path("placet.yaml"),
    )
    assert summary_of(config).warnings == ()


def test_what_an_agent_asks_people_is_explained_under_the_terms_of_questions() -> None:
    config = parse("questions: {approvers: [requester]}", Path("placet.yaml"))
    found = explained(config, "a", "ask_human", {"questions": [{"question": "Which?"}]})
    assert found.verdict.terms is not None
    assert (found.verdict.title, found.verdict.terms.approvers) == ("Which?", ("requester",))
