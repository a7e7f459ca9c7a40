"""A placet.yaml that is wrong is refused as a whole: every error at once, each with file, line, path and reason."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from placet.contracts.config import Config
from placet.engine.config_file import ConfigError, json_schema, load, parse

FILE = Path("placet.yaml")
KEY = "sha256:" + "a" * 64

WHOLE = """\
agents:
  billing:
    description: Answers billing questions
    model: openai:gpt-5-mini
    prompt: You work at the billing desk
    tools: [billing_tools:find_orders, billing_tools:refund]
    idempotent: [find_*]
    tool_timeout: 1h
    max_turns: 40
policy:
  enabled: true
  mode: default
  deny: ["delete_*"]
  ask: ["send_*", "refund"]
  allow: ["find_*"]
  reason: "{tool} needs a person"
  rules:
    - name: large refunds
      tool: refund
      agent: [billing, report]
      when: args.amount > 100.0
      effect: ask
      risk: high
      decisions: [approve, edit, reject]
      approvers: ["group:finance", "user:dana"]
      self_approval: false
      expires_after: 3d
      on_expiry: abort
      title: "Refund {args.amount} on order {args.order_id}"
      reason: "Above 100 finance decides"
      describe: billing_tools:describe_refund
defaults: {decisions: [approve], approvers: [requester], self_approval: true, expires_after: never, risk: low}
questions: {approvers: [requester, "role:approver"], expires_after: 7d}
people:
  users:
    dana: {name: Dana Ito, groups: [finance], roles: [approver], keys: ["sha256:%s"]}
    billing-bot: {roles: [requester]}
""" % ("0" * 64)


def refused(text: str) -> list[tuple[int, str, str]]:
    """Returns line, path and reason of every problem."""
    with pytest.raises(ConfigError) as caught:
        parse(dedent(text), FILE)
    return [(problem.line, problem.path, problem.reason) for problem in caught.value.problems]


def reason(text: str) -> str:
    [(_, _, told)] = refused(text)
    return told


def test_everything_that_works_can_be_said() -> None:
    config = parse(WHOLE, FILE)
    [rule] = config.policy.rules
    assert (rule.tool, rule.agent) == (("refund",), ("billing", "report"))
    assert rule.approvers == ("group:finance", "user:dana")
    assert config.defaults.expires_after == "never"
    assert config.people is not None
    assert config.people.users["dana"].name == "Dana Ito"


def test_without_a_file_there_are_no_agents_and_policy_asks() -> None:
    config = load(None)
    assert config.agents == {}
    assert config.policy.mode == "default"
    assert config.people is None


@pytest.mark.parametrize("text", ["", "# only a remark\n", "{}"])
def test_an_empty_file_is_the_configuration_without_a_file(text: str) -> None:
    assert parse(text, FILE) == load(None).marked(parse(text, FILE)._marks)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage, reportArgumentType]


def test_every_error_is_told_at_once_with_file_line_path_and_reason() -> None:
    text = """\
    agents:
      billing:
        modle: x
        tools: [tools:find, nope]
        max_turns: 0
    policy:
      mode: byass
      rules:
        - tool: refund
          approvers: []
    """
    with pytest.raises(ConfigError) as caught:
        parse(dedent(text), FILE)
    assert str(caught.value).splitlines() == [
        "placet.yaml:2: agents.billing.graph: an agent has either a model or a graph",
        "placet.yaml:3: agents.billing.modle: there is no such key; did you mean model?",
        "placet.yaml:4: agents.billing.tools.1: 'nope' is no reference: write module:attribute",
        "placet.yaml:5: agents.billing.max_turns: should be greater than or equal to 1",
        "placet.yaml:7: policy.mode: should be 'default', 'dont_ask' or 'bypass', not 'byass'",
        "placet.yaml:9: policy.rules.0.effect: is missing",
        "placet.yaml:10: policy.rules.0.approvers: is empty: name at least one",
    ]


def test_an_agent_is_a_model_or_a_graph() -> None:
    text = "agents:\n  a: {}\n  b: {model: 'm:m', graph: 'g:g'}\n  c: {graph: 'g:g'}"
    assert [(line, path) for line, path, _ in refused(text)] == [(2, "agents.a.graph"), (3, "agents.b.graph")]
    assert "either a model or a graph" in reason("agents: {a: {}}")


@pytest.mark.parametrize("idle", ["prompt: p", "tools: ['t:t']", "ask_human: true", "max_turns: 3"])
def test_what_does_nothing_for_a_graph_is_refused(idle: str) -> None:
    name = idle.partition(":")[0]
    assert f"{name} does nothing for an agent that is a graph" in reason(f"agents: {{a: {{graph: 'g:g', {idle}}}}}")


def test_what_does_nothing_for_a_model_is_refused() -> None:
    assert "step does nothing for an agent that is a model" in reason("agents: {a: {model: 'm:m', step: segment}}")
    assert "terms does nothing for" in reason("agents: {a: {model: 'm:m', terms: {risk: high}}}")


@pytest.mark.parametrize(
    "place",
    ["defaults: {approvers: []}", "questions: {approvers: []}", "policy: {rules: [{effect: ask, approvers: []}]}"],
)
def test_an_empty_list_of_approvers_is_an_error_and_never_everyone(place: str) -> None:
    assert "empty" in reason(place)


@pytest.mark.parametrize("approver", ["dana", "user:", "group: ", "role:boss", "role:", "Requester", "users:dana", ""])
def test_an_approver_that_could_never_decide_is_refused(approver: str) -> None:
    assert "is no approver" in reason(f"defaults: {{approvers: ['{approver}']}}")


@pytest.mark.parametrize(
    "text",
    [
        "people:",
        "people: ~",
        "policy:",
        "agents:",
        "defaults: {approvers: }",
        "policy: {rules: [{effect: ask, approvers: }]}",
        "policy: {deny: [~]}",
        "agents: {a: {model: 'm:m', prompt: }}",
    ],
)
def test_a_key_without_a_value_is_refused(text: str) -> None:
    """`people:` with nothing under it would be local mode, where everybody has every role."""
    assert reason(text) == "has no value: write one, or leave it out"


def test_people_without_users_are_refused() -> None:
    for nobody in ("people: {}", "people: {users: {}}", "people: {sign_in: {accounts: accounts.txt}}"):
        assert reason(nobody) == "name at least one user, or sign_in with oidc"


def test_two_users_cannot_have_one_key() -> None:
    assert "the same key" in reason(f"people: {{users: {{a: {{keys: ['{KEY}']}}, b: {{keys: ['{KEY}']}}}}}}")


@pytest.mark.parametrize("key", ["sha256:abc", "a" * 64, "sha256:" + "A" * 64, "sha256:" + "a" * 65, "secret"])
def test_a_key_is_the_hash_of_one(key: str) -> None:
    assert "has not the form" in reason(f"people: {{users: {{a: {{keys: ['{key}']}}}}}}")


def test_a_key_given_twice_is_refused_with_both_lines() -> None:
    assert refused("policy:\n  deny: [a]\n  deny: []\n") == [
        (3, "policy.deny", "is given twice; the first is in line 2")
    ]


def test_a_user_named_no_stays_a_text() -> None:
    config = parse("people: {users: {no: {groups: [off, 1e, 2024-01-01, 12:30]}}}", FILE)
    assert config.people is not None
    assert config.people.users["no"].groups == ("off", "1e", "2024-01-01", "12:30")


@pytest.mark.parametrize("group", ["1", "1.5", "true", "0x1f"])
def test_a_value_that_yaml_takes_for_a_number_is_not_guessed_to_be_a_text(group: str) -> None:
    assert "put it in quotes" in reason(f"people: {{users: {{a: {{groups: [{group}]}}}}}}")


def test_a_key_that_is_no_text_is_refused() -> None:
    assert refused("people:\n  users:\n    1: {}")[0] == (
        3,
        "people.users",
        "the key 1 is not a text; put it in quotes",
    )


@pytest.mark.parametrize("length", ["90", "1h30m", "0s", "-1d", "1y", "forever", "999999999w"])
def test_a_length_has_one_form(length: str) -> None:
    assert refused(f"defaults: {{expires_after: '{length}'}}")[0][1] == "defaults.expires_after"


def test_an_attempt_of_a_tool_has_an_end() -> None:
    assert "for ever" in reason("agents: {a: {model: 'm:m', tool_timeout: never}}")


@pytest.mark.parametrize("value", ["true", "'40'", "2.5"])
def test_max_turns_is_a_whole_number(value: str) -> None:
    assert refused(f"agents: {{a: {{model: 'm:m', max_turns: {value}}}}}")[0][1] == "agents.a.max_turns"


@pytest.mark.parametrize("name", ["", "two words", "a/b", "-a", "é", "a" * 101, "a\\n"])
def test_a_name_of_an_agent_is_one_word(name: str) -> None:
    assert "has not the form" in reason(f'agents: {{"{name}": {{model: "m:m"}}}}')


@pytest.mark.parametrize("globs", ["[]", "['']", "delete_*", "[[a]]", "{a: b}"])
def test_a_short_list_is_a_list_of_texts(globs: str) -> None:
    if globs == "[]":
        assert parse("policy: {deny: []}", FILE).policy.deny == ()
    else:
        assert refused(f"policy: {{deny: {globs}}}")


def test_a_rule_that_can_match_nothing_is_refused() -> None:
    assert reason("policy: {rules: [{effect: deny, tool: []}]}") == "is empty: name at least one"


def test_a_decision_given_twice_is_refused() -> None:
    assert reason("defaults: {decisions: [approve, approve]}") == "'approve' is given twice"


def test_no_decision_at_all_is_refused() -> None:
    assert reason("defaults: {decisions: []}") == "is empty: name at least one"


@pytest.mark.parametrize("text", ["deny: [*_customer]", "deny: [*]"])
def test_a_glob_that_yaml_takes_for_an_alias_is_explained(text: str) -> None:
    assert "stands in quotes" in reason(f"policy:\n  {text}")


def test_an_alias_may_repeat_a_value() -> None:
    text = "defaults: {approvers: &finance ['group:finance']}\nquestions: {approvers: *finance}"
    assert parse(text, FILE).questions.approvers == ("group:finance",)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [*a]",
        "a: !!python/object/apply:os.system [ls]",
        "a: !secret x",
        "<<: {policy: {}}",
        "? [a]\n: b",
        "a: [",
        "a:\n\t- b",
        "--- a\n--- b",
        "'a': \"\\ud800\"",
        '"\\ud800": 1',
        '"\\Uffffffff": 1',
        "a: " + "[" * 5000,
        "- a list",
        "text",
        "5",
        "\x00",
        "a: 0" + "1" * 9999,
    ],
)
def test_rubbish_is_refused_with_a_line_and_nothing_else_happens(text: str) -> None:
    assert refused(text)[0][0] >= 1


@given(text=st.text(alphabet=st.sampled_from("ab:-*&!?|>{}[],'\"#% \n\t~0\\\u2028é\x00"), max_size=40) | st.text())
def test_no_text_makes_the_reader_fail_otherwise(text: str) -> None:
    with contextlib.suppress(ConfigError):
        parse(text, FILE)


def test_a_few_lines_of_aliases_do_not_make_millions_of_values() -> None:
    layers = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    layers += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert reason("\n".join(layers)) == "holds more than 100,000 values"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "placet.yaml"
    with pytest.raises(ConfigError, match="No such file"):
        load(missing)
    with pytest.raises(ConfigError, match="Is a directory"):
        load(tmp_path)
    missing.write_bytes(b"agents: {}\n# caf\xe9\n")
    with pytest.raises(ConfigError, match=r"placet\.yaml:2: is not UTF-8"):
        load(missing)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "placet.yaml"
    path.write_bytes("\ufeffpolicy: {mode: bypass}".encode())
    assert load(path).policy.mode == "bypass"


def test_a_part_of_a_configuration_knows_its_line() -> None:
    config = parse(WHOLE, FILE)
    assert config.where("policy", "rules", 0, "risk") == "placet.yaml:23: policy.rules.0.risk"
    assert config.where("agents", "billing", "tools", 1) == "placet.yaml:6: agents.billing.tools.1"
    assert Config().where("agents", "a") == "agents.a"


def test_the_json_schema_takes_what_the_reader_takes() -> None:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    check = Draft202012Validator(schema)
    good = parse(WHOLE, FILE).model_dump(mode="json", exclude_none=True)
    assert list(check.iter_errors(good)) == []  # pyright: ignore[reportUnknownMemberType]
    wrong = ('{"polcy": {}}', '{"policy": {"mode": "x"}}', '{"defaults": {"approvers": []}}', '{"agents": {"a": {}}}')
    for text in wrong:
        assert list(check.iter_errors(json.loads(text))), text  # pyright: ignore[reportUnknownMemberType]
    assert json.loads(json.dumps(schema)) == schema


def test_a_wrong_condition_and_a_wrong_template_are_told_with_everything_else() -> None:
    text = """\
    policy:
      mode: byass
      reason: "{anything} stays as it is"
      rules:
        - effect: ask
          when: args.amount >
          title: "Refund {args.amount"
          risk: huge
        - effect: ask
          when: arg.amount > 100.0
          reason: "{order}"
        - effect: ask
          when: true
          title: ""
        - effect: deny
          describe: tools:describe
        - effect: ask
          describe: nonsense
    """
    with pytest.raises(ConfigError) as caught:
        parse(dedent(text), FILE)
    assert str(caught.value).splitlines() == [
        "placet.yaml:2: policy.mode: should be 'default', 'dont_ask' or 'bypass', not 'byass'",
        "placet.yaml:6: policy.rules.0.when: is no condition: mismatched input '<EOF>' at character 14",
        "placet.yaml:7: policy.rules.0.title: has a lone { at character 8; doubled, it stands for itself",
        "placet.yaml:8: policy.rules.0.risk: should be 'low', 'medium', 'high' or 'critical', not 'huge'",
        "placet.yaml:10: policy.rules.1.when: there is no arg; a condition is about args, tool, agent, requester, run",
        "placet.yaml:11: policy.rules.1.reason: there is no {order}: a template is about args, tool, agent, requester",
        "placet.yaml:13: policy.rules.2.when: True is not a text here: put it in quotes",
        "placet.yaml:14: policy.rules.2.title: String should have at least 1 character",
        "placet.yaml:16: policy.rules.3.describe: only a rule that asks describes the call",
        "placet.yaml:18: policy.rules.4.describe: 'nonsense' is no reference: write module:attribute",
    ]


@pytest.mark.parametrize("text", ["policy: {rules: {when: '>'}}", "policy: {rules: [5, [when]]}", "policy: [rules]"])
def test_a_policy_of_another_form_is_refused_for_its_form(text: str) -> None:
    assert all("condition" not in told for _, _, told in refused(text))


def test_a_condition_that_is_too_long_is_not_even_read() -> None:
    assert "at most 2000 characters" in reason(f"policy: {{rules: [{{effect: ask, when: '{'(' * 100_000}'}}]}}")


MCP = """\
agents:
  desk:
    model: openai:x
    mcp:
      shop:
        command: shop-server
        args: [--quiet]
        env: {SHOP_TOKEN: "${SHOP_TOKEN}", SHOP_REGION: eu}
        cwd: servers
        tools: [find_*, refund]
        prefix: false
      web-search:
        url: https://mcp.example.com/mcp
        headers: {Authorization: "Bearer ${SEARCH_KEY}"}
        tools: search
"""


def test_an_agent_may_have_mcp_servers() -> None:
    servers = parse(MCP, FILE).agents["desk"].mcp
    assert list(servers) == ["shop", "web-search"]
    assert (servers["shop"].tools, servers["shop"].prefix) == (("find_*", "refund"), False)
    assert (servers["web-search"].tools, servers["web-search"].prefix) == (("search",), True)
    assert parse(MCP, FILE).where("agents", "desk", "mcp", "shop", "env", "SHOP_TOKEN").startswith("placet.yaml:8:")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("tools: [x]", "either a command or a url"),
        ("{command: a, url: 'http://a'}", "either a command or a url"),
        ("{command: a, headers: {A: b}}", "headers does nothing for a server with a command"),
        ("{url: 'http://a', env: {A: b}}", "env does nothing for a server with a url"),
        ("{url: 'ftp://a'}", "is no address"),
        ("{url: a}", "is no address"),
        ("{command: a, env: {A: '${B'}}", "is written ${NAME}"),
        ("{command: a, env: {A: '${B C}'}}", "is written ${NAME}"),
        ("{command: a, env: {A: 1}}", "put it in quotes"),
        ("{command: a, env: {'A=B': x}}", "has not the form"),
        ("{url: 'http://a', headers: {'A B': x}}", "has not the form"),
        ("{command: a, prefix: 1}", "valid boolean"),
        ("{command: a, tools: []}", "is empty"),
        ("{command: a, argz: []}", "did you mean args?"),
    ],
)
def test_a_server_that_cannot_be_meant_is_refused_with_its_line(line: str, says: str) -> None:
    told = line if line.startswith("{") else "{" + line + "}"
    [(where, path, said)] = refused(f"agents:\n  a:\n    model: openai:x\n    mcp:\n      shop: {told}\n")
    assert (where, path.startswith("agents.a.mcp.shop")) == (5, True)
    assert says in said


def test_a_server_has_a_name_that_a_model_can_say() -> None:
    [(line, _, said)] = refused("agents:\n  a:\n    model: openai:x\n    mcp:\n      my shop: {command: a}\n")
    assert (line, "has not the form" in said) == (5, True)


def test_what_the_schema_says_of_servers_is_what_is_taken() -> None:
    schema: Any = Draft202012Validator(json_schema())
    servers = {"shop": {"command": "a", "env": {"A": "${B}"}}, "web": {"url": "https://a/mcp", "tools": "x"}}
    assert schema.is_valid({"agents": {"a": {"model": "m", "mcp": servers}}})
    assert not schema.is_valid({"agents": {"a": {"model": "m", "mcp": {"shop": {"commando": "a"}}}}})
