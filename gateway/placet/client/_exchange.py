"""From an operation to HTTP and back: headers, timeouts, what may be repeated, what an answer means."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from placet.client._operations import KEY_HEADER
from placet.client.errors import PlacetError, Problem, UnexpectedAnswerError, UnreachableError, problem_error

if TYPE_CHECKING:
    from placet.client._operations import Operation

T = TypeVar("T")

LOCAL_URL: Final = "http://127.0.0.1:7117"
"""Where `placet up` listens."""
TIMEOUT: Final = timedelta(seconds=15)
"""For one answer; the gateway takes ten seconds at most to decide."""
PAUSES: Final = (0.1, 0.3, 0.9)
"""Seconds before each repeat when no answer came."""
_VIA_HEADER: Final = "X-Placet-Client"
_CONNECT: Final = 5.0
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True)
class Address:
    """The gateway and who speaks to it.

    Attributes:
        url: Without `/v1`.
        via: `cli` or `web`, the way that the record names for a decision; else it is `api`.
    """

    url: str = LOCAL_URL
    api_key: str | None = None
    timeout: timedelta = TIMEOUT
    via: str | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            message = f"{self.url!r} is not the address of a gateway: write http://HOST:PORT or https://HOST"
            raise ValueError(message)
        if self.api_key and not (self.api_key.isascii() and self.api_key.isprintable()):
            message = "the key holds characters that no key has"
            raise ValueError(message)

    def options(self) -> dict[str, Any]:
        """Returns what httpx's clients are made with."""
        headers = {"User-Agent": f"placet-client/{version('placet')}", "Accept": "application/json"}
        if self.via:
            headers[_VIA_HEADER] = self.via
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        return {"base_url": self.url.rstrip("/"), "headers": headers, "trust_env": not self._is_loopback()}

    def _is_loopback(self) -> bool:
        """A proxy from the environment cannot reach what listens on this machine only."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def request(self, operation: Operation[Any]) -> dict[str, Any]:
        """Returns the arguments of httpx's `request` for an operation."""
        headers = {} if operation.key is None else {KEY_HEADER: operation.key}
        content = None if operation.body is None else json.dumps(operation.body, ensure_ascii=False, allow_nan=False)
        if content is not None:
            headers["Content-Type"] = "application/json"
        seconds = (self.timeout + operation.patience).total_seconds()
        return {
            "method": operation.method,
            "url": operation.path,
            "params": list(operation.params),
            "content": content,
            "headers": headers,
            "timeout": httpx.Timeout(seconds, connect=min(_CONNECT, seconds)),
        }

    def pause_before_repeat(self, operation: Operation[Any], tried: int, error: httpx.TransportError) -> float:
        """Returns the seconds to wait before the same request is sent once more.

        Args:
            operation: What was sent; where it may not count twice, it is repeated only if it never left.
            tried: How often it has been sent.
            error: Why no answer came.

        Raises:
            UnreachableError: It is not sent again.
        """
        never_sent = isinstance(error, _NEVER_SENT)
        if tried > len(PAUSES) or not (operation.repeatable or never_sent):
            reason = str(error) or type(error).__name__
            raise UnreachableError(
                self.url,
                reason,
                maybe_sent=operation.method != "GET" and not never_sent,
                idempotency_key=operation.key,
            ) from error
        return PAUSES[tried - 1]

    def result(self, operation: Operation[T], answer: httpx.Response) -> T:
        """Returns what the answer says.

        Raises:
            ProblemError: The gateway refused.
            UnexpectedAnswerError: It is not an answer of this API.
        """
        if not answer.is_success:
            raise self._refusal(answer)
        try:
            return operation.read(answer.status_code, json.loads(answer.content) if answer.content else None)
        except ValueError as error:
            raise self._unexpected(answer, error) from error

    def _refusal(self, answer: httpx.Response) -> PlacetError:
        try:
            problem = Problem.model_validate(json.loads(answer.content))
        except ValueError as error:
            return self._unexpected(answer, error)
        return problem_error(problem, answer.headers.get("X-Request-Id"), answer.headers.get("Retry-After"))

    def _unexpected(self, answer: httpx.Response, error: Exception) -> UnexpectedAnswerError:
        what = f"{error.error_count()} fields" if isinstance(error, ValidationError) else "the body"
        kind = answer.headers.get("Content-Type", "no content type")
        return UnexpectedAnswerError(self.url, answer.status_code, f"{what} cannot be read ({kind}).")
