"""Globs in which only `*` is special."""

from __future__ import annotations

from collections.abc import Iterable


def matches(glob: str, name: str) -> bool:
    """Returns whether the whole name fits the glob; case counts, and every character but `*` is itself.

    Each piece between two stars is searched once, from where the one before it ended: the leftmost fit leaves the most
    for the rest, so nothing is ever tried twice and the time is linear in the name, however many stars there are.
    """
    head, *rest = glob.split("*")
    if not rest:
        return glob == name
    *middle, tail = rest
    if not name.startswith(head) or not name.endswith(tail) or len(name) < len(head) + len(tail):
        return False
    at, end = len(head), len(name) - len(tail)
    for piece in middle:
        at = name.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def any_matches(globs: Iterable[str], name: str) -> bool:
    """Returns whether the name fits one of the globs."""
    return any(matches(glob, name) for glob in globs)
