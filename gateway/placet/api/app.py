"""The app: services, routes, guards, and what becomes of every error."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Match

from placet.api.agents.endpoints import router as agents
from placet.api.answers import Json
from placet.api.approvals.endpoints import router as approvals
from placet.api.auth.credentials import router as credentials
from placet.api.auth.directory import CLIENT_HEADER
from placet.api.auth.endpoints import router as sign_in
from placet.api.auth.me import router as me
from placet.api.auth.oidc.endpoints import router as sign_in_elsewhere
from placet.api.authorisation import check_table
from placet.api.decisions.endpoints import router as decisions
from placet.api.doors import HostGuard, Proxies, SecurityHeaders, names_of
from placet.api.errors import ProblemError, TemporalError
from placet.api.feed.endpoints import router as events
from placet.api.guards import LoopbackGuard, RequestLog
from placet.api.health.endpoints import router as health
from placet.api.metrics import endpoints as metrics
from placet.api.metrics.counting import CountRequests
from placet.api.openapi import api_routes, document_of
from placet.api.problems import METHOD_NOT_ALLOWED, answer_problem, document, problem_body, problem_of
from placet.api.runs.endpoints import router as runs
from placet.api.services import assemble
from placet.contracts.errors import RefusedError
from placet.ledger import InvalidCursorError, LedgerError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from starlette.requests import Request
    from starlette.responses import Response

    from placet.api.decisions.delivery import Clock, Limits
    from placet.api.policy import EditPolicy
    from placet.api.ports import Temporal
    from placet.api.services import Services
    from placet.contracts.config import Config
    from placet.engine.settings import GatewayMetrics, Settings
    from placet.ledger import Ledger
    from placet.telemetry import Tracing

MIGRATE_AGAIN: Final = 2.0
"""Seconds between attempts to prepare a ledger that does not answer yet."""

METRICS: Final[dict[GatewayMetrics, tuple[APIRouter, ...]]] = {
    "keyed": (metrics.keyed,),
    "public": (metrics.public,),
    "off": (),
}

CROSS_ORIGIN: Final[dict[str, Any]] = {
    "allow_methods": ("GET", "POST", "PATCH", "DELETE"),
    "allow_headers": (
        *("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", CLIENT_HEADER),
        *("X-Api-Key", "X-Auth-Scheme"),
    ),
    "expose_headers": ("Content-Location", "Location", "Retry-After", "X-Placet-Cursor", "X-Request-Id"),
    "allow_credentials": False,
    "max_age": 600,
}
"""What scripts of other sites that are named may do: what a key allows, never what a cookie does."""

_EXPECTED: Final = "Input should be "
"""Begins what Pydantic says of a value that is not one of those it wants."""

_log = structlog.stdlib.get_logger(__name__)


class GatewayApp(FastAPI):
    """A FastAPI app whose OpenAPI document says what the gateway really takes and answers."""

    def openapi(self) -> dict[str, Any]:
        """Returns the OpenAPI document."""
        if not self.openapi_schema:
            self.openapi_schema = document_of(self, super().openapi())
        return self.openapi_schema


def create_app(  # noqa: PLR0913 - each but the first two is for tests, or absent
    settings: Settings,
    config: Config,
    *,
    ledger: Ledger | None = None,
    temporal: Temporal | None = None,
    clock: Clock | None = None,
    limits: Limits | None = None,
    policy: EditPolicy | None = None,
    tracing: Tracing | None = None,
) -> FastAPI:
    """Returns the gateway's app; it starts and answers also while Temporal and the ledger are down.

    Args:
        settings: Where Temporal and the ledger are.
        config: Agents, policy and people.
        ledger: In place of the settings' own.
        temporal: In place of the settings' own.
        clock: In place of this machine's.
        limits: How long the steps of a decision may take.
        policy: In place of the configuration's own.
        tracing: Where spans go; without it there are none.
    """
    # The pages need this package first.
    from placet.web import sign_in_page  # noqa: PLC0415

    services = assemble(
        settings,
        config,
        ledger=ledger,
        temporal=temporal,
        clock=clock,
        limits=limits,
        policy=policy,
        tracing=tracing,
    )
    app = GatewayApp(
        title="Placet",
        description="Puts a person in front of the calls that matter.",
        version="1",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        default_response_class=Json,
        lifespan=_lifespan,
    )
    app.state.services = services
    app.state.sign_in_page = sign_in_page
    for router in _surfaces(settings):
        # Not included but taken over: so every endpoint is found in `app.routes`, where a test looks who may call it.
        app.router.routes.extend(router.routes)
    check_table(app)
    _answer_errors(app)
    _stand_around(app, settings, services)
    return app


def _stand_around(app: FastAPI, settings: Settings, services: Services) -> None:
    """Adds what stands around every request, the innermost first."""
    if services.directory.local:
        app.add_middleware(LoopbackGuard, named=settings.cors_origins)
    elif names_of(settings):
        app.add_middleware(HostGuard, names=names_of(settings))
    if settings.cors_origins:
        app.add_middleware(CORSMiddleware, allow_origins=settings.cors_origins, **CROSS_ORIGIN)
    app.add_middleware(SecurityHeaders)
    if settings.trusted_proxies or settings.public_url:
        app.add_middleware(Proxies, networks=settings.trusted_proxies, public_url=settings.public_url)
    if services.tracing is not None:
        # Imported where it is used: OpenTelemetry need not be installed.
        from placet.api.metrics.spans import RequestSpans  # noqa: PLC0415

        app.add_middleware(RequestSpans, tracer=services.tracing.tracer)
    app.add_middleware(RequestLog)
    app.add_middleware(CountRequests, metrics=services.metrics)


def _surfaces(settings: Settings) -> Iterable[APIRouter]:
    """Returns all that can be asked for: the API, and what is made of its parts for LangGraph's clients and people."""
    # Both need this package first.
    from placet.langgraph_api import routers as clients  # noqa: PLC0415
    from placet.web import routers as pages  # noqa: PLC0415

    identity = (me, credentials, sign_in, sign_in_elsewhere)
    api = (agents, runs, approvals, decisions, events)
    return (health, *METRICS[settings.gateway_metrics], *identity, *api, *clients, *pages)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None]:
    services: Services = app.state.services
    preparing = asyncio.create_task(_prepare_ledger(services.ledger))
    try:
        yield
    finally:
        services.stopping.set()
        preparing.cancel()
        with suppress(asyncio.CancelledError):
            await preparing
        await services.feed.close()
        await services.temporal.close()
        await services.ledger.close()
        if services.auth.provider is not None:
            await services.auth.provider.close()
        if services.tracing is not None:
            await services.tracing.close()


async def _prepare_ledger(ledger: Ledger) -> None:
    """Brings the ledger's schema to this version and learns its key, as soon as it can be reached."""
    while True:
        try:
            await ledger.migrate()
            await ledger.seal_key()
        except LedgerError as error:
            _log.warning("ledger_not_ready", error=str(error))
            await asyncio.sleep(MIGRATE_AGAIN)
        else:
            return


def _answer_errors(app: FastAPI) -> None:
    """Gives every exception that an endpoint may raise its problem document."""

    def refused(_: Request, error: RefusedError) -> Response:
        return answer_problem(problem_of(error.refusal))

    def problem(_: Request, error: ProblemError) -> Response:
        after = error.named.get("retry_after")
        headers = {"Retry-After": str(after)} if after is not None else None
        return answer_problem(problem_body(error.code, error.detail, error.named), headers)

    def bad_cursor(_: Request, error: InvalidCursorError) -> Response:
        errors = [{"pointer": "cursor", "message": "is not a cursor of this list"}]
        return answer_problem(problem_body("invalid_query", str(error), {"errors": errors}))

    def down(_: Request, error: LedgerError | TemporalError) -> Response:
        _log.warning("unavailable", error=str(error))
        sent = isinstance(error, TemporalError) and getattr(error, "sent", True)
        return answer_problem(problem_body("unavailable", str(error), {"maybe_recorded": sent}))

    handlers: dict[type[Exception], Callable[[Request, Any], Response]] = {
        RefusedError: refused,
        ProblemError: problem,
        InvalidCursorError: bad_cursor,
        LedgerError: down,
        TemporalError: down,
        RequestValidationError: _bad_query,
        HTTPException: _by_status,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def _bad_query(_: Request, error: RequestValidationError) -> Response:
    """Answers what FastAPI itself refuses: bodies are read elsewhere, so it is the query."""
    messages: dict[str, list[str]] = {}
    for one in error.errors():
        # A value that fits none of several types has an error of each of them.
        messages.setdefault(".".join(str(step) for step in one["loc"][1:2]), []).append(one["msg"])
    errors = [{"pointer": name, "message": _one_of(dict.fromkeys(said))} for name, said in messages.items()]
    first = errors[0]
    detail = f"{first['pointer']}: {first['message']}"
    return answer_problem(problem_body("invalid_query", detail, {"errors": errors}))


def _by_status(request: Request, error: HTTPException) -> Response:
    """Answers what Starlette itself refuses: no such path, or not with this method."""
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"{request.method} is not for this path."
        body = document(METHOD_NOT_ALLOWED, 405, "The path does not take this method", detail)
        return answer_problem(body, {"Allow": ", ".join(sorted(_methods_of(request)))})
    return answer_problem(problem_body("not_found", f"There is no {request.url.path[:200]}."))


def _one_of(messages: Iterable[str]) -> str:
    """Returns several messages about one value as one, so that the first does not look like all there is."""
    first, *others = messages
    return " or ".join([first, *(one.removeprefix(_EXPECTED) for one in others)])


def _methods_of(request: Request) -> set[str]:
    """Returns every method of a path; Starlette names those of the first endpoint only."""
    routes = (route for route in api_routes(request.app) if route.matches(request.scope)[0] is not Match.NONE)
    return {method for route in routes for method in route.methods or ()}
