"""The rows behind which a graph's own tools run, for one superstep; called from the graph's loop, worked in ours."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from placet.agents import PermittedCall, StartedCall
from placet.contracts.calls import Args
from placet.contracts.graphs import Permit, StepInput
from placet.contracts.runs import CallRef
from placet.effects._beat import Beat, LostAttemptError
from placet.effects._call_facts import call_facts
from placet.effects._messages import new_id, tool_message
from placet.effects._patience import patiently
from placet.effects._texts import looked_text
from placet.ledger import Ledger, MessageDict
from placet.runs.effects import TOOL_HEARTBEAT_LIMIT

_FRESH: Final = TOOL_HEARTBEAT_LIMIT / 2
_Result = TypeVar("_Result")


class GraphRows:
    """The rows of calls that one attempt of a superstep runs.

    Attributes:
        kept: The ids of the results that the ledger has already.
    """

    def __init__(self, ledger: Ledger, given: StepInput, beat: Beat, is_idempotent: Callable[[str], bool]) -> None:
        """Keeps rows in this ledger.

        Args:
            ledger: Where they are.
            given: The superstep.
            beat: Of this attempt.
            is_idempotent: Whether a tool may be run again after a crash left it open whether it ran.
        """
        self._ledger = ledger
        self._given = given
        self._beat = beat
        self._is_idempotent = is_idempotent
        self._owner = uuid.uuid4().hex
        self._loop = asyncio.get_running_loop()
        self.kept: set[str] = set()

    def start(self, call: PermittedCall, again: int) -> Future[StartedCall]:
        """Claims the call's row, or says what became of it."""
        return self._here(self._start(call, again))

    def finish(self, call: PermittedCall, again: int, message: MessageDict, *, failed: bool) -> Future[str | None]:
        """Keeps the result, and returns its id; None where the row is another's by now."""
        return self._here(self._finish(call, again, message, failed=failed))

    def let_go(self, call: PermittedCall, again: int) -> Future[None]:
        """Leaves the row to whoever comes next."""
        ref = self._ref(call)
        return self._here(patiently(lambda: self._ledger.graphs.let_go(ref, again, self._owner)))

    def settle(self, call: PermittedCall, again: int, said: str | None, *, ran: bool) -> Future[MessageDict]:
        """Keeps and returns what the model reads of an uncertain call."""
        del again
        return self._here(self._settle(call, said, ran=ran))

    def _here(self, work: Coroutine[Any, Any, _Result]) -> Future[_Result]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _start(self, call: PermittedCall, again: int) -> StartedCall:
        ref, permit = self._ref(call), call.permit
        args = Args(text=call.args_text, digest=permit.digest)
        claim = await patiently(
            lambda: self._ledger.start_call(
                ref,
                args,
                again,
                owner=self._owner,
                approval_id=permit.approval_id,
                idempotent=self._is_idempotent(call.tool),
            )
        )
        if claim.state == "finished" and claim.message_id is not None:
            (message,) = await self._ledger.messages([claim.message_id])
            self.kept.add(claim.message_id)
            return StartedCall("finished", message_id=claim.message_id, message=message)
        if claim.state == "uncertain":
            await patiently(lambda: self._ledger.mark_uncertain(ref, again))
            return StartedCall("uncertain")
        try:
            await self._beat.until_accepted(_FRESH)
        except LostAttemptError:
            # Another attempt may have begun, and must not find a row that nobody runs behind.
            await patiently(lambda: self._ledger.graphs.let_go(ref, again, self._owner))
            raise
        return StartedCall("runs", metadata=call_facts(ref, again, permit.approval_id, permit.approver))

    async def _finish(self, call: PermittedCall, again: int, message: MessageDict, *, failed: bool) -> str | None:
        message_id = new_id()
        kept = await patiently(
            lambda: self._ledger.finish_call(
                self._ref(call),
                again,
                self._owner,
                status="failed" if failed else "succeeded",
                message_id=message_id,
                message=message,
            )
        )
        if kept:
            self.kept.add(message_id)
        return message_id if kept else None

    async def _settle(self, call: PermittedCall, said: str | None, *, ran: bool) -> MessageDict:
        ref, message_id = self._ref(call), new_id()
        message = tool_message(ref, message_id, looked_text(said, ran=ran), failed=not ran)
        await patiently(lambda: self._ledger.settle_call(ref, message_id, message, ran=ran))
        self.kept.add(message_id)
        return message

    def _ref(self, call: PermittedCall) -> CallRef:
        return ref_of(self._given, call.permit, call.call_id, call.tool)


def ref_of(given: StepInput, permit: Permit, call_id: str, tool: str) -> CallRef:
    """Returns which call of a run it is that a permit lets run."""
    return CallRef(
        run_id=given.run_id,
        agent=given.agent,
        thread_id=given.thread_id,
        turn=permit.turn,
        index=permit.index,
        call_id=call_id,
        tool=tool,
        requester=given.requester,
        release=permit.release,
    )
