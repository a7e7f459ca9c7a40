"""What counts as text that somebody can read."""

from __future__ import annotations


def is_blank(text: str) -> bool:
    """Returns whether nothing of a text shows: only spaces, controls, and characters without width."""
    return not any(one.isprintable() and not one.isspace() for one in text)
