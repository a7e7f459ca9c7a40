"""Policy: pure functions from a call to a verdict."""

from placet.policy._globs import matches
from placet.policy._judge import judge, stricter
from placet.policy._titles import shown, title_of

__all__ = ["judge", "matches", "shown", "stricter", "title_of"]
