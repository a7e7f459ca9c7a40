"""What a condition can know of a call, handed in so that the library rounds no number unseen.

CEL has whole numbers of 64 bits, and decimals that hold 53. The library turns a larger whole number into the nearest
decimal, and compares whole numbers with decimals as decimals. So where rounding could matter, a number that no decimal
holds is handed in twice: once as the next decimal below, once as the next above. Only what comes out alike counts.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from placet.contracts.canonical import MAX_DEPTH
from placet.policy.errors import ConditionError

if TYPE_CHECKING:
    import cel

EXACT: Final = 2**53
"""Up to here a decimal holds every whole number."""
MOST_VALUES: Final = 50_000
"""Values of a call, at most: handing in so many takes a tenth of a second."""
_A_VALUE: Final = 64
"""Characters of text that weigh as much as a value."""
_DEEPEST: Final = MAX_DEPTH + 1
"""The library ends the process on what is nested some ten thousand deep."""
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1


class RunFacts(NamedTuple):
    """What is known of the run of a call, wherever it is judged; nothing of a call outside our runs."""

    id: str | None = None
    thread_id: str | None = None
    turn: int | None = None


class Facts:
    """What is known of one call; read once, by the first condition that asks."""

    def __init__(
        self, *, args: Mapping[str, Any], tool: str, agent: str | None, requester: str | None, run: RunFacts | None
    ) -> None:
        told = {name: value for name, value in (run or RunFacts())._asdict().items() if value is not None}
        given = {"args": args, "tool": tool, "agent": agent, "requester": requester, "run": told or None}
        # What is not known is missing, so that no condition about it can be evaluated.
        self._given = {name: value for name, value in given.items() if value is not None}

    @property
    def weight(self) -> int:
        """How much there is to look at: values, and text in units of 64 characters.

        Raises:
            ConditionError: It is more, or deeper, than any condition is evaluated over.
        """
        return self._read.values + self._read.characters // _A_VALUE

    @property
    def longest(self) -> int:
        """The number of items of the longest list or object."""
        return self._read.longest

    def contexts(self, *, decimals: bool, forms: bool, written: frozenset[int]) -> list[cel.Context]:
        """Returns what a condition is evaluated over: it has to come out alike over all of them.

        Args:
            decimals: The condition has decimals beyond 2^53, or makes decimals.
            forms: The condition looks at how a number is written, or of which type it is.
            written: The whole numbers that stand in the condition.

        Raises:
            ConditionError: The numbers of the call cannot be told apart, or shown as they are.
        """
        beyond = {number for number in self._read.numbers if not _SMALLEST <= number <= _LARGEST}
        rounds = decimals or bool(beyond or self._read.decimals)
        rounded = {number for number in self._read.numbers if _is_rounded(number)} if rounds else set[int]()
        if forms and (beyond or rounded):
            message = "it looks at how a number is written that is too large for that"
            raise ConditionError(message)
        between = {number: _neighbours(number) for number in rounded}
        decimal = {float(number) for number in beyond - rounded}.union(self._read.decimals, *between.values())
        touched = [one for number in written for one in (number, -number) if _is_rounded(one)]
        if len(set(between.values())) < len(between) or not decimal.isdisjoint(chain(*map(_neighbours, touched))):
            message = "two of its numbers are too large to be told apart"
            raise ConditionError(message)
        if not rounded:
            return [self._exact]
        given = self._read.given
        return [_context(_replaced(given, {number: pair[at] for number, pair in between.items()})) for at in (0, 1)]

    @cached_property
    def _read(self) -> _Reading:
        return _Reading(self._given)

    @cached_property
    def _exact(self) -> cel.Context:
        return _context(self._read.given)


class _Reading:
    """A copy of plain values, and what was seen on the way."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.values = 0
        self.characters = 0
        self.longest = 0
        self.numbers: set[int] = set()
        """Whole numbers beyond 2^53."""
        self.decimals: set[float] = set()
        """Decimals beyond 2^53."""
        self.given: dict[str, Any] = {name: self._copied(value, 0) for name, value in given.items()}

    def _copied(self, value: object, depth: int) -> object:
        self.values += 1
        if self.values > MOST_VALUES or depth > _DEEPEST:
            message = "the arguments are too large" if depth <= _DEEPEST else "the arguments are nested too deep"
            raise ConditionError(message)
        if isinstance(value, str):
            self.characters += len(value)
            return value
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            if abs(value) > EXACT:
                self.numbers.add(value)
            return value
        if isinstance(value, float):
            return self._decimal(value)
        return self._container(value, depth)

    def _decimal(self, value: float) -> float:
        if not math.isfinite(value):
            message = "an argument is no number"
            raise ConditionError(message)
        if abs(value) >= EXACT:
            self.decimals.add(value)
        return value

    def _container(self, value: object, depth: int) -> object:
        if isinstance(value, Mapping):
            members = cast("Mapping[object, object]", value)
            self.longest = max(self.longest, len(members))
            return {self._key(key): self._copied(inner, depth + 1) for key, inner in members.items()}
        if isinstance(value, list | tuple):
            items = cast("list[object]", value)
            self.longest = max(self.longest, len(items))
            return [self._copied(inner, depth + 1) for inner in items]
        message = "an argument is nothing that JSON has"
        raise ConditionError(message)

    def _key(self, key: object) -> str:
        if not isinstance(key, str):
            message = "an object has a key that is no text"
            raise ConditionError(message)
        self.characters += len(key)
        return key


def _context(given: dict[str, Any]) -> cel.Context:
    # Loading the library takes half a second, which a policy without conditions need not spend.
    import cel  # noqa: PLC0415

    try:
        return cel.Context(variables=given)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of the library is no Exception
        message = "the arguments cannot be handed to it"
        raise ConditionError(message) from error


def _is_rounded(number: int) -> bool:
    try:
        return float(number) != number
    except OverflowError:
        return True


def _neighbours(number: int) -> tuple[float, float]:
    """Returns the largest decimal below and the smallest above a whole number that lies between two."""
    try:
        near = float(number)
    except OverflowError:
        largest = sys.float_info.max
        return (largest, math.inf) if number > 0 else (-math.inf, -largest)
    if near < number:
        return near, math.nextafter(near, math.inf)
    return math.nextafter(near, -math.inf), near


def _replaced(value: object, decimals: Mapping[int, float]) -> Any:  # noqa: ANN401 - what a Context takes
    """Returns a value with decimals for some of its whole numbers."""
    if isinstance(value, dict):
        return {key: _replaced(inner, decimals) for key, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_replaced(inner, decimals) for inner in cast("list[Any]", value)]
    if isinstance(value, int) and not isinstance(value, bool):
        return decimals.get(value, value)
    return value
