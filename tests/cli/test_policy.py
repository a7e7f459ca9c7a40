"""`placet policy`: says everything that is wrong with a file, and what its policy says of a call; asks no server."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Placet

GOOD = """\
agents:
  billing: {model: "desk_model:desk", tools: ["desk_tools:refund"]}
policy:
  deny: ["delete_*"]
  allow: ["find_*"]
  rules:
    - name: large refunds
      tool: refund
      when: args.amount > 100.0
      effect: ask
      risk: high
      approvers: ["group:finance"]
      expires_after: 3d
      on_expiry: abort
      title: "Refund {args.amount} on order {args.order_id}"
      reason: Above 100 finance decides
    - name: small refunds
      tool: refund
      when: args.amount <= 100.0
      effect: allow
    - name: of the boss
      tool: refund
      when: requester == 'user:boss' && run.turn > 3
      effect: deny
      reason: "{requester} refunds nothing"
"""
WRONG = """\
agents:
  billing: {}
policy:
  mode: byass
  rules:
    - tool: refund
      when: args.amount >
      effect: ask
      title: "{amount}"
"""


@pytest.fixture
def placet(placet_of: Callable[[str], Placet]) -> Placet:
    return placet_of("http://127.0.0.1:9")


@pytest.fixture
def good(tmp_path: Path) -> str:
    path = tmp_path / "placet.yaml"
    path.write_text(GOOD)
    return str(path)


def test_a_file_that_is_right_is_told_what_it_holds(placet: Placet, good: str) -> None:
    ended = placet("policy", "check", good)
    assert ended.code == 0
    assert ended.out.splitlines() == [
        f"{good}: nothing is wrong with it",
        "agents    billing",
        "rules     3, 3 with a condition; globs: deny 1, ask 0, allow 1",
        "mode      default: a call that nothing matches asks a person",
        "people    none: local mode",
        "not checked here: desk_model:desk",
        "not checked here: desk_tools:refund",
    ]
    found = placet("policy", "check", good, "--json").document
    assert (found["ok"], found["agents"], found["rules"], found["problems"]) == (True, ["billing"], 3, [])


def test_everything_that_is_wrong_is_told_with_file_line_path_and_reason(placet: Placet, tmp_path: Path) -> None:
    path = tmp_path / "placet.yaml"
    path.write_text(WRONG)
    ended = placet("policy", "check", str(path))
    assert ended.code == 9
    lines = [line.removeprefix(f"{path}:") for line in ended.out.splitlines()]
    assert lines == [
        "2: agents.billing.graph: an agent has either a model or a graph",
        "4: policy.mode: should be 'default', 'dont_ask' or 'bypass', not 'byass'",
        "7: policy.rules.0.when: is no condition: mismatched input '<EOF>' at character 14",
        "9: policy.rules.0.title: there is no {amount}: a template is about args, tool, agent, requester",
    ]
    as_json = placet("policy", "check", str(path), "--json")
    assert as_json.code == 9
    assert as_json.document["ok"] is False
    assert [(one["line"], one["path"]) for one in as_json.document["problems"]] == [
        (2, "agents.billing.graph"),
        (4, "policy.mode"),
        (7, "policy.rules.0.when"),
        (9, "policy.rules.0.title"),
    ]


def test_a_file_that_is_not_there_is_wrong(placet: Placet, tmp_path: Path) -> None:
    ended = placet("policy", "check", str(tmp_path / "none.yaml"))
    assert (ended.code, "No such file" in ended.out) == (9, True)


def test_what_a_file_prints_cannot_act_on_a_terminal(placet: Placet, tmp_path: Path) -> None:
    path = tmp_path / "placet.yaml"
    path.write_text('policy: {rules: [{effect: ask, tool: "a\\e[2Jb", when: "args.\\e[2J > 1"}]}')
    assert "\x1b" not in placet("policy", "check", str(path)).out
    path.write_text('policy: {rules: [{effect: ask, name: "a\\e[2Jb", reason: "\\e[2J"}]}')
    ended = placet("policy", "explain", "b\x1b[2J", "t\x1b[2J", "{}", "--config", str(path))
    assert (ended.code, "\x1b" in ended.out) == (0, False)


def test_what_may_not_be_meant_is_a_warning(placet: Placet, tmp_path: Path) -> None:
    path = tmp_path / "placet.yaml"
    path.write_text(
        dedent("""\
        policy:
          enabled: false
          mode: bypass
          deny: ["delete_*"]
          rules:
            - {tool: delete_user, effect: ask}
            - {name: later, tool: "find_*", effect: ask}
            - {tool: find_orders, effect: allow}
            - {tool: find_orders, when: args.a > 1, effect: deny}
        """)
    )
    ended = placet("policy", "check", str(path))
    assert ended.code == 0
    assert [line.partition(": ")[2] for line in ended.out.splitlines() if line.startswith("warning")] == [
        "policy.enabled is false: nobody is asked, and what would ask is denied",
        "policy.mode is bypass: a call that nothing matches runs, and nobody is asked",
        f"{path}:6: policy.rules.0: never decides: 'deny' denies all that it matches",
        f"{path}:8: policy.rules.2: never decides: 'later' asks about all that it matches",
    ]


def test_an_ask_is_explained_as_a_person_would_see_it(placet: Placet, good: str) -> None:
    args = '{"amount": 150.5, "order_id": "A\\u202e1"}'
    ended = placet("policy", "explain", "billing", "refund", args, "--config", good, "--requester", "user:dana")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines.pop(7).startswith("digest    sha256:")
    assert lines == [
        "ask: refund of billing",
        "rule      large refunds",
        "title     Refund 150.5 on order A\\u202e1",
        "reason    Above 100 finance decides",
        "terms     high risk; approve, edit, reject, respond; self-approval not allowed",
        "          by group:finance",
        "          expires after 3d, then abort",
        "",
        "rules, in the order of the file:",
        "  ask   large refunds: matched",
        "  allow small refunds: did not match: its condition is false",
        "  deny  of the boss: did not match: its condition is false",
        "  deny  deny: did not match: none of its globs fits the tool",
        "  ask   ask: did not match: none of its globs fits the tool",
        "  allow allow: did not match: none of its globs fits the tool",
    ]


def test_a_title_names_the_argument_that_it_would_name_in_a_run(placet: Placet, good: str) -> None:
    ended = placet("policy", "explain", "billing", "sing", '{"zeal": 1, "aria": "Casta diva"}', "--config", good)
    assert "title     sing: aria Casta diva" in ended.out.splitlines()


def test_a_denial_exits_with_three_and_says_which_rule(placet: Placet, good: str) -> None:
    run = '{"id": "run-1", "turn": 4}'
    call = ("policy", "explain", "billing", "refund", '{"amount": 5}', "--requester", "user:boss")
    ended = placet(*call, "--run", run, "--json", PLACET_CONFIG=good)
    assert ended.code == 3
    found = ended.document
    assert (found["effect"], found["rule"], found["reason"]) == ("deny", "of the boss", "user:boss refunds nothing")
    assert found["terms"] is None
    assert [rule["found"] for rule in found["rules"][:3]] == ["did not match", "matched", "matched"]


def test_what_could_not_be_evaluated_says_why(placet: Placet, good: str) -> None:
    ended = placet("policy", "explain", "billing", "refund", "{}", "--config", good)
    assert ended.code == 3
    assert "  ask   small refunds: could not be evaluated: there is no amount\n" in ended.out
    assert "  deny  of the boss: could not be evaluated: run is not known of this call\n" in ended.out


def test_what_is_allowed_exits_with_zero(placet: Placet, good: str) -> None:
    ended = placet("policy", "explain", "desk", "find_orders", "{}", "--config", good)
    assert ended.code == 0
    assert ended.out.splitlines()[:2] == ["allow: find_orders of desk", "          the file has no such agent"]


def test_arguments_come_from_a_file_or_from_stdin(placet: Placet, good: str, tmp_path: Path) -> None:
    (tmp_path / "args.json").write_text('{"amount": 150}')
    call = ("policy", "explain", "billing", "refund")
    by_file = placet(*call, f"@{tmp_path}/args.json", "--config", good, "--requester", "user:dana", "--json")
    by_pipe = placet(*call, "-", "--config", good, "--requester", "user:dana", "--json", stdin='{"amount": 150.0}')
    assert by_file.document["digest"] == by_pipe.document["digest"]
    assert by_file.document["rule"] == by_pipe.document["rule"] == "large refunds"


@pytest.mark.parametrize(
    ("args", "more"),
    [
        ("[1]", ()),
        ("{", ()),
        ('{"a": 1, "a": 2}', ()),
        ('{"a": NaN}', ()),
        ("@/nowhere/args.json", ()),
        ("{}", ("--run", "[]")),
        ("{}", ("--run", '{"name": 1}')),
    ],
)
def test_arguments_that_are_no_object_are_invalid(placet: Placet, good: str, args: str, more: tuple[str, ...]) -> None:
    ended = placet("policy", "explain", "billing", "refund", args, "--config", good, "--json", *more)
    assert ended.code == 9
    assert ended.document["code"] == "invalid_input"
    assert ended.err.startswith("--run: " if more else "ARGS: ")


def test_a_wrong_file_is_told_instead_of_a_verdict(placet: Placet, tmp_path: Path) -> None:
    path = tmp_path / "placet.yaml"
    path.write_text(WRONG)
    ended = placet("policy", "explain", "billing", "refund", "{}", "--config", str(path))
    assert ended.code == 9
    assert "policy.rules.0.when" in ended.out


def test_missing_arguments_are_a_usage_error(placet: Placet) -> None:
    assert placet("policy", "check").code == 2
    assert placet("policy", "explain", "billing", "refund").code == 2


def test_a_function_that_describes_is_named_and_not_run(placet: Placet, tmp_path: Path) -> None:
    path = tmp_path / "placet.yaml"
    path.write_text("policy: {rules: [{effect: ask, describe: 'words:say'}]}")
    (tmp_path / "words.py").write_text("raise SystemExit(1)")
    ended = placet("policy", "explain", "a", "refund", "{}", "--config", str(path))
    assert ended.code == 0
    assert "unless words:say, which only the worker runs, says something else" in ended.out
    assert placet("policy", "check", str(path)).code == 0


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("enabled: false", "policy.enabled is false: nobody is asked, and what would ask is denied"),
        ("mode: bypass", "policy.mode is bypass: a call that nothing matches runs, and nobody is asked"),
        ("mode: dont_ask", "policy.mode is dont_ask: a call that nothing matches is denied"),
        ("mode: default", ""),
    ],
)
def test_the_doctor_reminds_of_a_policy_that_asks_nobody(placet: Placet, tmp_path: Path, said: str, told: str) -> None:
    path = tmp_path / "placet.yaml"
    path.write_text(f"policy: {{{said}}}")
    environment = {"PLACET_CONFIG": str(path), "PLACET_DATA": str(tmp_path), "TEMPORAL_ADDRESS": "127.0.0.1:9"}
    findings = json.loads(placet("doctor", "--json", **environment).out)["findings"]
    (found,) = [one["found"] for one in findings if one["subject"] == "configuration"]
    assert found == (f"{path}; {told}" if told else str(path))
