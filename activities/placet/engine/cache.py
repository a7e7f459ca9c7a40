"""The user's cache folder: what was downloaded or built once, by name and version."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from placet.engine.progress import Say


def cache_folder() -> Path:
    """Returns the user's cache folder of Placet, or the one that `PLACET_CACHE` names."""
    named = os.environ.get("PLACET_CACHE")
    return Path(named).absolute() if named else platformdirs.user_cache_path("placet")


def kept(name: str, version: str) -> Path:
    """Returns where this version of the program lies, or would lie."""
    return cache_folder() / name / version


@contextmanager
def only_one(name: str, version: str, say: Say) -> Generator[None]:
    """Holds off every other process that would make the same thing, and waits for the one that does."""
    place = kept(name, version)
    place.parent.mkdir(parents=True, exist_ok=True)
    with (place.parent / f"{version}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Another process provides {name} {version}; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def workshop(name: str, version: str) -> Generator[Path]:
    """Lends an empty folder whose content becomes the kept thing at once, or vanishes when the block fails.

    A reader never sees half of it: the folder is moved into its place in one step.
    """
    place = kept(name, version)
    place.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{version}-", dir=place.parent))
    try:
        yield folder
        if place.exists():
            shutil.rmtree(place)
        folder.chmod(0o755)
        folder.rename(place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
