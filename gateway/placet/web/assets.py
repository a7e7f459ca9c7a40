"""Scripts, styles and pictures: read once, named by what they hold, so that browsers may keep them for ever."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter
from starlette.responses import Response

from placet.api.access import Anybody
from placet.api.errors import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

TYPES: Final[Mapping[str, str]] = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}
POLICY: Final = "default-src 'none'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
"""A worker is bound by the policy of its own script: the one that follows events imports a module, and connects."""
FOR_EVER: Final = "public, max-age=31536000, immutable"

router: Final = APIRouter(include_in_schema=False)


@cache
def files() -> Mapping[str, bytes]:
    """Returns every file below `static/`, by its path."""
    return dict(_below(resources.files("placet.web") / "static", ""))


@cache
def stamp() -> str:
    """Returns the digest that stands in the address of every file: another version of one is another address."""
    content = hashlib.sha256()
    for name, data in sorted(files().items()):
        content.update(f"{name}\n{len(data)}\n".encode() + data)
    return content.hexdigest()[:16]


def address(name: str) -> str:
    """Returns where a file is served.

    Raises:
        KeyError: There is no such file.
    """
    if name not in files():
        raise KeyError(name)
    return f"/static/{stamp()}/{name}"


@router.get("/static/{version}/{name:path}")
async def read_asset(version: str, name: str, _: Anybody) -> Response:
    """Serves a file; one of another version is not kept, since its content is this version's."""
    data = files().get(name)
    kind = TYPES.get(name.rpartition(".")[2])
    if data is None or kind is None:
        raise ProblemError(code="not_found", detail="There is no such file.")
    keep = FOR_EVER if version == stamp() else "no-store"
    return Response(data, media_type=kind, headers={"Cache-Control": keep, "Content-Security-Policy": POLICY})


def _below(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _below(entry, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", entry.read_bytes()
