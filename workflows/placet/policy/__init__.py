"""Policy: pure functions from a call to a verdict."""

from placet.contracts.titles import shown, title_of
from placet.policy._conditions import condition
from placet.policy._facts import RunFacts
from placet.policy._globs import any_matches, matches
from placet.policy._judge import LONGEST_REASON, Judgement, explain, judge, stricter
from placet.policy._people import Standing, may_approve
from placet.policy._questions import on_questions
from placet.policy._rules import Call, Look
from placet.policy._templates import template
from placet.policy.errors import ConditionError, PolicyError, TemplateError

__all__ = [
    "LONGEST_REASON",
    "Call",
    "ConditionError",
    "Judgement",
    "Look",
    "PolicyError",
    "RunFacts",
    "Standing",
    "TemplateError",
    "any_matches",
    "condition",
    "explain",
    "judge",
    "matches",
    "may_approve",
    "on_questions",
    "shown",
    "stricter",
    "template",
    "title_of",
]
