"""One session with an MCP server, from the first word to the last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, TypeVar

from anyio import BrokenResourceError, ClosedResourceError
from langchain_mcp_adapters.sessions import create_session
from mcp import ClientSession
from mcp import types as mcp
from mcp.shared.exceptions import McpError as AnsweredError

from placet.agents.mcp.answering import BROKEN, NOT_SENT, REFUSED

if TYPE_CHECKING:
    from placet.agents.mcp.connection import Dialling

START_LIMIT: Final = timedelta(minutes=2)
"""How long a server may take to say hello: one that is installed by its own command takes long."""
LIST_LIMIT: Final = timedelta(seconds=10)
_MOST_PAGES: Final = 100

_Answer = TypeVar("_Answer")


class NotSentError(Exception):
    """What was asked never reached the server."""


class GoneError(Exception):
    """The server went away, or said nothing, after it was asked."""


class RefusedError(Exception):
    """The server turned the call away before it looked at it."""


class Session:
    """A session that has begun.

    Attributes:
        wanted: Set where the server's list is to be read again.
        asked: How many calls wait for their answers.
    """

    def __init__(self, client: ClientSession, wanted: asyncio.Event) -> None:
        self._client = client
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.wanted = wanted
        self.asked = 0

    @property
    def is_gone(self) -> bool:
        """Whether nothing can be asked any more."""
        return self._gone.done()

    def end(self) -> None:
        """Lets nobody wait any longer."""
        if not self._gone.done():
            self._gone.set_result(None)
        self.wanted.set()

    async def tools(self) -> list[mcp.Tool]:
        """Returns the server's tools.

        Raises:
            NotSentError: The session is over.
            GoneError: The server does not answer.
            AnsweredError: It answers that it cannot.
        """
        found: list[mcp.Tool] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            given = mcp.PaginatedRequestParams(cursor=cursor)
            page = await self._answer(self._client.list_tools(params=given), LIST_LIMIT)
            found += page.tools
            cursor = page.nextCursor
            if not cursor:
                return found
        message = f"its list of tools has more than {_MOST_PAGES} pages"
        raise GoneError(message)

    async def call(self, tool: str, args: dict[str, Any], meta: dict[str, Any], limit: timedelta) -> mcp.CallToolResult:
        """Calls a tool and returns what the server answers, whatever the schema of its results says.

        Raises:
            NotSentError: The call never reached the server.
            RefusedError: The server turned it away.
            GoneError: It did, and there is no answer.
            AnsweredError: The server answers that it cannot.
        """
        params = mcp.CallToolRequestParams(name=tool, arguments=args, _meta=mcp.RequestParams.Meta(**meta))
        request = mcp.ClientRequest(mcp.CallToolRequest(params=params))
        self.asked += 1
        try:
            return await self._answer(self._client.send_request(request, mcp.CallToolResult), limit)
        finally:
            self.asked -= 1

    async def _answer(self, asking: Awaitable[_Answer], limit: timedelta) -> _Answer:
        """Waits for an answer, the end of the session or of the time: the MCP client may wait for ever."""
        answer = asyncio.ensure_future(asking)
        try:
            await asyncio.wait({answer, self._gone}, timeout=limit.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return _read(answer)
            raise GoneError("the connection broke" if self.is_gone else f"no answer within {limit}")
        finally:
            answer.cancel()


@asynccontextmanager
async def session_with(dialling: Dialling) -> AsyncGenerator[Session]:
    """Begins a session, and ends it with the block; a server's program lives as long.

    Raises:
        Exception: The server cannot be reached, or is none.
    """
    wanted = asyncio.Event()

    async def heard(message: object) -> None:
        if isinstance(message, mcp.ServerNotification) and isinstance(message.root, mcp.ToolListChangedNotification):
            # Asked for elsewhere: the answer could not be received as long as this does not return.
            wanted.set()

    us = mcp.Implementation(name="placet", version=version("placet"))
    async with create_session(dialling.connection({"message_handler": heard, "client_info": us})) as client:
        await _said_hello(client)
        session = Session(client, wanted)
        try:
            yield session
        finally:
            session.end()


async def _said_hello(client: ClientSession) -> None:
    try:
        async with asyncio.timeout(START_LIMIT.total_seconds()):
            await client.initialize()
    except TimeoutError as error:
        message = f"it has not said hello within {START_LIMIT}"
        raise TimeoutError(message) from error


def _read(answer: asyncio.Future[_Answer]) -> _Answer:
    try:
        return answer.result()
    except (ClosedResourceError, BrokenResourceError) as error:
        message = "the connection is closed"
        raise NotSentError(message) from error
    except AnsweredError as error:
        if error.error.code == NOT_SENT:
            raise NotSentError(error.error.message) from error
        if error.error.code == REFUSED:
            raise RefusedError(error.error.message) from error
        closed = (mcp.CONNECTION_CLOSED, "Connection closed")
        if error.error.code == BROKEN or (error.error.code, error.error.message) == closed:
            raise GoneError(error.error.message) from error
        raise


__all__ = ["AnsweredError", "GoneError", "NotSentError", "RefusedError", "Session", "session_with"]
