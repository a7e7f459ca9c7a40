"""What is known of a kind of value: marks on its text and facts beside it; the text itself always stays as it is.

A look never rewrites, shortens or reorders a value: what it has not understood is shown all the same. It is chosen by
the `format` that the tool's schema gives an argument, or by the argument's name and form.
"""

from placet.cards.looks._choosing import look_at
from placet.cards.looks._look import LABELS, Look, LookKind

__all__ = ["LABELS", "Look", "LookKind", "look_at"]
