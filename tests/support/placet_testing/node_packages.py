"""Packages of npm that programs of the tests need: installed once per lock file, and kept."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Final

from placet.engine.cache import kept, only_one, workshop
from placet.engine.errors import ProvisionError
from placet.engine.progress import Say, say_on_stderr

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = "Packages of npm"


def node_packages(name: str, source: Path, say: Say = say_on_stderr) -> Path:
    """Returns where the packages of a folder's lock file lie.

    Args:
        name: Under which they are kept.
        source: The folder of `package.json` and its lock.
        say: Tells that somebody else is installing them.

    Raises:
        ProvisionError: Node is not here, or the packages cannot be got.
    """
    if shutil.which("npm") is None:
        raise ProvisionError(NAME, "Node and npm are not here (Debian: apt-get install npm)")
    version = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()[:16]
    place = kept(name, version)
    with only_one(name, version, say):
        if not place.exists():
            with workshop(name, version) as folder:
                for file in ("package.json", "package-lock.json"):
                    shutil.copy(source / file, folder)
                command = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
                done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
                if done.returncode:
                    raise ProvisionError(NAME, f"npm ci failed: {done.stderr[-2000:]}")
    return place


def node_program(name: str, source: Path, folder: Path) -> Path:
    """Lays a program beside its packages in a folder of its own, and returns that folder.

    Raises:
        ProvisionError: Node is not here, or the packages cannot be got.
    """
    shutil.copytree(source, folder, dirs_exist_ok=True)
    (folder / "node_modules").symlink_to(node_packages(name, source) / "node_modules")
    return folder


def ran(folder: Path, program: str, *arguments: str) -> dict[str, Any]:
    """Runs a program of a folder, and returns the document that it says at its end."""
    command = ("node", "--no-warnings", program, *arguments)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])
