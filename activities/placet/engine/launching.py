"""Command lines of processes that must not outlive this one."""

from __future__ import annotations

import os
import sys

from placet.engine import launch


def launched(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the command line that starts the same program so that it dies with this process.

    The kernel watches the thread that starts it: call it from one that lasts, the main one.
    """
    return (sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), *arguments)
