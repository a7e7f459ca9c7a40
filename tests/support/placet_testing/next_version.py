"""The worker of a next version of Placet, whose runs take one step more.

`python -m placet_testing.next_version worker` starts it.
"""

from __future__ import annotations

import asyncio
import importlib
from typing import Final

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from placet.contracts.runs import ModelResult, RunInput, RunResult
    from placet.runs.agent_run import WORKFLOW_TYPE, AgentRun

STEP: Final = "a step more"


@workflow.defn(name=WORKFLOW_TYPE)
class NextAgentRun(AgentRun):
    """A run that pauses for a moment before it asks its model."""

    @workflow.init
    def __init__(self, given: RunInput) -> None:
        """Keeps what the run was started with."""
        super().__init__(given)

    @workflow.run
    async def run(self, given: RunInput) -> RunResult:
        """Runs turns to the end."""
        return await super().run(given)

    async def _ask_model(self) -> ModelResult | str | None:
        if workflow.patched(STEP):
            await asyncio.sleep(0.01)
        return await super()._ask_model()


if __name__ == "__main__":
    import placet.worker
    from placet.cli.app import app
    from placet.runs.approval import ApprovalWorkflow
    from placet.runs.reconcile import Reconcile

    # The sandbox imports a workflow by its module's name, which is not `__main__`.
    named = importlib.import_module("placet_testing.next_version")
    placet.worker.WORKFLOWS = (named.NextAgentRun, ApprovalWorkflow, Reconcile)
    app()
