"""The demo's first approval: it waits already when `placet up --demo` opens the inbox."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta
from typing import Final

from placet.client import Client
from placet.client.errors import PlacetError
from placet.contracts.runs import RunRequest

FIRST: Final = RunRequest(agent="billing", input="Order 1003 was ordered twice. Refund it and tell the customer.")
KEY: Final = "placet-demo"
"""Sent again, it starts nothing: a ledger has one such run."""
PATIENCE: Final = 10.0
_PAUSE: Final = 0.2


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
