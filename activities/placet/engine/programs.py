"""Where a Temporal server comes from: what is there, what was made before, what can be made."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from placet.engine import building
from placet.engine.download import download_cli, downloaded_cli
from placet.engine.errors import ProvisionError, TemporalMissing
from placet.engine.progress import Say


class Kind(StrEnum):
    """The two programs that hold a Temporal server."""

    CLI = "cli"
    """`temporal`: server and UI in one."""
    SERVER = "server"
    """The bare server; its UI is a program of its own."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A Temporal server that can be started.

    Attributes:
        kind: What program it is, and so how it is started.
        path: The executable.
        origin: Where it comes from, in words.
    """

    kind: Kind
    path: Path
    origin: str


def find_server() -> Program | None:
    """Returns the server that is there already, without making one: on PATH, or made before."""
    on_path = _usable_cli()
    if on_path is not None:
        return Program(kind=Kind.CLI, path=on_path, origin="on PATH")
    downloaded = downloaded_cli()
    if downloaded is not None:
        return Program(kind=Kind.CLI, path=downloaded, origin="downloaded before")
    if building.SERVER.built:
        return Program(kind=Kind.SERVER, path=building.SERVER.path, origin="built before")
    return None


def obtain_server(say: Say) -> Program:
    """Returns a server: one that is there, or else one that is downloaded or built now.

    Raises:
        TemporalMissing: Every way fails; the text lists them all.
    """
    found = find_server()
    if found is not None:
        return found
    tried = ["put `temporal` on PATH (https://docs.temporal.io/cli), or name a server with TEMPORAL_ADDRESS"]
    for kind, origin, hint, make in _WAYS:
        try:
            return Program(kind=kind, path=make(say), origin=origin)
        except ProvisionError as error:
            tried.append(f"{hint}: {error}")
    raise TemporalMissing(tried)


def find_ui() -> Path | None:
    """Returns the UI for a bare server, where it was built before."""
    return building.UI.path if building.UI.built else None


def obtain_ui(say: Say) -> Path:
    """Returns the UI for a bare server, built now unless it was before.

    Raises:
        ProvisionError: It cannot be built.
    """
    return building.build(building.UI, say)


def _usable_cli() -> Path | None:
    """Something else may be called `temporal`, and an old one cannot start a server with a file."""
    found = shutil.which("temporal")
    if found is None:
        return None
    command = [found, "server", "start-dev", "--help"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environment)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Path(found) if asked.returncode == 0 and "--db-filename" in asked.stdout else None


def _build_server(say: Say) -> Path:
    return building.build(building.SERVER, say)


_Way = tuple[Kind, str, str, Callable[[Say], Path]]
_WAYS: Final[tuple[_Way, ...]] = (
    (Kind.CLI, "downloaded by the SDK", "let this machine reach the SDK's download", download_cli),
    (Kind.SERVER, "built with Go", "install Go, which builds the server", _build_server),
)
