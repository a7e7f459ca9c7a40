"""How an endpoint of this surface is called: its own refusals are problem documents, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.routing import APIRoute

from placet.api.problems import answer_problem, document
from placet.langgraph_api.errors import MEANINGS, SurfaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.requests import Request
    from starlette.responses import Response


class ClientRoute(APIRoute):
    """An endpoint for LangGraph's clients."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Returns what answers a request."""
        answer = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await answer(request)
            except SurfaceError as error:
                status, title = MEANINGS[error.code]
                return answer_problem(document(error.code, status, title, error.detail, error.named))

        return answered
