"""What policy says of questions: they are asked under terms of their own, unless a rule forbids them."""

from __future__ import annotations

from typing import Any, Final

import pytest

from placet.contracts.calls import Verdict
from placet.contracts.config import Config
from placet.contracts.questions import ASK_HUMAN
from placet.policy import judge, on_questions

ARGS: Final[dict[str, Any]] = {"questions": [{"id": "q1", "question": "Which one?\x1b[2J", "options": []}] * 2}


def verdict_of(policy: dict[str, Any], **sections: Any) -> Verdict:
    config = Config.model_validate({"policy": policy, **sections})
    return on_questions(config, judge(config, "clerk", "user:ada", ASK_HUMAN, ARGS, "sha256:0"), ARGS)


@pytest.mark.parametrize(
    "policy",
    [{}, {"mode": "bypass"}, {"allow": ["*"]}, {"ask": ["ask_*"]}, {"mode": "dont_ask", "allow": [ASK_HUMAN]}],
    ids=["default", "bypass", "allowed", "asked", "allowed by name"],
)
def test_questions_are_asked_whatever_would_let_a_call_run(policy: dict[str, Any]) -> None:
    verdict = verdict_of(policy, questions={"approvers": ["requester"], "expires_after": "2h"})
    assert verdict.effect == "ask"
    assert verdict.terms is not None
    assert (verdict.terms.approvers, verdict.terms.expires_after) == (("requester",), "2h")
    assert verdict.reason is None


@pytest.mark.parametrize(
    "policy",
    [{"deny": ["ask_*"]}, {"mode": "dont_ask"}, {"enabled": False}, {"enabled": False, "mode": "bypass"}],
    ids=["denied", "nobody is asked by default", "switched off", "switched off and bypassed"],
)
def test_nobody_is_asked_where_policy_forbids_it(policy: dict[str, Any]) -> None:
    verdict = verdict_of(policy)
    assert (verdict.effect, verdict.terms) == ("deny", None)
    assert verdict.reason


def test_the_headline_is_the_first_question_with_what_does_not_show_made_visible() -> None:
    assert verdict_of({}).title == "Which one?\\u001b[2J and 1 more"


NO_QUESTIONS: Final[list[dict[str, Any]]] = [{}, {"questions": 5}, {"questions": [7]}, {"questions": [{}]}]


@pytest.mark.parametrize("args", NO_QUESTIONS)
def test_questions_of_any_form_have_a_headline(args: dict[str, Any]) -> None:
    config = Config()
    assert on_questions(config, Verdict(effect="allow", digest="sha256:0"), args).title == "a question"
