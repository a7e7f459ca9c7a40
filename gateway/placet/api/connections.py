"""Connections that can be handed over: an answer that goes on for hours needs nothing of the server but its socket.

What uvicorn keeps for a request in progress — its parser, its queues, the task and every frame of the app — is ten
times what an idle stream needs (docs/decisions/0021-streams-are-handed-their-connection.md). It hands a connection to
the protocol of WebSockets in the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

HAND_OVER: Final = "placet.hand_over"
"""The name in `scope["extensions"]`."""
_CHUNKED_SINCE: Final = "1.1"


class Heir(asyncio.Protocol):
    """Who takes a connection over."""

    __slots__ = ()

    def take_over(self, transport: asyncio.Transport, *, chunked: bool, full: bool) -> None:
        """Begins to speak on a connection.

        Args:
            transport: The connection.
            chunked: Whether the head has announced chunks (HTTP/1.1).
            full: Whether what was written before is still to be sent.
        """
        raise NotImplementedError


HandOver = Callable[[Heir], bool]
"""Gives the connection to an heir once the head is sent; False where the client has gone."""


class Connection(H11Protocol):
    """Uvicorn's connection; an app may take it over behind the head of its answer, and returns at once then."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*args, **kwargs)
        self._offered_to = self.app
        self.app = self._offer

    async def _offer(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] == "http":
            extensions = cast("dict[str, Any]", scope.setdefault("extensions", {}))
            extensions[HAND_OVER] = self._hand_over
        await self._offered_to(scope, receive, send)

    def _hand_over(self, heir: Heir) -> bool:
        cycle = self.cycle
        if cycle.disconnected or self.transport.is_closing():
            return False
        # For uvicorn the answer is complete and the connection is gone: nobody waits for it, nobody closes it.
        cycle.response_complete = True
        self.connections.discard(self)
        self.server_state.total_requests += 1
        heir.take_over(
            self.transport,
            chunked=cycle.scope["http_version"] >= _CHUNKED_SINCE,
            full=self.flow.write_paused,
        )
        self.flow.resume_reading()
        self.transport.set_protocol(heir)
        return True
