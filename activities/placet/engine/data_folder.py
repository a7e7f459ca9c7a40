"""The data folder of `placet up`: everything that it keeps, and one `up` at a time."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast

from placet.engine.errors import DataFolderBusy

PORTS: Final = "ports.json"
LOGS: Final = "logs"
TEMPORAL: Final = "temporal"
_LOCK: Final = "up.lock"
_SETTINGS: Final = "up.json"
_TOLD: Final = (
    *("PLACET_URL", "PLACET_CONFIG", "PLACET_TASK_QUEUE", "PLACET_TEMPORAL_UI_URL"),
    *("TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"),
)


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


def tell(folder: Path, environment: Mapping[str, str]) -> None:
    """Leaves word of the settings that a `placet up` runs with, for `told`; secrets are left out."""
    public = {name: value for name, value in environment.items() if name in _TOLD and value}
    (folder / _SETTINGS).write_text(json.dumps(public, indent=2) + "\n", encoding="utf-8")


def told(folder: Path) -> dict[str, str]:
    """Returns the settings of the last `placet up` on the folder, as environment variables."""
    try:
        read: object = json.loads((folder / _SETTINGS).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    entries = cast("dict[str, object]", read) if isinstance(read, dict) else {}
    return {name: value for name, value in entries.items() if isinstance(value, str)}


def _pid(text: str) -> int | None:
    return int(text) if text.strip().isdigit() else None
