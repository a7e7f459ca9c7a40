"""Tables of the reference about the surface for LangGraph's clients."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from fastapi.routing import APIRoute
from reference_models import table

from placet.langgraph_api import routers
from placet.langgraph_api.errors import MEANINGS
from placet.langgraph_api.refusing import NOT_OFFERED


def endpoints() -> str:
    """Returns the table of what is offered."""
    return table(("method", "path", "does"), _rows())


def refusals() -> str:
    """Returns the table of the surface's own codes."""
    rows = ((f"`{code}`", str(status), title) for code, (status, title) in sorted(MEANINGS.items()))
    return table(("code", "status", "meaning"), rows)


def not_offered() -> str:
    """Returns the table of what is refused, with the reasons."""
    split = ((place.split(" "), reason) for place, reason in NOT_OFFERED.items())
    shown = ((method, f"`{path.replace('{path:path}', '…')}`", reason) for (method, path), reason in split)
    return table(("method", "path", "why"), shown)


def _rows() -> Iterator[tuple[str, str, str]]:
    for router in routers:
        for route in router.routes:
            if not isinstance(route, APIRoute):
                continue
            path = route.path.removeprefix("/langgraph")
            for method in sorted(route.methods or ()):
                if f"{method} {path}" not in NOT_OFFERED:
                    yield method, f"`{path}`", (inspect.getdoc(route.endpoint) or "").splitlines()[0]
