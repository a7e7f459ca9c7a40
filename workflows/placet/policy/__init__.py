"""Policy: pure functions from a call to a verdict."""

from placet.policy._globs import matches
from placet.policy._judge import judge, stricter
from placet.policy._people import Standing, may_approve
from placet.policy._questions import on_questions
from placet.policy._titles import shown, title_of

__all__ = ["Standing", "judge", "matches", "may_approve", "on_questions", "shown", "stricter", "title_of"]
