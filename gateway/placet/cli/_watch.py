"""While a question is open somebody else may decide, or the clock: this notices."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Final, Self

from placet.client.errors import PlacetError

if TYPE_CHECKING:
    from placet.client import Client
    from placet.contracts.approvals import Approval

PERIOD: Final = 1.0
"""Seconds between looks."""


class Watch:
    """Looks at a pending approval again and again; its file is readable once it is pending no more.

    Attributes:
        ended: The approval as it ended, once it has.
    """

    def __init__(self, client: Client, approval_id: str) -> None:
        self.ended: Approval | None = None
        self._client = client
        self._approval_id = approval_id
        self._left = threading.Event()
        self._ear, self._mouth = os.pipe()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        # A look that is under way may use the client until here; one that hangs is left behind.
        self._thread.join(PERIOD)
        os.close(self._ear)

    def fileno(self) -> int:
        """Returns the file that becomes readable."""
        return self._ear

    def _look(self) -> None:
        # The thread alone closes the end that it writes to: a number that is closed twice may be another's by then.
        with os.fdopen(self._mouth, "wb", buffering=0) as mouth:
            while not self._left.wait(PERIOD):
                with contextlib.suppress(PlacetError, RuntimeError):
                    approval = self._client.approval(self._approval_id)
                    if approval.status != "pending":
                        self.ended = approval
                        break
            if self.ended is not None and not self._left.is_set():
                with contextlib.suppress(OSError):
                    mouth.write(b"!")
                self._left.wait()
