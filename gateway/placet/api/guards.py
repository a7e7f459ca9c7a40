"""What stands around every request: its id, its line in the log, and the last word on what went wrong.

RequestLog     an id for each request, one JSON line, a problem document for what nobody foresaw
LoopbackGuard  local mode only: no request that another web site made a browser send
"""

from __future__ import annotations

import re
import time
import uuid
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders

from placet.api.auth.directory import LANGGRAPH
from placet.api.problems import INTERNAL_ERROR, answer_problem, document, problem_body

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID: Final = "X-Request-Id"
_ID_FORM: Final = re.compile(r"[A-Za-z0-9._-]{1,80}")

_log = structlog.stdlib.get_logger(__name__)


class RequestLog:
    """Gives each request an id, logs its end, and answers what the app left unanswered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        began = time.monotonic()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            _log.exception("unforeseen_error", method=scope["method"], path=scope["path"])
            if status:
                raise
            await _unforeseen(request_id)(scope, receive, send_with_id)
        finally:
            _log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                caller=state.get("caller"),
                seconds=round(time.monotonic() - began, 4),
            )


class LoopbackGuard:
    """Refuses what did not come from this machine by its own name.

    Nobody signs in on local mode, so a web site could otherwise decide through the browser of who visits it:
    by a name of its own that points here (DNS rebinding: the Host header), or by a form (the Origin header).
    A front end for LangGraph's surface is such a site too: it is let through where its origin is named.
    """

    def __init__(self, app: ASGIApp, named: Collection[str] = ()) -> None:
        self._app = app
        self._named = named

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            named = self._named if scope["path"].startswith(LANGGRAPH) else ()
            reason = _foreign(headers, named)
            if reason is not None:
                await answer_problem(problem_body("not_allowed", reason))(scope, receive, send)
                return
        await self._app(scope, receive, send)


def is_loopback(name: str | None) -> bool:
    """Returns whether a host name or address is this machine's own."""
    if name is None:
        return False
    if name.rstrip(".").casefold() == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _foreign(headers: Headers, named: Collection[str]) -> str | None:
    host = headers.get("host", "")
    if not is_loopback(host_name(host)):
        return f"Local mode answers to localhost and 127.0.0.1, not to {host[:80]!r}."
    origin = headers.get("origin")
    if origin is not None and origin not in named and urlsplit(origin).netloc.casefold() != host.casefold():
        return f"Local mode takes nothing from another site: {origin[:80]!r}."
    return None


def host_name(host: str) -> str | None:
    """Returns the name in a Host header, without its port; None where there is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _request_id(headers: Headers) -> str:
    """Returns the id that came with the request where it can be one, else a new one."""
    given = headers.get(REQUEST_ID, "")
    return given if _ID_FORM.fullmatch(given) else uuid.uuid4().hex


def _unforeseen(request_id: str) -> ASGIApp:
    detail = f"Something went wrong in the gateway; its log tells more under request {request_id}."
    body = document(INTERNAL_ERROR, 500, "The gateway failed", detail, {"request_id": request_id})
    return answer_problem(body)
