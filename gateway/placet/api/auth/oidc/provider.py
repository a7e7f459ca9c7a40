"""The identity provider: its addresses, its keys, and the exchange of a code for tokens."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote, urlsplit

import httpx
import structlog
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from pydantic import BaseModel, ValidationError

from placet.api.auth.oidc.claims import InvalidTokenError, check_access_token, check_id_token, ends_at, proven
from placet.api.auth.proven import Token
from placet.api.auth.sessions import credential_of
from placet.api.errors import ProblemError

if TYPE_CHECKING:
    from datetime import datetime

    from placet.api.auth.proven import Proven
    from placet.api.decisions.delivery import Clock
    from placet.contracts.sign_in import Oidc

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a private key only: `none`, and secrets that a public key could be taken for, are not among them."""
KEPT: Final = timedelta(hours=1)
"""How long addresses and keys count before they are asked for again: a key that was withdrawn ends by then."""
ASKED_AGAIN: Final = timedelta(seconds=30)
"""How long a token with an unknown key waits until the keys are asked for again: nobody makes us ask all the time."""
LONGEST_TOKEN: Final = 16_384
_TIMEOUT: Final = 5.0
_LARGEST: Final = 1_000_000

_log = structlog.stdlib.get_logger(__name__)


class Metadata(BaseModel):
    """What the provider says of itself (OpenID Connect Discovery)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    authorization_response_iss_parameter_supported: bool = False
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]


class Provider:
    """An identity provider, asked over HTTP when something of it is needed."""

    def __init__(self, config: Oidc, secret: str | None, clock: Clock, http: httpx.AsyncClient | None = None) -> None:
        """Asks nothing yet.

        Args:
            config: Of `placet.yaml`.
            secret: The client's; None for a public one.
            clock: The time by which tokens run out.
            http: In place of a client of its own.
        """
        self.config = config
        self._secret = secret
        self._clock = clock
        self.http = http
        self._metadata: tuple[Metadata, datetime] | None = None
        self._keys: tuple[KeySet, datetime] | None = None
        self._asked_at: datetime | None = None
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        """Lets go of its connections."""
        if self.http is not None:
            await self.http.aclose()

    async def metadata(self) -> Metadata:
        """Returns the provider's addresses.

        Raises:
            ProblemError: `unavailable`: it does not answer, or not as itself.
        """
        now = self._clock()
        if self._metadata is not None and now - self._metadata[1] < KEPT:
            return self._metadata[0]
        found = await self._get(self.config.issuer.rstrip("/") + "/.well-known/openid-configuration")
        try:
            metadata = Metadata.model_validate(found)
        except ValidationError as error:
            reason = "its discovery document lacks something"
            raise _unavailable(reason) from error
        if metadata.issuer != self.config.issuer:
            reason = f"it calls itself {metadata.issuer[:200]!r}, not {self.config.issuer!r}"
            raise _unavailable(reason)
        addresses = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri)
        if urlsplit(self.config.issuer).scheme == "https" and any(urlsplit(one).scheme != "https" for one in addresses):
            reason = "one of its addresses is not https"
            raise _unavailable(reason)
        self._metadata = (metadata, now)
        return metadata

    async def redeem(self, code: str, verifier: str, redirect_uri: str) -> str:
        """Returns the ID token that a code stands for.

        Raises:
            InvalidTokenError: The provider does not take the code.
            ProblemError: `unavailable`.
        """
        metadata = await self.metadata()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": self.config.client_id,
        }
        auth: httpx.BasicAuth | None = None
        if self._secret is not None:
            if "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
                auth = httpx.BasicAuth(quote(self.config.client_id, safe=""), quote(self._secret, safe=""))
                del form["client_id"]
            else:
                form["client_secret"] = self._secret
        try:
            answer = await self._client().post(metadata.token_endpoint, data=form, auth=auth or httpx.Auth())
        except httpx.HTTPError as error:
            raise _unavailable(type(error).__name__) from error
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            reason = f"it answered {answer.status_code}"
            raise _unavailable(reason)
        body = _object(answer)
        token = body.get("id_token")
        if answer.status_code != HTTPStatus.OK or not isinstance(token, str):
            message = f"the provider refused the code: {str(body.get('error', answer.status_code))[:80]}"
            raise InvalidTokenError(message)
        return token

    async def person(self, id_token: str, *, nonce: str, max_age: timedelta | None) -> Proven:
        """Returns whom an ID token names.

        Raises:
            InvalidTokenError: It does not count.
            ProblemError: `unavailable`.
        """
        _, claims = await self._verified(id_token)
        check_id_token(claims, self.config, self._clock(), nonce=nonce, max_age=max_age)
        return proven(claims, self.config)

    async def read(self, token: str) -> Token:
        """Returns what an access token says.

        Raises:
            ProblemError: `unauthenticated`, `unavailable`.
        """
        try:
            header, claims = await self._verified(token)
            check_access_token(header, claims, self.config, self._clock())
            return Token(proven(claims, self.config), credential_of(_digest(token)), ends_at(claims))
        except InvalidTokenError as error:
            _log.info("token_refused", reason=str(error))
            raise ProblemError(code="unauthenticated", detail="The access token does not count here.") from error

    async def _verified(self, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Returns header and claims of a token whose signature is the provider's."""
        if len(token) > LONGEST_TOKEN or not token.isascii():
            message = "it is no token"
            raise InvalidTokenError(message)
        try:
            header = jws.extract_compact(token.encode()).headers()
            key = await self._key(header.get("kid"), header.get("alg"))
            registry = jws.JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
            checked = jws.deserialize_compact(token, key, algorithms=list(ALGORITHMS), registry=registry)
            claims = json.loads(checked.payload or b"")
        except (JoseError, ValueError, TypeError, AttributeError, KeyError) as error:
            message = f"its signature is not the provider's ({type(error).__name__})"
            raise InvalidTokenError(message) from error
        if not isinstance(claims, dict):
            message = "its claims are no object"
            raise InvalidTokenError(message)
        return dict(header), cast("dict[str, Any]", claims)

    async def _key(self, kid: object, algorithm: object) -> RSAKey | ECKey | OKPKey:
        if algorithm not in ALGORITHMS:
            message = f"it is signed by {str(algorithm)[:20]!r}"
            raise InvalidTokenError(message)
        found = _pick(await self._key_set(), kid) or _pick(await self._key_set(again=True), kid)
        if found is None:
            message = "no key of the provider has its kid"
            raise InvalidTokenError(message)
        return found

    async def _key_set(self, *, again: bool = False) -> KeySet:
        """Returns the provider's keys; who comes with a token of a key that is known waits for nobody who does not."""
        known = self._known_keys(again=again)
        if known is not None:
            return known
        async with self._turn:
            known, now = self._known_keys(again=again), self._clock()
            if known is not None:
                return known
            self._asked_at = now
            found = await self._get((await self.metadata()).jwks_uri)
            try:
                keys = KeySet.import_key_set(cast("Any", found))
            except (JoseError, ValueError, TypeError, KeyError) as error:
                reason = "its keys cannot be read"
                raise _unavailable(reason) from error
            self._keys = (keys, now)
            return keys

    def _known_keys(self, *, again: bool) -> KeySet | None:
        """Returns the keys that were read before; None where they are to be read now.

        Asking in vain counts as asking: unknown keys do not make a provider that is down be asked for each token.
        """
        if self._keys is None:
            return None
        now, (keys, read_at) = self._clock(), self._keys
        asked_at = max(read_at, self._asked_at or read_at)
        return keys if now - (asked_at if again else read_at) < (ASKED_AGAIN if again else KEPT) else None

    async def _get(self, url: str) -> dict[str, Any]:
        try:
            answer = await self._client().get(url)
        except httpx.HTTPError as error:
            raise _unavailable(type(error).__name__) from error
        if answer.status_code != HTTPStatus.OK:
            reason = f"it answered {answer.status_code}"
            raise _unavailable(reason)
        return _object(answer)

    def _client(self) -> httpx.AsyncClient:
        if self.http is None:
            self.http = httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False)
        return self.http


def _pick(keys: KeySet, kid: object) -> RSAKey | ECKey | OKPKey | None:
    """Returns the key that signs under that id; a token without one needs a provider that has one key only."""
    signing = [key for key in keys.keys if isinstance(key, RSAKey | ECKey | OKPKey) and _signs(key.as_dict())]
    if kid is None:
        return signing[0] if len(signing) == 1 else None
    named = [key for key in signing if key.kid == kid]
    return named[0] if len(named) == 1 else None


def _signs(described: object) -> bool:
    return cast("dict[str, object]", described).get("use", "sig") == "sig"


def _object(answer: httpx.Response) -> dict[str, Any]:
    if len(answer.content) > _LARGEST:
        reason = "it answered too much"
        raise _unavailable(reason)
    try:
        found = answer.json()
    except ValueError as error:
        reason = "it did not answer in JSON"
        raise _unavailable(reason) from error
    if not isinstance(found, dict):
        reason = "it did not answer with an object"
        raise _unavailable(reason)
    return cast("dict[str, Any]", found)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _unavailable(reason: str) -> ProblemError:
    _log.warning("provider_unavailable", reason=reason)
    detail = f"The identity provider cannot be used now: {reason}."
    return ProblemError(code="unavailable", detail=detail, maybe_recorded=False)
