"""libfaketime, which skews the clock of a process: the system's, or the Debian package's, unpacked without root."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from placet.engine.cache import kept, only_one, workshop
from placet.engine.errors import ProvisionError
from placet.engine.progress import Say, last_line, run_with_signs_of_life

NAME: Final = "libfaketime"
LIBRARY: Final = "libfaketimeMT.so.1"
_VERSION: Final = "debian"
_PLACES: Final = (Path("/usr/lib"), Path("/usr/local/lib"), Path("/usr/lib64"))
_WAYS: Final = "install it (Debian, Ubuntu: apt-get install libfaketime; Fedora: dnf install libfaketime)"


def faketime_library(say: Say, places: Sequence[Path] = _PLACES) -> Path:
    """Returns the library: the one that is installed, or what was or is now unpacked into the user's cache folder.

    Raises:
        ProvisionError: It is not here and cannot be fetched.
    """
    installed = [found for place in places for found in _in(place)]
    if installed:
        return installed[0]
    with only_one(NAME, _VERSION, say):
        if not _in(kept(NAME, _VERSION)):
            _unpack(say)
    return _in(kept(NAME, _VERSION))[0]


def _in(place: Path) -> list[Path]:
    patterns = ("faketime", "*/faketime", "unpacked/usr/lib/*/faketime")
    return [found for pattern in patterns for found in sorted(place.glob(f"{pattern}/{LIBRARY}"))]


def _unpack(say: Say) -> None:
    """Fetches the package with lists of its own: neither root is needed nor is the machine changed."""
    apt, dpkg = shutil.which("apt-get"), shutil.which("dpkg-deb")
    if apt is None or dpkg is None:
        raise ProvisionError(NAME, f"it is not on this machine, which has no apt-get to fetch it with; {_WAYS}")
    say(f"Fetching {NAME} with apt-get (a quarter of a minute, once; then kept in {kept(NAME, _VERSION)}).")
    with workshop(NAME, _VERSION) as folder:
        for part in ("lists/partial", "archives/partial"):
            (folder / part).mkdir(parents=True)
        own = ("-o", f"Dir::State::Lists={folder / 'lists'}", "-o", f"Dir::Cache={folder}", "-o", "Dir::Log=/dev/null")
        # apt-get fetches as another user where it is root, who may not write here.
        apt_get = (apt, "--quiet", *own, "-o", f"APT::Sandbox::User={os.environ.get('USER', 'root')}")
        _run([*apt_get, "update"], folder, say)
        _run([*apt_get, "download", NAME], folder, say)
        _run([dpkg, "--extract", *map(str, folder.glob(f"{NAME}_*.deb")), str(folder / "unpacked")], folder, say)
        shutil.rmtree(folder / "lists")
        if not _in(folder):
            raise ProvisionError(NAME, f"{LIBRARY} is not in the package; {_WAYS}")


def _run(command: list[str], folder: Path, say: Say) -> None:
    log = kept(NAME, _VERSION).with_suffix(".log")
    code = run_with_signs_of_life(
        ["/usr/bin/env", "-C", str(folder), *command],
        what=f"fetching {NAME}",
        say=say,
        log=log,
        environment=os.environ,
        limit=120,
    )
    if code != 0:
        raise ProvisionError(NAME, f"{Path(command[0]).name} failed: {last_line(log)}; {_WAYS}", log)
