"""The data folder of `placet up`: everything that it keeps, and one `up` at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from placet.engine.errors import DataFolderBusy

PORTS: Final = "ports.json"
LOGS: Final = "logs"
TEMPORAL: Final = "temporal"
_LOCK: Final = "up.lock"


@contextmanager
def only_up(folder: Path) -> Generator[None]:
    """Makes the folder, readable for its owner only, and holds off every other `placet up` on it.

    The kernel lets go of the lock when the process ends, however it ends.

    Raises:
        DataFolderBusy: Another one holds it.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for inner in (LOGS, TEMPORAL):
        (folder / inner).mkdir(exist_ok=True)
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataFolderBusy(folder, _pid(lock.read())) from None
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def runs_here(folder: Path) -> bool:
    """Tells whether a `placet up` runs on the folder now."""
    try:
        with (folder / _LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _pid(text: str) -> int | None:
    return int(text) if text.strip().isdigit() else None
