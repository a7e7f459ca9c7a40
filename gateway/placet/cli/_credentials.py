"""Where `placet login` keeps its token: one file that only its owner reads, a token for each gateway."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping


def file_of(environ: Mapping[str, str] = os.environ) -> Path:
    """Returns the file: `placet/credentials.json` in the user's configuration folder."""
    folder = environ.get("XDG_CONFIG_HOME")
    return (Path(folder) if folder else Path.home() / ".config") / "placet" / "credentials.json"


def kept(url: str) -> str | None:
    """Returns the token for a gateway; None where there is none, or the file cannot be read."""
    token = _read().get(url.rstrip("/"))
    return token if isinstance(token, str) else None


def keep(url: str, token: str | None) -> None:
    """Keeps a token in place of the one before; None forgets it.

    The file is made anew beside the old one, readable by its owner only from its first byte on.

    Raises:
        OSError: The folder cannot be written.
    """
    tokens = {name: one for name, one in _read().items() if name != url.rstrip("/")}
    if token is not None:
        tokens[url.rstrip("/")] = token
    place = file_of()
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=place.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(tokens, file)
    Path(name).replace(place)


def _read() -> dict[str, Any]:
    try:
        found = json.loads(file_of().read_text("utf-8"))
    except (OSError, ValueError, RuntimeError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
