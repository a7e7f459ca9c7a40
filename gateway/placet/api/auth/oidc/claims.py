"""What a token of the provider has to say before it counts; pure functions over its claims.

The rules are those of OpenID Connect Core 3.1.3.7 for an ID token, and of RFC 9068 for an access token.
"""

from __future__ import annotations

import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from placet.api.auth.proven import Proven

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placet.contracts.sign_in import Oidc

LEEWAY: Final = timedelta(seconds=30)
"""By how much the provider's clock may differ from ours."""
OLDEST: Final = timedelta(minutes=10)
"""How long ago an ID token was issued, at most, when it comes."""
UNKNOWN: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When somebody signed in whose provider does not say: never lately."""
_USER: Final = re.compile(r"[\x21-\x7e]{1,200}")
_ACCESS_TYPES: Final = frozenset({"at+jwt", "application/at+jwt", "jwt"})

Claims = dict[str, Any]


class InvalidTokenError(Exception):
    """The token does not count; the text says why, for the log."""


def check_times(claims: Mapping[str, Any], now: datetime) -> None:
    """Refuses a token that has run out, or is not valid yet.

    Raises:
        InvalidTokenError: It has, it is not, or it does not say.
    """
    if _moment(claims, "exp") + LEEWAY <= now:
        message = "it has expired"
        raise InvalidTokenError(message)
    if _moment(claims, "iat") > now + LEEWAY:
        message = "it was issued in the future"
        raise InvalidTokenError(message)
    if "nbf" in claims and _moment(claims, "nbf") > now + LEEWAY:
        message = "it is not valid yet"
        raise InvalidTokenError(message)


def check_id_token(
    claims: Mapping[str, Any], config: Oidc, now: datetime, *, nonce: str, max_age: timedelta | None
) -> None:
    """Refuses an ID token that is not the answer to our own question.

    Raises:
        InvalidTokenError: It is somebody else's, old, or does not answer.
    """
    _check_issuer(claims, config)
    audience = _audience(claims)
    if config.client_id not in audience:
        message = "it is for another client"
        raise InvalidTokenError(message)
    party = claims.get("azp")
    if (len(audience) > 1 or party is not None) and party != config.client_id:
        message = "it was issued to another client"
        raise InvalidTokenError(message)
    check_times(claims, now)
    if _moment(claims, "iat") < now - OLDEST:
        message = "it was issued long ago"
        raise InvalidTokenError(message)
    if not _same(claims.get("nonce"), nonce):
        message = "its nonce is not ours"
        raise InvalidTokenError(message)
    if max_age is not None and now - authenticated_at(claims, config) > max_age + LEEWAY:
        message = "the sign-in that it tells of was too long ago, or it does not say when that was"
        raise InvalidTokenError(message)


def check_access_token(header: Mapping[str, Any], claims: Mapping[str, Any], config: Oidc, now: datetime) -> None:
    """Refuses an access token that is not for this gateway.

    Raises:
        InvalidTokenError: It is not, or it is no access token.
    """
    kind = str(header.get("typ", "jwt")).casefold()
    if kind not in _ACCESS_TYPES or "nonce" in claims:
        message = "it is no access token"
        raise InvalidTokenError(message)
    _check_issuer(claims, config)
    if config.audience is None or config.audience not in _audience(claims):
        message = "it is for somebody else"
        raise InvalidTokenError(message)
    check_times(claims, now)


def authenticated_at(claims: Mapping[str, Any], config: Oidc) -> datetime:
    """Returns when the person last proved who they are, as far as the provider says."""
    if "auth_time" in claims:
        return _moment(claims, "auth_time")
    return _moment(claims, "iat") if config.trust_issue_time else UNKNOWN


def ends_at(claims: Mapping[str, Any]) -> datetime:
    """Returns when the token runs out."""
    return _moment(claims, "exp")


def proven(claims: Mapping[str, Any], config: Oidc) -> Proven:
    """Returns whom the claims name, with their groups and what those give.

    Raises:
        InvalidTokenError: They name nobody, or by an address that nobody has verified.
    """
    user = claims.get(config.user_claim)
    if not isinstance(user, str) or not _USER.fullmatch(user):
        message = f"its claim {config.user_claim} is no name"
        raise InvalidTokenError(message)
    if config.user_claim == "email" and claims.get("email_verified") is not True:
        message = "nobody has verified its e-mail address"
        raise InvalidTokenError(message)
    groups = _groups(claims.get(config.groups_claim))
    roles = frozenset(role for role, named in config.roles.items() if not groups.isdisjoint(named))
    name = claims.get(config.name_claim)
    shown = name[:200] if isinstance(name, str) and name.strip() else None
    return Proven(user, "oidc", authenticated_at(claims, config), shown, groups, roles)


def _check_issuer(claims: Mapping[str, Any], config: Oidc) -> None:
    if claims.get("iss") != config.issuer:
        message = "another issuer has made it"
        raise InvalidTokenError(message)


def _audience(claims: Mapping[str, Any]) -> list[str]:
    given = claims.get("aud")
    values = cast("list[object]", given) if isinstance(given, list) else [given]
    return [value for value in values if isinstance(value, str)]


def _groups(given: object) -> frozenset[str]:
    values = cast("list[object]", given) if isinstance(given, list) else [given]
    return frozenset(value for value in values if isinstance(value, str) and value)


def _moment(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"its claim {name} is no time"
        raise InvalidTokenError(message)
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError) as error:
        message = f"its claim {name} is no time"
        raise InvalidTokenError(message) from error


def _same(given: object, expected: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(errors="replace"), expected.encode())
