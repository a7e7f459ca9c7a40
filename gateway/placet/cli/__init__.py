"""The command line: `placet`."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Runs the command that `sys.argv` names and ends the process with its exit code."""
    # Imported here so that importing the package costs nothing to a program that only wants a part of it.
    from placet.cli.app import app  # noqa: PLC0415

    app(prog_name="placet")
    sys.exit(0)
