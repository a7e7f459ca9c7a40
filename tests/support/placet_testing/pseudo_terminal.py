"""A program at a terminal, driven as a person would: read what is on screen, press keys."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from typing import Self

PATIENCE = 20.0
"""Seconds to wait for what must come."""


class PseudoTerminal:
    """Runs a command with a terminal as its standard input, output and error; use it with `with`.

    Attributes:
        seen: Everything that was printed so far, escape sequences included.
    """

    def __init__(
        self, command: Sequence[str], env: Mapping[str, str], *, size: tuple[int, int] = (50, 100), typed: str = ""
    ) -> None:
        """Starts the command.

        Args:
            command: What to run.
            env: Its environment, whole.
            size: Rows and columns.
            typed: What was typed before it started.
        """
        self.seen = ""
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        os.write(self._master, typed.encode())
        self._process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - Ctrl-C goes to its session
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._master)

    def press(self, keys: str) -> None:
        """Sends keys at once."""
        os.write(self._master, keys.encode())

    def press_seen(self, keys: str) -> None:
        """Sends keys as a person does who has seen what is on screen: later than a menu ignores them."""
        time.sleep(0.7)
        self.press(keys)

    def waits_for(self, text: str, *, since: int = 0) -> None:
        """Reads until the text is on screen; `since` is a position in `seen`."""
        until = time.monotonic() + PATIENCE
        while text not in self.seen[since:]:
            left = until - time.monotonic()
            assert left > 0, f"{text!r} did not come; on screen:\n{self.seen}"
            assert self._read(left), f"it ended before {text!r}; on screen:\n{self.seen}"

    def shows_nothing_for(self, seconds: float) -> None:
        """Checks that it prints nothing more and is still there."""
        before, until = len(self.seen), time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not select.select([self._master], [], [], left)[0]:
                break
            assert self._read(left), f"it ended; on screen:\n{self.seen}"
        assert self.seen[before:] == ""

    def ends(self) -> int:
        """Reads until it has ended and returns its exit code."""
        while self._read(PATIENCE):
            pass
        return self._process.wait(PATIENCE)

    @property
    def plain(self) -> str:
        """What was printed, without the escape sequences of colours and cursor."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.seen)

    def _read(self, seconds: float) -> bool:
        """Reads what there is; False at the end."""
        if not select.select([self._master], [], [], seconds)[0]:
            return self._process.poll() is None
        more = b""
        with contextlib.suppress(OSError):  # the terminal is gone when its last process is
            more = os.read(self._master, 65536)
        self.seen += more.decode("utf-8", "replace")
        return bool(more)
