"""Who calls, once they have proved it. How they do is `placet.api.auth`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

from placet.contracts.config import Role
from placet.contracts.decisions import Person, Proof
from placet.contracts.reach import sees_all
from placet.policy import Standing

EVERY_ROLE: Final[frozenset[str]] = frozenset(get_args(Role))

Method = Literal["local", "key", "session", "jwt"]
"""How somebody was authenticated: not at all on this machine, by a key, by a browser's session, by a token."""
Way = Literal["oidc", "account"]
"""How a session began: at the identity provider, or by a password of the account file."""


@dataclass(frozen=True)
class Caller:
    """Somebody who has signed in.

    Attributes:
        user: The name in the configuration, or as the provider claims it, without `user:`.
        via: The way the request came, for the record: `web`, `cli` or `api`.
        credential: The id of the key or session, which opens nothing; None in local mode.
        way: How the session began; None where there is none.
        authenticated_at: When they last proved who they are, where that is known.
        ends_at: When the credential runs out by itself, where it does.
        by_cookie: Whether a browser brought the session along by itself; a program sends a token.
        agent: Whether it is a program that starts runs and asks, and must never decide.
        address: The network address that the request came from, where the record is to keep it.
    """

    user: str
    name: str | None = None
    groups: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    via: str = "api"
    method: Method = "local"
    credential: str | None = None
    way: Way | None = None
    authenticated_at: datetime | None = None
    ends_at: datetime | None = None
    address: str | None = None
    by_cookie: bool = False
    agent: bool = False

    @property
    def id(self) -> str:
        """The id in the ledger: `user:…`."""
        return f"user:{self.user}"

    @property
    def client(self) -> str:
        """What sent the request: `web`, `cli` or `api`."""
        return self.via

    @property
    def sees_all(self) -> bool:
        """Whether nothing is hidden from the caller."""
        return sees_all(self.roles)

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

    def proof(self, card_digest: str | None = None) -> Proof:
        """Returns how the caller was known, as a decision records it.

        Args:
            card_digest: Of the card that they say was rendered to them.
        """
        return Proof(
            method=self.way or self.method,
            credential=self.credential,
            authenticated_at=self.authenticated_at,
            address=self.address,
            card_digest=card_digest,
        )


LOCAL: Final = Caller(user="local", name="Local", roles=EVERY_ROLE)
"""The one person of local mode."""
