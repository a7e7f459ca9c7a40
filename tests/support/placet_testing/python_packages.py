"""Python packages that a test uses beside ours, in other versions: installed once for this user."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from placet.engine.cache import kept, only_one, workshop
from placet.engine.errors import ProvisionError
from placet.engine.progress import Say, say_on_stderr

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = "Packages of PyPI"


def python_packages(name: str, requirements: Path, say: Say = say_on_stderr) -> Path:
    """Returns the folder of the packages that a file lists, for `PYTHONPATH`.

    Args:
        name: Under which they are kept.
        requirements: Each package with its version.
        say: Tells that somebody else is installing them.

    Raises:
        ProvisionError: They cannot be got.
    """
    version = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    place = kept(name, version)
    with only_one(name, version, say):
        if not place.exists():
            with workshop(name, version) as folder:
                install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
                command = (sys.executable, *install, "--target", str(folder), "--requirement", str(requirements))
                done = subprocess.run(command, check=False, capture_output=True, text=True)
                if done.returncode:
                    raise ProvisionError(NAME, f"pip install failed: {done.stderr[-2000:]}")
    return place
