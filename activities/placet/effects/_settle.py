"""Messages for calls that did not run, and the end of a run."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from temporalio import activity

from placet.contracts.runs import CloseInput, CloseResult, SettleInput, SettleResult
from placet.effects._messages import new_id, tool_message
from placet.effects._texts import SUCCESSES, settle_text
from placet.ledger import Ledger
from placet.runs import effects


async def _nothing_more(_: CloseInput) -> None:
    """Does nothing when a run has ended."""


class SettleActivities:
    """The activities that answer what did not run and close what has ended."""

    def __init__(self, ledger: Ledger, closed: Callable[[CloseInput], Awaitable[None]] = _nothing_more) -> None:
        """Writes to this ledger.

        Args:
            ledger: Where everything is written.
            closed: Is awaited when a run's end is in the ledger; it raises nothing.
        """
        self._ledger = ledger
        self._closed = closed

    @activity.defn(name=effects.SETTLE)
    async def settle(self, given: SettleInput) -> SettleResult:
        """Gives the call its message and returns the message's id."""
        message_id = new_id()
        failed = given.reason not in SUCCESSES
        message = tool_message(given.call, message_id, settle_text(given), failed=failed)
        await self._ledger.settle_call(given.call, message_id, message, ran=given.reason == "ran")
        return SettleResult(message_id=message_id)

    @activity.defn(name=effects.CLOSE)
    async def close(self, given: CloseInput) -> CloseResult:
        """Writes the run's end."""
        output = json.loads(await self._ledger.get_args(given.output_ref)) if given.output_ref else None
        await self._ledger.close_run(given, output, execution=activity.info().workflow_run_id)
        await self._closed(given)
        return CloseResult()
