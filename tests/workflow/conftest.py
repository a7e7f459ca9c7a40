"""The stages of approvals: on the real server, on the one that skips time, or on each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from placet_testing.approval_stage import Stage


@pytest.fixture
async def real_stage(temporal_client: Client, task_queue: str) -> AsyncIterator[Stage]:
    """Approvals on the real server: for races, and for what is recorded while no worker is up."""
    stage = Stage(temporal_client, task_queue)
    yield stage
    await stage.clear()


@pytest.fixture
async def skipping_stage(time_skipping: WorkflowEnvironment, task_queue: str) -> AsyncIterator[Stage]:
    """Approvals on the server that skips time: for days and weeks."""
    stage = Stage(time_skipping.client, task_queue, time_skipping)
    yield stage
    await stage.clear()


@pytest.fixture(params=["real", "time skipping"])
def stage(request: pytest.FixtureRequest, real_stage: Stage, skipping_stage: Stage) -> Stage:
    """Approvals on each of both."""
    return real_stage if request.param == "real" else skipping_stage
