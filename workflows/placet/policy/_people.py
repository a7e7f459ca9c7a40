"""Who may decide: one rule for the gateway, before a decision, and for the tool's door, after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from placet.contracts.calls import Terms
    from placet.contracts.config import People


@dataclass(frozen=True)
class Standing:
    """What the configuration says of somebody.

    Attributes:
        id: `user:…`.
    """

    id: str
    groups: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """Every way in which a list of approvers may name them, but `requester`."""
        groups = {f"group:{group}" for group in self.groups}
        return frozenset({self.id} | groups | {f"role:{role}" for role in self.roles})

    def is_named(self, approvers: tuple[str, ...], requester: str | None) -> bool:
        """Returns whether a list of approvers names them."""
        return not self.names.isdisjoint(approvers) or ("requester" in approvers and requester == self.id)

    def may_decide(self, approvers: tuple[str, ...], requester: str | None) -> bool:
        """Returns whether they may decide on what these approvers decide on; an admin decides on everything."""
        if "admin" in self.roles:
            return True
        if "approver" in self.roles and self.is_named(approvers, requester):
            return True
        return "requester" in self.roles and "requester" in approvers and requester == self.id


def may_approve(people: People | None, by: str, terms: Terms, requester: str | None) -> bool:
    """Returns whether somebody's approval of a call counts under these terms.

    Args:
        people: Who is known; None on a machine that knows one person only.
        by: Who approved, `user:…`.
        terms: What policy lays down now.
        requester: Who started the run.
    """
    if people is None:
        return True
    user = people.users.get(by.removeprefix("user:"))
    if user is None or (by == requester and not terms.self_approval):
        return False
    standing = Standing(by, frozenset(user.groups), frozenset(user.roles))
    return standing.may_decide(terms.approvers, requester)
