"""An HTTP client that answers every call of an MCP server, also where the network or the server does not.

The MCP client takes one failed request for the end of the session, so that all others in flight would fail with it,
and waits for ever for an answer whose stream broke off. Here a request that fails is answered with an error of JSON-RPC
that says whether it was sent, and a stream that ends before its answer ends with such an error.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any, Final, cast

import httpx

NOT_SENT: Final = 71_001
"""Code of an error: the request did not reach the server, or the server does not know the session."""
REFUSED: Final = 71_002
"""Code of an error: the server turned the request away before it looked at the call."""
BROKEN: Final = 71_003
"""Code of an error: the request was sent, and there is no answer."""

_NEVER_LEFT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_NO_SUCH_SESSION: Final = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND})
_NOT_KNOWN: Final = HTTPStatus.REQUEST_TIMEOUT


class AnsweringClient(httpx.AsyncClient):
    """Answers what is not answered; see the module."""

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        """Sends a request; a call gets an answer in any case."""
        call = _call_id(request)
        if call is None:
            return await super().send(request, **options)
        try:
            response = await super().send(request, **options)
        except _NEVER_LEFT as error:
            return _error(request, call, NOT_SENT, _told(error))
        except httpx.TransportError as error:
            return _error(request, call, BROKEN, _told(error))
        if response.is_error:
            await response.aclose()
            reason = f"it answers {response.status_code} {response.reason_phrase}".strip()
            return _error(request, call, _code_of(response), reason)
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            response.stream = _Ending(cast("httpx.AsyncByteStream", response.stream), call)
        return response


def answering_client(
    headers: dict[str, str] | None = None, timeout: httpx.Timeout | None = None, auth: httpx.Auth | None = None
) -> AnsweringClient:
    """Returns a client, as the adapter asks for one."""
    return AnsweringClient(headers=headers, timeout=timeout, auth=auth)


class _Ending(httpx.AsyncByteStream):
    """A stream of events that ends with an error, should it break off: who has had the answer reads no further."""

    def __init__(self, inner: httpx.AsyncByteStream, call: str | int) -> None:
        self._inner = inner
        self._call = call

    async def __aiter__(self) -> AsyncIterator[bytes]:
        resumable, reason = False, "the stream ended"
        try:
            async for part in self._inner:
                # The MCP client takes up again a stream whose events have ids.
                resumable = resumable or b"\nid:" in b"\n" + part
                yield part
        except httpx.TransportError as error:
            if resumable:
                raise
            reason = _told(error)
        if not resumable:
            yield f"\n\nevent: message\ndata: {_body(self._call, BROKEN, reason)}\n\n".encode()

    async def aclose(self) -> None:
        await self._inner.aclose()


def _call_id(request: httpx.Request) -> str | int | None:
    """Returns the id of the call that a request carries; None where it carries none."""
    if request.method != "POST":
        return None
    try:
        message: object = json.loads(request.content)
    except (ValueError, httpx.RequestNotRead):
        return None
    fields = cast("dict[str, Any]", message) if isinstance(message, dict) else {}
    return fields.get("id") if "method" in fields else None


def _code_of(response: httpx.Response) -> int:
    if response.status_code in _NO_SUCH_SESSION:
        return NOT_SENT
    return REFUSED if response.is_client_error and response.status_code != _NOT_KNOWN else BROKEN


def _error(request: httpx.Request, call: str | int, code: int, reason: str) -> httpx.Response:
    headers = {"content-type": "application/json"}
    return httpx.Response(200, request=request, headers=headers, content=_body(call, code, reason))


def _body(call: str | int, code: int, reason: str) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": call, "error": {"code": code, "message": reason}})


def _told(error: httpx.TransportError) -> str:
    detail = str(error)
    return f"{type(error).__name__}{': ' + detail if detail else ''}"
