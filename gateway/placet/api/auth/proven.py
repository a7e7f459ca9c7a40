"""What a sign-in has found out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from placet.api.identity import Way


@dataclass(frozen=True)
class Proven:
    """Somebody who has just proved who they are.

    Attributes:
        at: When they did, as the provider says or now.
        groups: As the provider claims them.
        roles: That those groups give.
    """

    user: str
    way: Way
    at: datetime | None
    name: str | None = None
    groups: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Token:
    """An access token that holds.

    Attributes:
        credential: Names it in the record, and opens nothing.
        ends_at: When it runs out.
    """

    proven: Proven
    credential: str
    ends_at: datetime
