"""`people.sign_in` of `placet.yaml`: how people sign in with a browser."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

Role = Literal["requester", "approver", "auditor", "admin"]

_Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
_Claim = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/-]{1,200}$")]
_VARIABLE: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"


def _is_this_machine(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False


def _issuer(value: str) -> str:
    parts = urlsplit(value)
    secure = parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(parts.hostname))
    if not secure or not parts.hostname or parts.query or parts.fragment or re.search(r"\s", value):
        message = f"{value[:80]!r} is no issuer: write https://…, as the provider names itself"
        raise ValueError(message)
    return value


class _Section(BaseModel):
    """A part of the file: a key that nobody knows is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Oidc(_Section):
    """An identity provider that speaks OpenID Connect.

    The client's secret never stands in the file: a variable of the environment or another file holds it.

    Attributes:
        issuer: As the provider names itself; its keys and addresses are discovered from there.
        client_secret_env: The variable of the gateway's environment that holds the secret.
        client_secret_file: The file that holds it, from the folder of `placet.yaml`.
        scopes: What is asked for; `openid` always is.
        user_claim: The claim that is a person's name here: an `email` counts only where the provider has verified it.
        name_claim: The claim that is shown.
        groups_claim: The claim that lists groups.
        roles: The claimed groups that give each role.
        audience: Of the access tokens that programs may send in place of a key; absent, none is taken.
        trust_issue_time: Whether a token's own time counts as that of the sign-in, where the provider leaves
            `auth_time` out (Google does): then an old session at the provider passes for a fresh one.
    """

    issuer: Annotated[str, AfterValidator(_issuer)]
    client_id: _Text
    client_secret_env: Annotated[str, StringConstraints(pattern=_VARIABLE)] | None = None
    client_secret_file: _Text | None = None
    scopes: tuple[Annotated[str, StringConstraints(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$")], ...] = ("profile", "email")
    user_claim: _Claim = "sub"
    name_claim: _Claim = "name"
    groups_claim: _Claim = "groups"
    roles: dict[Role, tuple[_Text, ...]] = Field(default_factory=dict[Role, tuple[str, ...]])
    audience: _Text | None = None
    trust_issue_time: bool = Field(default=False, strict=True)

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if self.audience == self.client_id:
            message = "the audience is the client itself: its ID tokens would open the API"
            raise ValueError(message)
        if self.client_secret_env is not None and self.client_secret_file is not None:
            message = "the secret is in client_secret_env or in client_secret_file, not in both"
            raise ValueError(message)
        return self


class SignIn(_Section):
    """How people sign in with a browser; keys go on working beside it.

    Attributes:
        accounts: A file with a line `NAME:HASH` for each person of `users` who has a password, from the folder of
            `placet.yaml`; `placet account hash NAME` makes a line.
    """

    oidc: Oidc | None = None
    accounts: _Text | None = None

    @model_validator(mode="after")
    def _some_way(self) -> Self:
        if self.oidc is None and self.accounts is None:
            message = "name a way to sign in: oidc or accounts"
            raise ValueError(message)
        return self
