"""A sign-in that goes through the provider: what is remembered while the browser is away, and how it comes back.

All of it lies in a signed cookie of the browser, so that any gateway can go on. It is `Lax`, because the provider
sends the browser back from another site; it opens nothing by itself, lasts ten minutes, and is taken away on return.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from placet.api.auth.oidc.claims import InvalidTokenError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from placet.api.auth.oidc.provider import Metadata, Provider
    from placet.api.auth.proven import Proven

LASTS: Final = timedelta(minutes=10)


@dataclass(frozen=True)
class PendingSignIn:
    """A sign-in that is under way.

    Attributes:
        state: Comes back with the answer: it is the answer to this browser's question.
        nonce: Comes back in the ID token: it was made for this question.
        verifier: Of PKCE: who intercepts the code cannot redeem it.
        next: The path to go on to.
        max_age: Seconds since the person last proved who they are, at most; absent, any.
        began: Seconds since 1970.
        before: The id of the session that the browser has: its cookie stays away when the provider sends it back.
    """

    state: str
    nonce: str
    verifier: str
    next: str
    max_age: int | None
    began: float
    before: str | None = None

    @classmethod
    def begin(cls, onward: str, max_age: timedelta | None, now: datetime, before: str | None = None) -> PendingSignIn:
        """Returns a new one, nothing of which can be guessed."""
        age = int(max_age.total_seconds()) if max_age else None
        made = [secrets.token_urlsafe(32) for _ in range(3)]
        return cls(made[0], made[1], made[2], onward, age, now.timestamp(), before)

    def text(self) -> str:
        """Returns it as a cookie holds it, to be signed."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode().rstrip("=")

    @classmethod
    def of(cls, text: str, now: datetime) -> PendingSignIn | None:
        """Returns what was signed; None where it is too old."""
        try:
            pending = cls(**json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))
        except (ValueError, TypeError, binascii.Error):
            return None
        return pending if now - datetime.fromtimestamp(pending.began, UTC) < LASTS else None


def question(provider: Provider, metadata: Metadata, pending: PendingSignIn, redirect_uri: str) -> str:
    """Returns the address at the provider that the browser is sent to."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(pending.verifier.encode()).digest()).decode().rstrip("=")
    asked = {
        "response_type": "code",
        "client_id": provider.config.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(dict.fromkeys(("openid", *provider.config.scopes))),
        "state": pending.state,
        "nonce": pending.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **({"max_age": str(pending.max_age)} if pending.max_age is not None else {}),
    }
    separator = "&" if "?" in metadata.authorization_endpoint else "?"
    return metadata.authorization_endpoint + separator + urlencode(asked)


async def answered(
    provider: Provider, pending: PendingSignIn | None, query: Mapping[str, str], redirect_uri: str
) -> tuple[PendingSignIn, Proven]:
    """Returns who came back from the provider.

    Raises:
        InvalidTokenError: Nobody did, or not from this question.
        ProblemError: `unavailable`.
    """
    state = query.get("state", "").encode(errors="replace")
    if pending is None or not hmac.compare_digest(state, pending.state.encode()):
        message = "it is no answer to a question of this browser"
        raise InvalidTokenError(message)
    metadata = await provider.metadata()
    issuer = query.get("iss")
    # Else the code of another provider could be redeemed at ours (mix-up, RFC 9207).
    if issuer != metadata.issuer and (issuer is not None or metadata.authorization_response_iss_parameter_supported):
        message = "another issuer has answered"
        raise InvalidTokenError(message)
    if "error" in query or not query.get("code"):
        message = f"the provider says no: {query.get('error', 'no code')[:80]}"
        raise InvalidTokenError(message)
    token = await provider.redeem(query["code"], pending.verifier, redirect_uri)
    max_age = timedelta(seconds=pending.max_age) if pending.max_age is not None else None
    return pending, await provider.person(token, nonce=pending.nonce, max_age=max_age)
