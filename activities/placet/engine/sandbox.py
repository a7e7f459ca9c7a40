"""The sandbox of workflows, in which a slow step stays whole.

The SDK takes a step of more than two seconds for a deadlock: it interrupts the thread where it is, and lets another
one take the workflow down meanwhile. Then the workflow's loop is in pieces and can never be taken down; the workflow
stays in the worker's cache, and whatever of it reaches this worker is lost until the worker is started anew. On a
machine that is short of CPU a step lasts that long although nothing is wrong.

Here the steps of one workflow come one after the other. A slow one still fails its task, which Temporal repeats.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

if TYPE_CHECKING:
    from temporalio.bridge.proto.workflow_activation import WorkflowActivation
    from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
    from temporalio.workflow import Info


class PatientRunner(SandboxedWorkflowRunner):
    """A sandbox that interrupts nothing."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Returns a workflow in the sandbox."""
        return _StepByStep(super().create_instance(det))


class _StepByStep(WorkflowInstance):
    """A workflow of which one thread at a time does a step; it tells nobody which, so none is interrupted."""

    def __init__(self, inner: WorkflowInstance) -> None:
        self._inner = inner
        self._turn = Lock()

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Does a step, or takes the workflow down, once the step before has ended."""
        with self._turn:
            return self._inner.activate(act)

    def get_serialization_context(self, command_info: Any) -> Any:  # noqa: ANN401 - the SDK's own
        """Returns what the sandboxed workflow says."""
        return self._inner.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> Any:  # noqa: ANN401 - the SDK's own
        """Returns what the sandboxed workflow says."""
        return self._inner.get_external_store_context(command_info)

    def get_info(self) -> Info:
        """Returns what the sandboxed workflow says."""
        return self._inner.get_info()
