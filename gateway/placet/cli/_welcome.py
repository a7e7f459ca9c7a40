"""What somebody sees first: `placet up` opens the inbox, and with `--demo` a first approval waits in it."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from placet.client import Client
from placet.client.errors import PlacetError
from placet.contracts.runs import RunRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST: Final = RunRequest(agent="billing", input="Order 1003 was ordered twice. Refund it and tell the customer.")
KEY: Final = "placet-demo"
"""Sent again, it starts nothing: a ledger has one such run."""
PATIENCE: Final = 10.0
_PAUSE: Final = 0.2


def may_open(environ: Mapping[str, str], *, at_terminal: bool) -> bool:
    """Returns whether somebody sits here who could look at a browser: a terminal, no CI, and a display."""
    if environ.get("CI") or environ.get("PLACET_NO_INPUT") or environ.get("SSH_CONNECTION"):
        return False
    has_display = sys.platform == "darwin" or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
    return has_display and at_terminal


def welcome(url: str, *, demo: bool) -> None:
    """Opens the inbox in the person's browser; where there is none, its address is printed already.

    Args:
        url: The gateway's.
        demo: Whether a first approval is to wait there.
    """
    import webbrowser  # noqa: PLC0415

    if demo:
        begin_demo(url)
    with suppress(webbrowser.Error, OSError):
        webbrowser.open(f"{url}/inbox")


def begin_demo(url: str, patience: float = PATIENCE) -> None:
    """Starts the demo's run, once in a ledger's life, and waits for a moment until it asks.

    Args:
        url: The gateway's.
        patience: Seconds to wait. The inbox opens all the same, whatever goes wrong here: it shows what there is.
    """
    until = time.monotonic() + patience
    with suppress(PlacetError), Client(url, timeout=timedelta(seconds=patience)) as client:
        run = client.start_run(FIRST, idempotency_key=KEY)
        while run.status == "running" and time.monotonic() < until:
            time.sleep(_PAUSE)
            run = client.run(run.id)
