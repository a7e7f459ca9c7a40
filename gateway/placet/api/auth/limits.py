"""How often something may be tried: a bucket of tokens for each name, filled again as time goes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from placet.api.errors import ProblemError

if TYPE_CHECKING:
    from placet.api.decisions.delivery import Clock

_REMEMBERED: Final = 10_000
"""Names that are counted at once; who was seen longest ago is forgotten first."""


@dataclass(frozen=True)
class Rate:
    """So many within so many seconds; all of them may come at once."""

    count: int
    seconds: float


class Limiter:
    """Counts in this process: several gateways allow several times as much."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, amount: int = 1) -> None:
        """Counts one try, or several.

        Raises:
            ProblemError: `slow_down`, with when to come again.
        """
        left = self.left(name)
        if left < amount:
            wait = (min(amount, self._rate.count) - left) * self._rate.seconds / self._rate.count
            detail = "That was too often; try again later."
            raise ProblemError(code="slow_down", detail=detail, retry_after=max(1, round(wait)))
        self._left[name] = (left - amount, self._clock().timestamp())
        self._left.move_to_end(name)
        if len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)

    def left(self, name: str) -> float:
        """Returns how many tries are left, now."""
        left, since = self._left.get(name, (float(self._rate.count), 0.0))
        filled = (self._clock().timestamp() - since) * self._rate.count / self._rate.seconds
        return min(float(self._rate.count), left + max(0.0, filled))

    def forget(self, name: str) -> None:
        """Gives every try back: it went well."""
        self._left.pop(name, None)
