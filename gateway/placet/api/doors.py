"""What every request passes first, and every answer last.

Proxies           the caller's address, scheme and host from `X-Forwarded-…`, where a configured proxy says so
HostGuard         no name but our own, so that nobody else's points here
SecurityHeaders   what a browser may do with an answer
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

from placet.api.guards import host_name, is_loopback
from placet.api.problems import answer_problem, problem_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from placet.engine.settings import Settings

HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
}
"""Where an answer does not say otherwise itself."""
HTTPS_ONLY: Final = "max-age=31536000"
_PROBES: Final = frozenset({"/healthz", "/readyz"})
"""Asked by address, by whoever watches over the process."""


class Proxies:
    """Believes what configured proxies say of the request that they pass on, and nobody else.

    Whatever comes under the host of the public address came by its scheme: a proxy that ends TLS and does not say so
    would else cost the cookies their `Secure` and their `__Host-`.
    """

    def __init__(self, app: ASGIApp, networks: Sequence[str], public_url: str | None = None) -> None:
        self._app = app
        self._networks = [ip_network(network) for network in networks]
        self._public = urlsplit(public_url or "")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] == "http" and self._trusts(_address(scope["client"][0]) if scope.get("client") else None):
            self._believe(scope, Headers(scope=scope))
        if (
            scope["type"] == "http"
            and Headers(scope=scope).get("host", "").casefold() == self._public.netloc.casefold()
        ):
            scope["scheme"] = self._public.scheme or scope["scheme"]
        await self._app(scope, receive, send)

    def _believe(self, scope: Scope, headers: Headers) -> None:
        """Takes over what the last proxy of ours has added: what stands before that anybody may have written."""
        chain = [part.strip() for line in headers.getlist("x-forwarded-for") for part in line.split(",")]
        for part in reversed(chain):
            address = _address(part)
            if address is None:
                break
            scope["client"] = (str(address), 0)
            if not self._trusts(address):
                break
        scheme = headers.get("x-forwarded-proto", "").rpartition(",")[2].strip()
        if scheme in {"http", "https"}:
            scope["scheme"] = scheme
        host = headers.get("x-forwarded-host", "").rpartition(",")[2].strip()
        if host:
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope["headers"] = [*others, (b"host", host.encode("latin-1", "replace"))]

    def _trusts(self, address: IPv4Address | IPv6Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


class HostGuard:
    """Answers to our own names only; a name of somebody else's that points here would make their pages ours."""

    def __init__(self, app: ASGIApp, names: Sequence[str]) -> None:
        self._app = app
        self._names = frozenset(name.casefold() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] == "http" and scope["path"] not in _PROBES:
            name = host_name(Headers(scope=scope).get("host", ""))
            if not is_loopback(name) and (name or "").casefold() not in self._names:
                reason = f"This gateway is not {(name or '')[:80]!r}."
                await answer_problem(problem_body("not_allowed", reason))(scope, receive, send)
                return
        await self._app(scope, receive, send)


class SecurityHeaders:
    """Gives every answer the headers that keep it to itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", HTTPS_ONLY)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def names_of(settings: Settings) -> tuple[str, ...]:
    """Returns the names that the gateway answers to; none at all where any will do."""
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    return (*settings.allowed_hosts, *((public,) if public else ()))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.removeprefix("[").partition("]")[0] if text.startswith("[") else text)
    except ValueError:
        return None
