"""An identity provider in memory: it answers like one, and makes any token that a test wants."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jwt
from joserfc.jwk import RSAKey

from placet.contracts.sign_in import Oidc

ISSUER = "https://id.example"
CLIENT = "placet"
AUDIENCE = "https://placet.example/api"


def oidc(**changed: Any) -> Oidc:
    """How the gateway knows this provider."""
    given: dict[str, Any] = {
        "issuer": ISSUER,
        "client_id": CLIENT,
        "roles": {"approver": ["approvers"], "admin": ["bosses"]},
        "audience": AUDIENCE,
        **changed,
    }
    return Oidc(**given)


def new_key(kid: str | None = "one") -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"} if kid else {"use": "sig"})


@dataclass
class Forger:
    """The provider.

    Attributes:
        now: The time, in seconds.
        claims: What the next ID token says in place of the truth; None leaves a claim out.
        make: Makes the next token out of its claims, in place of an honest signature.
        redeemed: The forms that came to redeem a code.
        without_keys: Whether its keys cannot be had.
    """

    now: Callable[[], float]
    key: RSAKey = field(default_factory=new_key)
    claims: dict[str, Any] = field(default_factory=dict[str, Any])
    make: Callable[[dict[str, Any]], str] | None = None
    nonce: str = ""
    redeemed: list[dict[str, list[str]]] = field(default_factory=list[dict[str, list[str]]])
    asked_for_keys: int = 0
    without_keys: bool = False
    discovery: dict[str, Any] = field(default_factory=dict[str, Any])

    def client(self) -> httpx.AsyncClient:
        """A client that reaches nobody else."""
        return httpx.AsyncClient(transport=httpx.MockTransport(self.answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answers as a provider does."""
        if request.url.path == "/.well-known/openid-configuration":
            return httpx.Response(200, json=self._metadata())
        if request.url.path == "/jwks":
            self.asked_for_keys += 1
            if self.without_keys:
                message = "nobody is there"
                raise httpx.ConnectError(message, request=request)
            return httpx.Response(200, json={"keys": [self.key.as_dict(private=False)]})
        form = parse_qs(request.content.decode())
        codes = [one["code"] for one in self.redeemed]
        self.redeemed.append(form)
        if form["code"] in codes:
            return httpx.Response(400, json={"error": "invalid_grant"})
        return httpx.Response(200, json={"access_token": "x", "token_type": "Bearer", "id_token": self.id_token()})

    def id_token(self) -> str:
        """The next ID token."""
        honest = {
            "iss": ISSUER,
            "aud": CLIENT,
            "sub": "dana",
            "name": "Dana of the provider",
            "groups": ["approvers"],
            "iat": self.now(),
            "exp": self.now() + 300,
            "auth_time": self.now() - 5,
            "nonce": self.nonce,
        }
        return self.signed({**honest, **self.claims})

    def access_token(self, **changed: Any) -> str:
        """A token for programs."""
        honest = {"iss": ISSUER, "aud": AUDIENCE, "sub": "robot", "groups": ["approvers"]}
        times = {"iat": self.now(), "exp": self.now() + 300}
        return self.signed({**honest, **times, **changed}, typ="at+jwt")

    def signed(self, claims: dict[str, Any], **header: Any) -> str:
        """A token of these claims."""
        said = {name: value for name, value in claims.items() if value is not None}
        if self.make is not None:
            return self.make(said)
        return jwt.encode({"alg": "RS256", "kid": self.key.kid, **header}, said, self.key)

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/jwks",
            "end_session_endpoint": f"{ISSUER}/end",
            "authorization_response_iss_parameter_supported": True,
            **self.discovery,
        }


def unsigned(claims: dict[str, Any], algorithm: str = "none") -> str:
    """A token that nobody signed."""
    parts = ({"alg": algorithm, "kid": "one", "typ": "JWT"}, claims)
    return ".".join(_encoded(json.dumps(part).encode()) for part in parts) + "."


def by_hand(key: RSAKey, claims: dict[str, Any], **header: Any) -> str:
    """A token whose signature is right whatever its header says: no library would make some of them."""
    assert key.private_key is not None
    parts = ({"alg": "RS256", "kid": "one", **header}, claims)
    text = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
    return f"{text}.{_encoded(key.private_key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def by_public_key(key: RSAKey, claims: dict[str, Any]) -> str:
    """A token signed by the public key, taken for a secret."""
    signed = unsigned(claims, "HS256").removesuffix(".")
    mark = hmac.new(key.as_pem(private=False), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_encoded(mark)}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
