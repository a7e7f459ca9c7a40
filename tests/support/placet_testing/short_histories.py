"""A worker whose runs begin a new history after every turn: `python -m placet_testing.short_histories worker`."""

from __future__ import annotations

import importlib

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from placet.contracts.runs import RunInput, RunResult
    from placet.runs.agent_run import WORKFLOW_TYPE, AgentRun


@workflow.defn(name=WORKFLOW_TYPE)
class ShortHistories(AgentRun):
    """A run of which each turn has a history of its own."""

    @workflow.init
    def __init__(self, given: RunInput) -> None:
        """Keeps what the run was started with, but for the length of its histories."""
        super().__init__(given.model_copy(update={"turns_a_history": 1}))

    @workflow.run
    async def run(self, given: RunInput) -> RunResult:
        """Runs turns to the end."""
        return await super().run(given)


if __name__ == "__main__":
    import placet.worker
    from placet.cli.app import app
    from placet.runs.approval import ApprovalWorkflow
    from placet.runs.reconcile import Reconcile

    # The sandbox imports a workflow by its module's name, which is not `__main__`.
    named = importlib.import_module("placet_testing.short_histories")
    placet.worker.WORKFLOWS = (named.ShortHistories, ApprovalWorkflow, Reconcile)
    app()
