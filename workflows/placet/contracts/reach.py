"""What of approvals, runs, threads and events each role reaches: one rule for every query and every endpoint."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final, Literal

from placet.contracts.config import Role

Relation = Literal["own", "named", "any"]
"""What a thing is to somebody: they asked for it or started it; its approvers name them; whatever it is."""
Reach = Mapping[Role, Relation]
"""What of a kind of thing each role reaches."""

SEES: Final[Reach] = MappingProxyType({"requester": "own", "approver": "named", "auditor": "any", "admin": "any"})
"""What each role sees."""


def reaches(reach: Reach, roles: Collection[str], found: Collection[Relation]) -> bool:
    """Returns whether a thing is within somebody's reach.

    Args:
        reach: What each role reaches.
        roles: Theirs.
        found: What the thing is to them.
    """
    within = relations(reach, roles)
    return "any" in within or not within.isdisjoint(found)


def sees_all(roles: Collection[str]) -> bool:
    """Returns whether nothing is hidden from somebody with these roles."""
    return "any" in relations(SEES, roles)


def relations(reach: Reach, roles: Collection[str]) -> frozenset[Relation]:
    """Returns what a thing may be to somebody with these roles to be within their reach."""
    return frozenset(relation for role, relation in reach.items() if role in roles)
