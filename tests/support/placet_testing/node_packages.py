"""Packages of npm that programs of the tests need: installed once per lock file, and kept."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from typing import TYPE_CHECKING

from placet.engine.cache import kept, only_one, workshop
from placet.engine.progress import say_on_stderr
from placet_testing.servers import unavailable

if TYPE_CHECKING:
    from pathlib import Path


def packages(name: str, source: Path) -> Path:
    """Returns where the packages of a folder's lock file lie.

    Args:
        name: Under which they are kept.
        source: The folder of `package.json` and its lock.
    """
    if shutil.which("npm") is None:
        unavailable("Node and npm are not here")
    version = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()[:16]
    place = kept(name, version)
    with only_one(name, version, say_on_stderr):
        if not place.exists():
            with workshop(name, version) as folder:
                for file in ("package.json", "package-lock.json"):
                    shutil.copy(source / file, folder)
                command = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
                subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return place
