"""Becomes another program that dies with the process that started it.

Run as a file, `python -I -S launch.py PARENT PROGRAM ARGUMENT…`. The kernel kills the program when its parent is gone,
even by kill -9; so nothing is left of `placet up`. Asked for here, and not between fork and exec in the parent,
because the parent has threads. Elsewhere than on Linux it only becomes the program.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Never returns."""
    parent, program = int(sys.argv[1]), sys.argv[2]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # Died between fork and here: the kernel will not tell any more.
        if os.getppid() != parent:
            sys.exit(1)
    os.execv(program, sys.argv[2:])  # noqa: S606  (no shell is wanted)


if __name__ == "__main__":
    main()
