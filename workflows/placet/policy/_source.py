"""Reads the text of a condition, to say before it is evaluated how long that could take.

The library gives no limit of time and cannot be interrupted. It copies a list whenever one is read, and again for each
item that `map` or `filter` adds. So the steps are counted beforehand, from above: what a condition reads, and how the
loops in it are nested.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

ROOTS: Final = ("args", "tool", "agent", "requester", "run")
"""What a condition is about."""
LOOPS: Final = frozenset({"all", "exists", "exists_one", "map", "filter"})
_GATHERING: Final = frozenset({"map", "filter"})
_PATTERN_STEPS: Final = 2_000
"""What it costs to read a regular expression, in values looked at."""

_TOKEN: Final = re.compile(
    r"""
      (?P<text>
          (?:[rR][bB]?|[bB][rR])(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n]*"|'[^'\n]*')
        | [bB]?(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
      )
    | (?P<remark>//[^\n]*)
    | (?P<decimal>\d+\.\d+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+|\.\d+(?:[eE][-+]?\d+)?)
    | (?P<number>\d\w*)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<mark>\S)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass
class Region:
    """A condition, or the part of it that a loop repeats.

    Attributes:
        kind: The loop; None for the whole.
        reads: How often it names something that is known of the call.
        patterns: How often it matches a regular expression.
    """

    kind: str | None = None
    reads: int = 0
    patterns: int = 0
    loops: list[Region] = field(default_factory=list["Region"])

    def steps(self, weight: int, longest: int) -> int:
        """Returns how many values evaluating it looks at or copies, at most."""
        own = self.reads * weight + self.patterns * (_PATTERN_STEPS + weight)
        return own + sum(loop.turns(weight, longest) for loop in self.loops)

    def turns(self, weight: int, longest: int) -> int:
        """Returns the same for all turns of the loop together."""
        gathering = longest * self._gathered(weight, longest) if self.kind in _GATHERING else 0
        return weight + longest * (1 + self.steps(weight, longest)) + gathering

    def _gathered(self, weight: int, longest: int) -> int:
        """Returns how large the list is that the loop makes, at most."""
        if not self.reads and not self.loops:
            return weight
        inner = [loop._gathered(weight, longest) for loop in self.loops]  # noqa: SLF001 - of this class
        return longest * max(weight, *inner, 0)


@dataclass(frozen=True)
class Source:
    """What the text of a condition shows.

    Attributes:
        bound: The names that its loops give to what they look at.
        names: All names and texts that stand in it.
        numbers: The whole numbers.
        largest_decimal: Of the decimals.
        items: How long a list could be that it writes out.
        growth: How many times as much as is known it could hold by joining.
    """

    whole: Region
    bound: frozenset[str]
    names: frozenset[str]
    numbers: frozenset[int]
    largest_decimal: float
    items: int
    growth: int

    def steps(self, weight: int, longest: int) -> int:
        """Returns how many values evaluating it looks at or copies, at most."""
        return self.whole.steps((weight + self.items) * self.growth, max(longest, self.items) * self.growth)


def read(text: str) -> Source:
    """Returns what the text of a condition shows."""
    tokens = [(one.lastgroup or "", one.group()) for one in _TOKEN.finditer(text) if one.lastgroup != "remark"]
    whole, bound = _regions(tokens)
    decimals = [float(token) for kind, token in tokens if kind == "decimal"]
    return Source(
        whole=whole,
        bound=frozenset(bound),
        names=frozenset(token.strip("'\"") for kind, token in tokens if kind in {"name", "text"}),
        numbers=frozenset(_number(token) for kind, token in tokens if kind == "number"),
        largest_decimal=max(decimals, default=0.0),
        items=1 + sum(token == "," for kind, token in tokens if kind == "mark"),  # noqa: S105 - a token of a text
        growth=1 + sum(token in {"+", "["} for kind, token in tokens if kind == "mark"),
    )


def _number(token: str) -> int:
    return int(token.rstrip("uU"), 0) if token.lower().startswith("0x") else int(re.sub(r"\D.*", "", token))


def _regions(tokens: list[tuple[str, str]]) -> tuple[Region, set[str]]:
    """Returns the regions of a condition, and the names that its loops bind."""
    whole, bound = Region(), set[str]()
    around: list[Region] = [whole]
    opened: list[bool] = []
    padded = [("", ""), ("", ""), *tokens, ("", "")]
    for at in range(2, len(padded) - 1):
        (_, beforehand), (_, before), (kind, word) = padded[at - 2 : at + 1]
        if kind == "name" and before != "." and word in ROOTS:
            around[-1].reads += 1
        elif kind == "name" and word == "matches":
            around[-1].patterns += 1
        elif word == "(":
            begins = before in LOOPS and beforehand == "."
            opened.append(begins)
            if begins:
                loop = Region(before)
                around[-1].loops.append(loop)
                around.append(loop)
                bound.add(padded[at + 1][1])
        elif word == ")" and opened and opened.pop():
            around.pop()
    return whole, bound
