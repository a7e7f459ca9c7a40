"""What Temporal's client raises, and what it means to the gateway."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.client import (
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.envconfig import ClientConfigProfile
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from placet.api.errors import ClosedError, NoAnswerError, UnreachableError
from placet.api.temporal import TemporalAdapter, limited
from placet.contracts.errors import Refusal, RefusedError
from placet.engine.ports import free_port
from placet.engine.settings import Settings

REFUSAL = Refusal(code="stale_digest", message="look again", details={"digest": "a", "given": "b"})


def rpc(status: RPCStatusCode, message: str = "x") -> RPCError:
    return RPCError(message, status, b"")


@pytest.mark.parametrize(
    ("raised", "means"),
    [
        (rpc(RPCStatusCode.NOT_FOUND, "workflow execution already completed"), ClosedError),
        (rpc(RPCStatusCode.NOT_FOUND, "workflow not found for ID: approval-1"), ClosedError),
        (rpc(RPCStatusCode.NOT_FOUND, "workflow update was aborted by closing workflow"), ClosedError),
        (rpc(RPCStatusCode.UNAVAILABLE, "update was Aborted by closing workflow"), ClosedError),
        (rpc(RPCStatusCode.NOT_FOUND, "Namespace nowhere is not found."), UnreachableError),
        (rpc(RPCStatusCode.UNAVAILABLE, "connection reset"), UnreachableError),
        (rpc(RPCStatusCode.PERMISSION_DENIED), UnreachableError),
        (rpc(RPCStatusCode.INTERNAL), UnreachableError),
        (rpc(RPCStatusCode.RESOURCE_EXHAUSTED, "limit on number of concurrent in-flight updates"), NoAnswerError),
        (rpc(RPCStatusCode.DEADLINE_EXCEEDED), NoAnswerError),
        (WorkflowUpdateFailedError(ApplicationError("no", REFUSAL.model_dump(), type="stale_digest")), RefusedError),
        (WorkflowUpdateFailedError(ApplicationError("x", type="AcceptedUpdateCompletedWorkflow")), ClosedError),
        (WorkflowUpdateFailedError(ApplicationError("x", type="something else")), NoAnswerError),
        (WorkflowUpdateFailedError(ValueError("x")), NoAnswerError),
        (WorkflowQueryFailedError("x"), NoAnswerError),
    ],
)
async def test_what_is_raised_has_a_meaning(raised: Exception, means: type[Exception]) -> None:
    with pytest.raises(means):
        async with limited(1):
            raise raised


async def test_a_refusal_arrives_whole() -> None:
    with pytest.raises(RefusedError) as caught:
        async with limited(1):
            raise WorkflowUpdateFailedError(ApplicationError("no", REFUSAL.model_dump(), type="stale_digest"))
    assert caught.value.refusal == REFUSAL


@pytest.mark.parametrize("silence", [TimeoutError(), WorkflowUpdateRPCTimeoutOrCancelledError()])
async def test_silence_means_what_the_caller_says(silence: Exception) -> None:
    with pytest.raises(NoAnswerError):
        async with limited(1, silence=NoAnswerError("no worker")):
            raise silence
    with pytest.raises(UnreachableError) as caught:
        async with limited(1):
            raise silence
    assert caught.value.sent


async def test_a_call_that_hangs_is_ended() -> None:
    with pytest.raises(UnreachableError):
        async with limited(0.02):
            await asyncio.sleep(60)


async def test_where_nobody_listens_nothing_has_left() -> None:
    settings = Settings(temporal=ClientConfigProfile(address=f"127.0.0.1:{free_port()}"))
    async with asyncio.timeout(5):
        with pytest.raises(UnreachableError) as caught:
            await TemporalAdapter(settings).pollers()
    assert not caught.value.sent
