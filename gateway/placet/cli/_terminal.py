"""A person's keyboard: nothing that was typed before a question was on screen is taken for an answer to it."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import time
import tty
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator

DEAF: Final = 0.4
"""Seconds after a menu is drawn in which keys are ignored."""
QUIET: Final = 0.15
"""Seconds without a key that must have passed as well: a key held down or a long paste decides nothing."""
_ESCAPE_PAUSE: Final = 0.05
_PASTE_ON, _PASTE_OFF = "\x1b[?2004h", "\x1b[?2004l"
_PASTE_BEGINS, _PASTE_ENDS = b"[200~", b"\x1b[201~"
_ARROWS: Final = {b"[A": "up", b"OA": "up", b"[B": "down", b"OB": "down"}
_PLAIN_KEYS: Final = {b"\r": "enter", b"\n": "enter", b"\x04": "end", b"": "end"}


class Bell(Protocol):
    """Something that can end a question from outside: its file is readable when it has."""

    def fileno(self) -> int:
        """Returns the file to watch."""
        ...


class RungError(Exception):
    """The bell rang while a question was open."""


class Terminal:
    """The terminal that this process was started in."""

    def __init__(self) -> None:
        self._keyboard = sys.stdin.fileno()

    @property
    def plain(self) -> bool:
        """Whether to do without redrawing: for screen readers, and for terminals that cannot."""
        return bool(os.environ.get("PLACET_ACCESSIBLE")) or os.environ.get("TERM", "dumb") == "dumb"

    def write(self, text: str) -> None:
        """Prints without a line feed, at once."""
        sys.stdout.write(text)
        sys.stdout.flush()

    def forget(self) -> None:
        """Drops what has been typed and not been read."""
        termios.tcflush(self._keyboard, termios.TCIFLUSH)

    @contextlib.contextmanager
    def keys(self) -> Generator[None]:
        """Gives single keys, without echo; what a terminal marks as pasted is no key."""
        before = termios.tcgetattr(self._keyboard)
        tty.setcbreak(self._keyboard, termios.TCSAFLUSH)
        try:
            self.write(_PASTE_ON)
            yield
        finally:
            self.write(_PASTE_OFF)
            termios.tcsetattr(self._keyboard, termios.TCSAFLUSH, before)

    def settle(self, bell: Bell) -> None:
        """Ignores keys until what was drawn could be seen; `DEAF` and `QUIET` say how long.

        Raises:
            RungError: The bell rang meanwhile.
        """
        with self._without_echo():
            until = time.monotonic() + DEAF
            while (left := until - time.monotonic()) > 0:
                if self._typed(bell, left):
                    os.read(self._keyboard, 4096)
                    until = max(until, time.monotonic() + QUIET)
            self.forget()

    def key(self, bell: Bell) -> str:
        """Returns the next key: a character, or `up`, `down`, `enter`, `escape`, `end`; other keys are ignored.

        Raises:
            RungError: The bell rang first.
        """
        while True:
            self._typed(bell, None)
            first = os.read(self._keyboard, 1)
            if first in _PLAIN_KEYS:
                return _PLAIN_KEYS[first]
            if first == b"\x1b":
                name = self._after_escape()
                if name:
                    return name
            elif first.isascii() and first.decode().isprintable():
                return first.decode()

    def line(self, prompt: str, bell: Bell) -> str | None:
        """Returns one line, typed after the prompt was printed; None at Ctrl-D.

        Raises:
            RungError: The bell rang first.
        """
        self.forget()
        self.write(prompt)
        self._typed(bell, None)
        typed = os.read(self._keyboard, 65536)
        if not typed:
            self.write("\n")
            return None
        return typed.decode("utf-8", "replace").rstrip("\r\n")

    def _typed(self, bell: Bell, timeout: float | None) -> bool:
        """Waits for the keyboard; the bell wins over it, so that nobody decides on what has ended."""
        rings = [] if bell.fileno() < 0 else [bell.fileno()]
        ready = select.select([self._keyboard, *rings], [], [], timeout)[0]
        if any(one in ready for one in rings):
            raise RungError
        return bool(ready)

    def _after_escape(self) -> str | None:
        """Returns what an escape byte begins: an arrow, the key itself, or None for what means nothing here."""
        sequence = b""
        while select.select([self._keyboard], [], [], _ESCAPE_PAUSE)[0]:
            sequence += os.read(self._keyboard, 1)
            if len(sequence) > 1 and sequence[-1:].isascii() and (sequence[-1:].isalpha() or sequence[-1:] == b"~"):
                break
        if not sequence:
            return "escape"
        if sequence == _PASTE_BEGINS:
            self._skip_paste()
        return _ARROWS.get(sequence)

    def _skip_paste(self) -> None:
        pasted = b""
        while not pasted.endswith(_PASTE_ENDS) and (more := os.read(self._keyboard, 1)):
            pasted = (pasted + more)[-len(_PASTE_ENDS) :]

    @contextlib.contextmanager
    def _without_echo(self) -> Generator[None]:
        before = termios.tcgetattr(self._keyboard)
        deaf = [*before]
        deaf[3] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(self._keyboard, termios.TCSANOW, deaf)
        try:
            yield
        finally:
            termios.tcsetattr(self._keyboard, termios.TCSANOW, before)
