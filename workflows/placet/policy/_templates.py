"""`title` and `reason` of a rule: a text in which braces name what is known of the call."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple, cast

from placet.contracts.titles import digits, shown
from placet.policy.errors import TemplateError

ROOTS: Final = ("args", "tool", "agent", "requester")
_PIECE: Final = re.compile(r"(?P<text>[^{}]+)|(?P<brace>\{\{|\}\})|\{(?P<path>[^{}]*)\}|(?P<lone>[{}])")
_STEP: Final = re.compile(r"""\.(?P<name>[\w-]+)|\[(?P<place>\d{1,6})\]|\[(["'])(?P<key>.*?)\3\]""")


class _Path(NamedTuple):
    """What a pair of braces names: `args.order.items[0].id`."""

    root: str
    steps: tuple[str | int, ...]


class Template:
    """A text with places to fill in."""

    def __init__(self, text: str) -> None:
        """Reads a template; doubled braces stand for themselves.

        Raises:
            TemplateError: It is none.
        """
        self._parts = tuple(_part(found) for found in _PIECE.finditer(text))

    def filled(self, known: Mapping[str, Any], longest: int) -> str | None:
        """Returns the text with what is known filled in, on one line and cut; None where something is missing.

        Args:
            known: By root; what is not known is missing.
            longest: Characters, at most.
        """
        texts: list[str] = []
        for part in self._parts:
            if isinstance(part, str):
                texts.append(part)
                continue
            try:
                texts.append(_told(_found(known, part)))
            except (LookupError, TypeError, RecursionError):
                return None
        return shown("".join(texts), longest).strip() or None


@cache
def template(text: str) -> Template:
    """Returns a template, read once for as long as the process lives: the texts are those of the configuration.

    Raises:
        TemplateError: It is none.
    """
    return Template(text)


def _part(found: re.Match[str]) -> str | _Path:
    if found["lone"]:
        message = f"has a lone {found['lone']} at character {found.start() + 1}; doubled, it stands for itself"
        raise TemplateError(message)
    if found["path"] is None:
        return found["text"] or found["brace"][0]
    return _path(found["path"])


def _path(text: str) -> _Path:
    root = re.match(r"\w*", text)
    name = root[0] if root else ""
    if name not in ROOTS:
        message = f"there is no {{{text[:60]}}}: a template is about {', '.join(ROOTS)}"
        raise TemplateError(message)
    steps: list[str | int] = []
    at = len(name)
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None or name != "args":
            message = f"{{{text[:60]}}} is no place: write {{tool}}, or {{args.order.items[0].id}}"
            raise TemplateError(message)
        steps.append(int(step["place"]) if step["place"] else step["name"] or step["key"])
        at = step.end()
    return _Path(name, tuple(steps))


def _found(known: Mapping[str, Any], path: _Path) -> object:
    """Returns what a path leads to.

    Raises:
        LookupError: Nothing is there.
    """
    value: object = known[path.root]
    for step in path.steps:
        if isinstance(step, str) and isinstance(value, Mapping):
            value = cast("Mapping[str, object]", value)[step]
        elif isinstance(step, int) and isinstance(value, Sequence) and not isinstance(value, str):
            value = cast("Sequence[object]", value)[step]
        else:
            raise KeyError(step)
    return value


def _told(value: object) -> str:
    """Returns a value as a person reads it, on one line and cut."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return shown(digits(value))
    return shown(json.dumps(value, ensure_ascii=False))
