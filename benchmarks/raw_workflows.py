"""Baselines: the least that somebody would write by hand for Temporal, without a ledger, rights or a record."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

LIMIT = timedelta(minutes=10)


@dataclass
class Decision:
    """What somebody says."""

    type: str
    digest: str


@dataclass
class Loop:
    """How many steps, and how many bytes a step brings."""

    steps: int
    size: int
    name: str


class _Decided:
    """What both workflows share: a call that waits for a decision, for three days at most."""

    def __init__(self) -> None:
        self._decision: Decision | None = None

    async def decided(self) -> Decision:
        """Waits for the decision."""
        await workflow.wait_condition(lambda: self._decision is not None, timeout=timedelta(days=3))
        assert self._decision is not None  # noqa: S101 - for the types
        return self._decision

    def take(self, decision: Decision) -> dict[str, Any]:
        """Takes the decision and says how it ended."""
        self._decision = decision
        return {"status": "approved", "digest": decision.digest, "ended_at": workflow.now().isoformat()}

    def check(self, decision: Decision) -> None:
        """Refuses what cannot count."""
        if self._decision is not None:
            message = "already decided"
            raise ApplicationError(message, type="already_decided", non_retryable=True)
        if decision.type not in {"approve", "reject"}:
            message = "no such decision"
            raise ApplicationError(message, type="invalid_decision", non_retryable=True)


@workflow.defn
class RawApproval:
    """Waits for one decision and ends."""

    def __init__(self) -> None:
        """Starts undecided."""
        self._state = _Decided()

    @workflow.run
    async def run(self, call: dict[str, Any]) -> dict[str, Any]:
        """Returns the call with its decision."""
        decision = await self._state.decided()
        return {"call": call, "decision": decision}

    @workflow.update
    async def decide(self, decision: Decision) -> dict[str, Any]:
        """Decides."""
        return self._state.take(decision)

    @decide.validator
    def _check(self, decision: Decision) -> None:
        self._state.check(decision)


@workflow.defn
class RawRelease:
    """Waits for one decision and then runs the tool."""

    def __init__(self) -> None:
        """Starts undecided."""
        self._state = _Decided()

    @workflow.run
    async def run(self, call: dict[str, Any]) -> str:
        """Returns the tool's result."""
        await self._state.decided()
        return await workflow.execute_activity("raw_tool", call["name"], start_to_close_timeout=LIMIT, result_type=str)

    @workflow.update
    async def decide(self, decision: Decision) -> dict[str, Any]:
        """Decides."""
        return self._state.take(decision)

    @decide.validator
    def _check(self, decision: Decision) -> None:
        self._state.check(decision)


@workflow.defn
class RawAgent:
    """Asks a model and runs a tool, again and again; what they say is kept nowhere."""

    @workflow.run
    async def run(self, given: Loop) -> int:
        """Returns the number of steps."""
        for step in range(given.steps):
            await workflow.execute_activity("raw_model", step, start_to_close_timeout=LIMIT, result_type=int)
            await workflow.execute_activity("raw_step", given, start_to_close_timeout=LIMIT, result_type=str)
        # A run that has ended leaves nothing that polls.
        await asyncio.sleep(0)
        return given.steps
