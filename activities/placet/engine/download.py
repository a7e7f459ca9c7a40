"""The Temporal command line by the SDK's own download, for machines that reach it.

The SDK offers the download only together with a start. So this module is also a program, `python -m
placet.engine.download FOLDER`: it starts a server, which downloads, and stops it. A process of its own can be given
up when the download hangs, and takes a crash of the native library with it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

from placet.engine.cache import kept, only_one, workshop
from placet.engine.errors import ProvisionError
from placet.engine.progress import Say

NAME: Final = "temporal-cli"
_LIMIT: Final = 180


def downloaded_cli() -> Path | None:
    """Returns the command line that was downloaded before, or None."""
    path = kept(NAME, _version()) / "temporal"
    return path if path.is_file() else None


def download_cli(say: Say) -> Path:
    """Returns the Temporal command line, downloaded now unless it was before.

    Raises:
        ProvisionError: The download is not within reach.
    """
    with only_one(NAME, _version(), say):
        found = downloaded_cli()
        if found is not None:
            return found
        say("Downloading the Temporal command line.")
        with workshop(NAME, _version()) as folder:
            _download(folder)
            (program,) = [path for path in folder.iterdir() if os.access(path, os.X_OK)]
            program.rename(folder / "temporal")
    return kept(NAME, _version()) / "temporal"


def _version() -> str:
    """The SDK decides which command line it downloads, so its version names what is kept."""
    return f"sdk-{version('temporalio')}"


def _download(folder: Path) -> None:
    command = [sys.executable, "-m", __name__, str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT, check=False)
    except subprocess.TimeoutExpired as error:
        raise ProvisionError(NAME, f"the SDK's download did not end in {_LIMIT} s") from error
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise ProvisionError(NAME, lines[-1] if lines else "the SDK's download failed")


async def _start_and_stop(folder: str) -> None:
    from temporalio.testing import WorkflowEnvironment  # noqa: PLC0415  (only in the process of its own)

    # Its signature mentions a generic class without its argument.
    environment = await WorkflowEnvironment.start_local(  # pyright: ignore[reportUnknownMemberType]
        download_dest_dir=folder
    )
    await environment.shutdown()


def _main() -> int:
    try:
        asyncio.run(_start_and_stop(sys.argv[1]))
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    _code = _main()
    sys.stderr.flush()
    # The native library can crash while the interpreter ends.
    os._exit(_code)
