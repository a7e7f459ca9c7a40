"""What LangGraph's server has and Placet does not: each is refused with the reason, and never with 5xx."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from placet.api.access import SignedIn
from placet.langgraph_api.errors import SurfaceError
from placet.langgraph_api.routing import ClientRoute

router: Final = APIRouter(prefix="/langgraph", include_in_schema=False, route_class=ClientRoute)

NOT_OFFERED: Final = {
    "POST /assistants": "agents are in placet.yaml, and are not made by clients",
    "PATCH /assistants/{path:path}": "agents are in placet.yaml, and are not changed by clients",
    "DELETE /assistants/{path:path}": "agents are in placet.yaml, and are not deleted by clients",
    "POST /runs/stream": "a run needs a thread, which is where its approvals are found again",
    "POST /runs/wait": "a run needs a thread, which is where its approvals are found again",
    "POST /runs": "a run needs a thread, which is where its approvals are found again",
    "POST /runs/batch": "a run needs a thread, which is where its approvals are found again",
    "POST /runs/cancel": "runs are cancelled one by one",
    "POST /runs/crons": "nothing is started by the clock",
    "POST /runs/crons/search": "nothing is started by the clock",
    "POST /threads/prune": "what was said and decided is kept",
    "POST /threads/{thread_id}/copy": "what was decided on one thread does not count on another",
    "GET /threads/{thread_id}/stream": "follow a run of the thread instead",
    "DELETE /threads/{thread_id}/runs/{run_id}": "what was done and decided is kept",
    "PUT /store/items": "there is no store for clients",
    "GET /store/items": "there is no store for clients",
    "DELETE /store/items": "there is no store for clients",
    "POST /store/items/search": "there is no store for clients",
    "POST /store/namespaces": "there is no store for clients",
}
"""Every path that clients know and Placet does not take, with the reason that its answer gives."""


def _refuse(place: str, reason: str) -> None:
    method, path = place.split(" ")

    async def refuse(_caller: SignedIn) -> None:
        shown = path.replace("{path:path}", "…")
        raise SurfaceError(code="not_offered", detail=f"Placet does not offer {method} {shown}: {reason}.")

    router.add_api_route(path, refuse, methods=[method])


for _place, _reason in NOT_OFFERED.items():
    _refuse(_place, _reason)
