"""Who calls: the people of the configuration and their keys, or the one person of local mode."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, get_args

from placet.api.errors import ProblemError
from placet.contracts.config import Role
from placet.contracts.decisions import Person
from placet.policy import Standing

if TYPE_CHECKING:
    from starlette.requests import Request

    from placet.contracts.config import People

EVERY_ROLE: Final[frozenset[str]] = frozenset(get_args(Role))

CLIENT_HEADER: Final = "X-Placet-Client"
"""Names the way a decision came: `cli` or `web`; anything else is `api`."""
_WAYS: Final = frozenset({"cli", "web"})


@dataclass(frozen=True)
class Caller:
    """Somebody who has signed in.

    Attributes:
        user: The name in the configuration, without `user:`.
        via: The way the request came, for the record.
    """

    user: str
    name: str | None = None
    groups: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    via: str = "api"

    @property
    def id(self) -> str:
        """The id in the ledger: `user:…`."""
        return f"user:{self.user}"

    @property
    def sees_all(self) -> bool:
        """Whether nothing is hidden from the caller."""
        return not self.roles.isdisjoint({"auditor", "admin"})

    @property
    def names(self) -> frozenset[str]:
        """Every way in which a list of approvers may name the caller, but `requester`."""
        return self.standing.names

    @property
    def standing(self) -> Standing:
        """What the configuration says of the caller."""
        return Standing(self.id, self.groups, self.roles)

    def has(self, *roles: Role) -> bool:
        """Returns whether the caller has one of the roles; an admin has them all."""
        return "admin" in self.roles or not self.roles.isdisjoint(roles)

    def person(self) -> Person:
        """Returns the caller as a decision records them."""
        return Person(id=self.id, name=self.name, via=self.via)


LOCAL: Final = Caller(user="local", name="Local", roles=EVERY_ROLE)
"""The one person of local mode."""


@dataclass(frozen=True)
class Directory:
    """Who may sign in: callers by the SHA-256 of their keys; none at all is local mode."""

    by_key: dict[bytes, Caller] = field(default_factory=dict[bytes, Caller], repr=False)
    local: bool = False

    @classmethod
    def of(cls, people: People | None) -> Directory:
        """Returns the directory of a configuration; without `people` it is local mode."""
        if people is None:
            return cls(local=True)
        by_key: dict[bytes, Caller] = {}
        for user, entry in people.users.items():
            caller = Caller(user=user, name=entry.name, groups=frozenset(entry.groups), roles=frozenset(entry.roles))
            by_key.update({bytes.fromhex(key.removeprefix("sha256:")): caller for key in entry.keys})
        return cls(by_key=by_key)

    def sign_in(self, request: Request) -> Caller:
        """Returns who sent the request.

        Raises:
            ProblemError: `unauthenticated`.
        """
        via = request.headers.get(CLIENT_HEADER, "")
        caller = LOCAL if self.local else self._of_key(_bearer_key(request))
        if caller is None:
            raise ProblemError(code="unauthenticated", detail="Send a valid key as `Authorization: Bearer KEY`.")
        return Caller(
            user=caller.user,
            name=caller.name,
            groups=caller.groups,
            roles=caller.roles,
            via=via if via in _WAYS else "api",
        )

    def _of_key(self, key: str) -> Caller | None:
        """Compares with every key, each in constant time, so that the time tells nothing."""
        given = hashlib.sha256(key.encode(errors="replace")).digest()
        found: Caller | None = None
        for known, caller in self.by_key.items():
            if hmac.compare_digest(known, given):
                found = caller
        return found if key else None


def _bearer_key(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.casefold() == "bearer" else ""
