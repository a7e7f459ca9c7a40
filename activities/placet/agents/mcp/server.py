"""An MCP server of an agent: one session for as long as the worker lives, begun again when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, cast

import structlog
from mcp import types as mcp

from placet.agents._tools import Tool
from placet.agents.errors import LostAnswerError, ToolChangedError, UnreachedError
from placet.agents.mcp.connection import Dialling
from placet.agents.mcp.session import GoneError, NotSentError, RefusedError, Session, session_with
from placet.agents.mcp.tools import Naming, tools_of

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_LIST_EVERY: Final = timedelta(seconds=30)
_CONNECT_LIMIT: Final = timedelta(seconds=30)
"""How long a call waits for a session where there is none."""
_LOOK_LIMIT: Final = timedelta(seconds=10)
_FIRST_LOOK_LIMIT: Final = timedelta(seconds=60)
_STOP_LIMIT: Final = timedelta(seconds=10)

_log = structlog.get_logger("placet.mcp")


@dataclass(frozen=True)
class Listing:
    """What a server offered when it was last asked.

    Attributes:
        offered: As the server tells it, by its own names.
        tools: As the agent has it, by the names that the model sees.
        began: When it was asked, by a clock that stops for nobody.
    """

    offered: Mapping[str, mcp.Tool] = field(default_factory=dict[str, mcp.Tool])
    tools: Mapping[str, Tool] = field(default_factory=dict[str, Tool])
    began: float = -math.inf


class Server:
    """A server, its session, and its tools of the moment.

    All of it happens in the loop that calls `start`; `tools`, `problem` and `refresh` are for every thread.
    """

    def __init__(self, dialling: Dialling, naming: Naming, answer_limit: timedelta) -> None:
        """Takes a server that nobody has reached yet.

        Args:
            dialling: How it is reached.
            naming: Which of its tools the agent gets, under which names.
            answer_limit: How long a call may take.
        """
        self.naming = naming
        self._dialling = dialling
        self._limit = answer_limit
        self._log = _log.bind(agent=naming.agent, server=naming.server)
        self._listing = Listing()
        self._problem: str | None = "it has not answered yet"
        self._failed_at = -math.inf
        self._session: Session | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._life: asyncio.Task[None] | None = None
        self._changed: Callable[[], object] = lambda: None
        self._news = asyncio.Event()
        self._wanted = asyncio.Event()
        self._looking = asyncio.Lock()

    @property
    def name(self) -> str:
        """Its name in `placet.yaml`."""
        return self.naming.server

    @property
    def tools(self) -> Mapping[str, Tool]:
        """Its tools as it last told them, by the names that the model sees; kept while it is away."""
        return self._listing.tools

    @property
    def problem(self) -> str | None:
        """Why nothing can be asked of it at the moment."""
        return self._problem

    def start(self, changed: Callable[[], object]) -> None:
        """Begins to reach it, and does not give up until `stop`.

        Args:
            changed: Called whenever `tools` or `problem` are others.
        """
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._life = asyncio.create_task(self._live(), name=f"mcp {self.name}")

    async def stop(self) -> None:
        """Ends the session, and the server's process with it."""
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait({self._life}, timeout=_STOP_LIMIT.total_seconds())

    async def refresh(self, max_age: timedelta) -> None:
        """Reads the server's list again where it is older; leaves what is known where that takes too long.

        Args:
            max_age: A list that was asked for later, or a failure to get one, is good enough.
        """
        if self._loop is None:
            return
        never = self._listing.began == self._failed_at == -math.inf
        looking = asyncio.run_coroutine_threadsafe(self._look(max_age), self._loop)
        with contextlib.suppress(TimeoutError):
            limit = _FIRST_LOOK_LIMIT if never else _LOOK_LIMIT
            await asyncio.wait_for(asyncio.wrap_future(looking), limit.total_seconds())

    def without_secrets(self, text: str) -> str:
        """Returns a text for logs and errors."""
        return self._dialling.without_secrets(text)

    async def call(self, offered: mcp.Tool, args: dict[str, Any], meta: dict[str, Any]) -> mcp.CallToolResult:
        """Calls a tool, once, if it still is what it was.

        Raises:
            UnreachedError: The call did not get there.
            ToolChangedError: The server has something else under the name by now.
            LostAnswerError: It got there, and whether it ran is not known.
            AnsweredError: The server answers that it cannot.
        """
        try:
            try:
                return await self._call(offered, args, meta)
            except NotSentError:
                # It never got there: a session that has ended unnoticed is no reason to fail.
                return await self._call(offered, args, meta)
        except (NotSentError, RefusedError) as error:
            raise UnreachedError(self.name, self.without_secrets(str(error))) from error

    async def _call(self, offered: mcp.Tool, args: dict[str, Any], meta: dict[str, Any]) -> mcp.CallToolResult:
        session = await self._reached()
        if self._listing.offered.get(offered.name) != offered:
            raise ToolChangedError(self.name, offered.name)
        try:
            return await session.call(offered.name, args, meta, self._limit)
        except NotSentError:
            session.end()
            raise
        except GoneError as error:
            # Whether all of the session is gone shows when it is asked for its list.
            session.wanted.set()
            raise LostAnswerError(self.name, self.without_secrets(str(error))) from error

    async def _reached(self) -> Session:
        """Returns a session; waits for one that is being begun.

        Raises:
            NotSentError: There is none to be had.
        """
        since = time.monotonic()
        try:
            async with asyncio.timeout(_CONNECT_LIMIT.total_seconds()):
                while (session := self._session) is None or session.is_gone:
                    if self._failed_at >= since:
                        raise NotSentError(self._problem)
                    await self._next_try()
        except TimeoutError as error:
            raise NotSentError(self._problem) from error
        return session

    async def _look(self, max_age: timedelta) -> None:
        oldest = time.monotonic() - max_age.total_seconds()
        while max(self._listing.began, self._failed_at) < oldest:
            session = self._session
            if session is None or session.is_gone:
                await self._next_try()
                continue
            async with self._looking:
                if self._listing.began < oldest:
                    await self._relist(session)

    async def _next_try(self) -> None:
        """Waits until a session has begun, or could not begin; none is put off any longer."""
        self._wanted.set()
        await self._news.wait()

    async def _live(self) -> None:
        pause = _FIRST_PAUSE
        # A transport that fails while it is cancelled tells of its failure only.
        while not _is_cancelled():
            self._wanted.clear()
            reason = "the connection broke"
            try:
                async with session_with(self._dialling) as session:
                    await self._list(session)
                    self._session = session
                    self._tell(None)
                    pause = _FIRST_PAUSE
                    await self._keep(session)
            except Exception as error:  # noqa: BLE001 - whatever a transport raises, the next try may do better
                reason = _reason(error)
            if self._session is None:
                self._failed_at = time.monotonic()
            self._session = None
            self._tell(self.without_secrets(reason))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _keep(self, session: Session) -> None:
        """Follows the server's list until the session ends."""
        while not session.is_gone:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(session.wanted.wait(), _LIST_EVERY.total_seconds())
            session.wanted.clear()
            if not session.is_gone:
                async with self._looking:
                    await self._relist(session)

    async def _relist(self, session: Session) -> None:
        """Reads the list again; a session that cannot be asked any more is ended, and another one begins."""
        try:
            await self._list(session)
        except NotSentError:
            session.end()
        except Exception as error:  # noqa: BLE001 - a list that cannot be read is a server that has a problem
            self._failed_at = time.monotonic()
            self._log.warning("mcp.not_listed", reason=self.without_secrets(_reason(error)))
            # One that is busy with a call may have no time for anything else; one that is idle hangs.
            if isinstance(error, GoneError) and not session.asked:
                session.end()

    async def _list(self, session: Session) -> None:
        began = time.monotonic()
        offered = {tool.name: tool for tool in reversed(await session.tools())}
        before = self._listing
        if offered == before.offered:
            self._listing = Listing(before.offered, before.tools, began)
            return
        tools, left_out = tools_of(offered, self.naming, self, before.offered, before.tools)
        for name, reason in left_out.items():
            self._log.warning("mcp.tool_left_out", tool=name, reason=reason)
        self._listing = Listing(offered, tools, began)
        self._log.info("mcp.tools", tools=sorted(tools))
        self._changed()

    def _tell(self, problem: str | None) -> None:
        """Wakes whoever waits for a try to end."""
        if problem != self._problem:
            self._problem = problem
            if problem is None:
                self._log.info("mcp.reached")
            else:
                self._log.warning("mcp.unreachable", reason=problem)
            self._changed()
        news, self._news = self._news, asyncio.Event()
        news.set()


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _reason(error: BaseException) -> str:
    """Returns what lies at the bottom of a transport's groups of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return str(error).strip() or type(error).__name__
