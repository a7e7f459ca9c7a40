"""`placet up` as a person runs it, seen from outside."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from placet.engine.ports import free_port
from placet.engine.server import TEMPORAL, UI

COMMAND: Final = (sys.executable, "-m", "placet.cli", "up")
READY_LIMIT: Final = 120.0


@dataclass(frozen=True, kw_only=True)
class Up:
    """A `placet up` that answers.

    Attributes:
        process: Its process.
        addresses: What it printed: `inbox`, `api`, `temporal`, `temporal_ui`, `data`, `logs`, `next`.
        errors: The file that gets what it says.
        data: Its data folder.
    """

    process: subprocess.Popen[bytes]
    addresses: Mapping[str, str]
    errors: Path
    data: Path

    @property
    def url(self) -> str:
        """The base of the gateway."""
        return self.addresses["api"].removesuffix("/v1")

    def said(self) -> str:
        """Everything that it said so far."""
        return self.errors.read_text()

    def processes(self) -> dict[int, str]:
        """Everything alive that belongs to this data folder, `up` itself included, by its command line."""
        return processes_of(self.data)

    def child(self, word: str) -> int:
        """The one process whose command line holds this word."""
        (pid,) = [pid for pid, line in self.processes().items() if word in line]
        return pid

    def end(self, number: signal.Signals) -> int:
        """Sends a signal and returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def kill_everything(self) -> None:
        """Kills all of it at once, as a power cut would."""
        kill_all_of(self.data)
        self.process.wait()


@contextmanager
def running_up(
    data: Path, *arguments: str, environment: Mapping[str, str] | None = None, port: int | None = None
) -> Generator[Up]:
    """Starts `placet up`, gives it when it says that all answer, and kills what is left at the end."""
    data.parent.mkdir(parents=True, exist_ok=True)
    errors = data.with_name(f"{data.name}.errors")
    given = (*arguments, "--json", "--data", str(data), "--port", str(port or gateway_port(data)))
    with errors.open("wb") as output:
        process = subprocess.Popen(
            [*COMMAND, *given],
            stdout=subprocess.PIPE,
            stderr=output,
            stdin=subprocess.DEVNULL,
            cwd=data.parent,
            env={**os.environ, **clean_environment(), **(environment or {})},
            start_new_session=True,
        )
    try:
        yield Up(process=process, addresses=_addresses(process, errors, data), errors=errors, data=data)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
        until(lambda: not processes_of(data))


def clean_environment() -> dict[str, str]:
    """The variables that a person who set nothing has: no Temporal of their own, no warnings as errors."""
    names = [name for name in os.environ if name.startswith(("TEMPORAL_", "PLACET_")) and name != "PLACET_CACHE"]
    return dict.fromkeys(names, "")


def gateway_port(data: Path) -> int:
    """The port of the last start on this folder; for a new folder all that a person sees are free ones.

    The usual ones may be taken or freed between two starts by whatever else runs on this machine.
    """
    kept = data / "ports.json"
    if not kept.exists():
        data.mkdir(exist_ok=True)
        kept.write_text(json.dumps({name: free_port() for name in ("gateway", TEMPORAL.name, UI.name)}))
    return json.loads(kept.read_text())["gateway"]


def processes_of(data: Path) -> dict[int, str]:
    """Everything alive whose command line or environment names the data folder, and the `up` that holds it."""
    lock = data / "up.lock"
    holder = lock.read_text().strip() if lock.exists() else ""
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            line = (entry / "cmdline").read_bytes()
            held = entry.name == holder and b"placet" in line
            if line and (held or str(data).encode() in line + (entry / "environ").read_bytes()):
                found[int(entry.name)] = line.replace(b"\0", b" ").decode(errors="replace")
    return found


def kill_all_of(data: Path) -> None:
    """Kills everything of this data folder at once, as a power cut would; what dies with its parent was quicker."""
    for pid in processes_of(data):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def until(condition: object, limit: float = 20.0) -> None:
    """Waits for what other processes bring about.

    Raises:
        TimeoutError: They did not.
    """
    assert callable(condition)
    give_up = time.monotonic() + limit
    while not condition():
        if time.monotonic() > give_up:
            raise TimeoutError
        time.sleep(0.05)


def _addresses(process: subprocess.Popen[bytes], errors: Path, data: Path) -> dict[str, str]:
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    give_up = time.monotonic() + READY_LIMIT
    while time.monotonic() < give_up:
        line = process.stdout.readline()
        if line:
            return json.loads(line)
        if process.poll() is not None:
            break
        time.sleep(0.05)
    logs = "\n".join(f"--- {log.name}\n{log.read_text()[-3000:]}" for log in sorted((data / "logs").glob("*.log")))
    message = f"not up (exit code {process.poll()}):\n{errors.read_text()}\n{logs}"
    raise AssertionError(message)
