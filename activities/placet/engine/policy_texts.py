"""Checks what in `policy` is written in a language of its own: conditions and templates.

It looks at the values as they were read, so that their errors are told together with those of the form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, cast

from placet.contracts.config import LONGEST_CONDITION, Location
from placet.policy import PolicyError, condition, template

_READERS: Final[dict[str, Callable[[str], object]]] = {"when": condition, "title": template, "reason": template}


def flaws_of_policy(value: object) -> Iterator[tuple[Location, str]]:
    """Yields the place of each wrong condition, template or description in a file, and why it is wrong."""
    rules = _member(_member(value, "policy"), "rules")
    if not isinstance(rules, list):
        return
    for place, rule in enumerate(cast("list[object]", rules)):
        for key, read in _READERS.items():
            text = _member(rule, key)
            # A text of another length is refused for that, and a long one is not even looked at.
            if not isinstance(text, str) or not 0 < len(text) <= LONGEST_CONDITION:
                continue
            try:
                read(text)
            except PolicyError as error:
                yield ("policy", "rules", place, key), str(error)
        if _member(rule, "describe") is not None and _member(rule, "effect") in {"deny", "allow"}:
            yield ("policy", "rules", place, "describe"), "only a rule that asks describes the call"


def _member(value: object, key: str) -> object:
    return cast("dict[str, object]", value).get(key) if isinstance(value, dict) else None
