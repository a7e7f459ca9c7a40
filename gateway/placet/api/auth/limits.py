"""How often something may be tried: a bucket of tokens for each name, filled again as time goes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

from placet.api.errors import ProblemError

if TYPE_CHECKING:
    from placet.api.decisions.delivery import Clock

_HOUSEHOLD: Final = 64
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
        self.check(name, amount)
        self._left[name] = (self.left(name) - amount, self._clock().timestamp())
        self._left.move_to_end(name)
        if len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)

    def check(self, name: str, amount: int = 1) -> None:
        """Counts nothing, and refuses what `take` would refuse.

        Raises:
            ProblemError: `slow_down`, with when to come again.
        """
        left = self.left(name)
        if left < amount:
            wait = (min(amount, self._rate.count) - left) * self._rate.seconds / self._rate.count
            detail = "That was too often; try again later."
            raise ProblemError(code="slow_down", detail=detail, retry_after=max(1, round(wait)))

    def left(self, name: str) -> float:
        """Returns how many tries are left, now."""
        left, since = self._left.get(name, (float(self._rate.count), 0.0))
        filled = (self._clock().timestamp() - since) * self._rate.count / self._rate.seconds
        return min(float(self._rate.count), left + max(0.0, filled))

    def forget(self, name: str) -> None:
        """Gives every try back: it went well."""
        self._left.pop(name, None)


@dataclass(frozen=True)
class Guesses:
    """Counts passwords that somebody tries.

    An address that has used up its tries takes none away from an account: else a stranger would lock out its owner.

    Attributes:
        per_address: Of whatever accounts.
        per_pair: Of one account, from one address.
        per_account: Of one account, from everywhere.
    """

    per_address: Limiter
    per_pair: Limiter
    per_account: Limiter

    def take(self, account: str, address: str) -> None:
        """Counts one try.

        Raises:
            ProblemError: `slow_down`; it is counted nowhere.
        """
        counted = self._counted(account, address)
        for limiter, name in counted:
            limiter.check(name)
        for limiter, name in counted:
            limiter.take(name)

    def forget(self, account: str, address: str) -> None:
        """Gives the tries of an account from an address back: one went well."""
        self.per_pair.forget(_pair(account, address))

    def _counted(self, account: str, address: str) -> tuple[tuple[Limiter, str], ...]:
        return (
            (self.per_address, network(address)),
            (self.per_pair, _pair(account, address)),
            (self.per_account, account),
        )


def network(address: str) -> str:
    """Returns what one household has: an address of IPv4, the first 64 bits of one of IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or ip_network((found.packed[:8] + bytes(8), _HOUSEHOLD)))
    return str(found)


def _pair(account: str, address: str) -> str:
    return f"{network(address)} {account}"
