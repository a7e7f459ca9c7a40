"""Approvals met past the gateway: by a plain Temporal client, and as the child of somebody's own workflow."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from placet_testing.deployment import Deployment, Json
from placet_testing.gateway import problem

pytestmark = pytest.mark.timeout(120)

CLAIMED = {"id": "user:dana", "name": "Dana Ito", "via": "api"}
CALL = {"kind": "tool_call", "tool": "refund", "args": {"amount": 7}, "title": "Refund 7"}


@workflow.defn(name="SomebodysOwn", sandboxed=False)
class SomebodysOwn:
    """A workflow of another team: it knows names and JSON, and nothing of ours."""

    @workflow.run
    async def run(self, given: dict[str, Any]) -> dict[str, Any]:
        return await workflow.execute_child_workflow(
            "Approval",
            given["ask"],
            id=f"approval-{given['id']}",
            task_queue=given["queue"],
            result_type=dict[str, Any],
        )


@pytest.fixture
async def plain(deployment: Deployment) -> Client:
    """A client with Temporal's own data converter."""
    return await Client.connect(deployment.temporal, namespace="default")


@pytest.fixture
async def own_queue(plain: Client) -> AsyncIterator[str]:
    """The queue of a worker that runs `SomebodysOwn`."""
    queue = f"theirs-{uuid.uuid4().hex}"
    async with Worker(
        plain,
        task_queue=queue,
        workflows=[SomebodysOwn],
        workflow_runner=UnsandboxedWorkflowRunner(),
        build_id="theirs",
    ):
        yield queue


async def update(client: Client, approval: Json, name: str, *given: Any, id: str | None = None) -> Any:  # noqa: A002
    return await handle_of(client, approval).execute_update(  # pyright: ignore[reportUnknownMemberType]
        name, args=given, id=id, result_type=dict[str, Any]
    )


def handle_of(client: Client, approval: Json | str) -> WorkflowHandle[Any, Any]:
    approval_id = approval if isinstance(approval, str) else approval["id"]
    return client.get_workflow_handle(f"approval-{approval_id}", result_type=dict[str, Any])


async def test_an_update_from_elsewhere_counts_and_is_shown_as_unverified(
    deployment: Deployment, plain: Client
) -> None:
    asked = deployment.ask()
    claimed = {"by": CLAIMED, "proof": {"method": "oidc", "credential": "1f2e3d4c5b6a"}, "seal": "0" * 64}
    payload = {"type": "approve", "digest": asked["digest"], "decision_id": "mine", **claimed}
    result = await update(plain, asked, "decide", payload, id="mine")
    assert result["status"] == "approved"
    # Right after the answer the ledger may not know yet; the gate's own word is no better than the claim.
    late = problem(deployment.decide(asked, user="eve"), 409, "already_decided")
    assert late["approval"]["decision"]["by"] == {"id": "user:dana", "name": "Dana Ito", "via": "temporal"}
    kept = deployment.ended(asked)
    assert (kept["decision"]["by"]["via"], kept["decision"]["proof"]) == ("temporal", None)
    assert kept["decision"]["id"] == "mine"
    outcome = await handle_of(plain, asked).result()
    assert outcome["decision"]["by"]["via"] == "temporal"
    state = await handle_of(plain, asked).query("state", result_type=dict[str, Any])
    assert state["decision"]["by"]["via"] == "temporal"
    (event,) = [event for event in deployment.events() if event["approval_id"] == asked["id"]][1:]
    assert event["actor"] == "operator"
    assert event["data"]["decision"]["by"]["via"] == "temporal"


async def test_a_signal_from_elsewhere_counts_and_is_shown_as_unverified(deployment: Deployment, plain: Client) -> None:
    asked = deployment.ask()
    payload = {"type": "reject", "digest": asked["digest"], "by": {**CLAIMED, "via": "web"}, "message": "by hand"}
    await handle_of(plain, asked).signal("decide", payload)
    kept = deployment.ended(asked)
    assert (kept["status"], kept["decision"]["message"]) == ("rejected", "by hand")
    assert kept["decision"]["by"] == {"id": "user:dana", "name": "Dana Ito", "via": "temporal"}


async def test_a_seal_of_one_decision_is_none_for_another(deployment: Deployment, plain: Client) -> None:
    """What the gateway has sealed stands in history, where whoever may read it may copy it."""
    first = deployment.ask()
    assert deployment.decide(first, "reject", message="no").status_code == 200
    sealed = await _payload_of_update(plain, first)
    assert sealed["seal"]
    second = deployment.ask()
    copies = (
        {**sealed, "digest": second["digest"], "type": "approve", "message": None, "decision_id": "copied"},
        {**sealed, "digest": second["digest"]},
    )
    await handle_of(plain, second).signal("decide", copies[0])
    assert deployment.ended(second)["decision"]["by"]["via"] == "temporal"
    third = deployment.ask()
    await handle_of(plain, third).signal("decide", copies[1])
    assert deployment.ended(third)["decision"]["by"]["via"] == "temporal"


async def test_a_withdrawal_from_elsewhere_is_an_operators_doing(deployment: Deployment, plain: Client) -> None:
    by_signal, by_update, by_cancel = (deployment.ask() for _ in range(3))
    await handle_of(plain, by_signal).signal("cancel", {"by": CLAIMED, "reason": "x", "seal": "0" * 64})
    await update(plain, by_update, "cancel", {"by": CLAIMED, "reason": "x"})
    await handle_of(plain, by_cancel).cancel(reason="x")
    for asked in (by_signal, by_update, by_cancel):
        assert deployment.ended(asked)["status"] == "cancelled"
        (event,) = [event for event in deployment.events() if event["approval_id"] == asked["id"]][1:]
        assert (event["type"], event["actor"]) == ("approval.cancelled", "operator")
    by_gateway = deployment.ask()
    assert deployment.withdraw(by_gateway).status_code == 200
    deployment.ended(by_gateway)
    (event,) = [event for event in deployment.events() if event["approval_id"] == by_gateway["id"]][1:]
    assert (event["type"], event["actor"]) == ("approval.cancelled", "user:bot")


RUBBISH: tuple[list[Any], ...] = (
    [],
    [None],
    [1],
    ["approve"],
    [[]],
    [{}],
    [{"type": "approve"}],
    [{"type": 1, "digest": None}],
    [{"type": "approve", "digest": "sha256:x"}],
    [{"type": "edit", "digest": "x", "args_text": "{"}],
    [{"type": "edit", "digest": "x", "args_text": '{"a": 1, "a": 2}'}],
    [{"type": "edit", "digest": "x", "args": {"a": "\ud800"}}],
    [{"type": "approve", "digest": "x", "by": 7}],
    [{"type": "approve", "digest": "x"}, "surplus"],
)


@pytest.mark.parametrize("place", range(len(RUBBISH)))
async def test_rubbish_from_elsewhere_wedges_nobody(deployment: Deployment, plain: Client, place: int) -> None:
    asked = deployment.ask()
    handle = handle_of(plain, asked)
    try:
        await handle.signal("decide", args=RUBBISH[place])
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await update(plain, asked, "decide", *RUBBISH[place])
    except UnicodeEncodeError:
        pytest.skip("Temporal's own converter refuses it")
    assert isinstance(refused.value.cause, ApplicationError)
    assert deployment.read(asked)["status"] == "pending"
    assert deployment.decide(asked).status_code == 200
    kept = deployment.ended(asked)
    assert (kept["status"], len(kept["refused"])) == ("approved", 1)


async def _asked_by(deployment: Deployment, plain: Client, own_queue: str, ask: Json) -> tuple[Any, Json]:
    """Starts somebody's workflow and returns it, with the approval that is its child."""
    approval_id = uuid.uuid4().hex
    parent = await plain.start_workflow(
        "SomebodysOwn",
        {"id": approval_id, "queue": deployment.task_queue, "ask": ask},
        id=f"theirs-{approval_id}",
        task_queue=own_queue,
        result_type=dict[str, Any],
    )

    def is_there() -> bool:
        return deployment.client("root").get(f"/v1/approvals/{approval_id}").status_code == 200

    await asyncio.to_thread(deployment.wait, is_there)
    return parent, deployment.read(approval_id)


async def test_an_approval_as_the_child_of_somebodys_workflow(
    deployment: Deployment, plain: Client, own_queue: str
) -> None:
    ask = {**CALL, "args_text": '{"amount": 1180591620717411303424}'}
    parent, asked = await _asked_by(deployment, plain, own_queue, ask)
    assert (asked["status"], asked["run_id"], asked["args"]) == ("pending", None, {"amount": 2**70})
    answer = await asyncio.to_thread(deployment.decide, asked, "edit", args={"amount": 2**63})
    assert answer.status_code == 200, answer.text
    outcome = await parent.result()
    assert outcome["status"] == "approved"
    assert outcome["digest"] == asked["digest"]
    assert outcome["decision"]["args_text"] == '{"amount":9223372036854775808}'
    assert outcome["decision"]["digest"] == answer.json()["decision"]["digest"]
    assert outcome["decision"]["by"]["via"] == "api"


async def test_cancelling_the_parent_cancels_the_approval(
    deployment: Deployment, plain: Client, own_queue: str
) -> None:
    parent, asked = await _asked_by(deployment, plain, own_queue, CALL)
    await parent.cancel()
    # The approval answers the cancel with its outcome, and the parent takes it as a result.
    assert (await parent.result())["status"] == "cancelled"
    assert deployment.ended(asked)["status"] == "cancelled"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"kind": "tool_call", "title": "x"},
        {"kind": "question", "title": "x", "questions": []},
        {**CALL, "expires_after": "soon"},
        {**CALL, "approvers": ["dana"]},
        {**CALL, "args_text": "[1]"},
        7,
    ],
    ids=str,
)
async def test_an_input_that_is_wrong_fails_the_workflow_at_once(
    deployment: Deployment, plain: Client, given: Any
) -> None:
    with pytest.raises(WorkflowFailureError) as failed:
        await plain.execute_workflow(
            "Approval",
            given,
            id=f"approval-{uuid.uuid4().hex}",
            task_queue=deployment.task_queue,
            execution_timeout=timedelta(seconds=20),
        )
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == "invalid_request"


async def _payload_of_update(client: Client, asked: Json) -> Json:
    """Returns what the gateway sent, as it stands in history."""
    async for event in handle_of(client, asked).fetch_history_events():
        if event.HasField("workflow_execution_update_accepted_event_attributes"):
            request = event.workflow_execution_update_accepted_event_attributes.accepted_request
            (payload,) = await client.data_converter.decode(request.input.args.payloads)
            return payload
    raise AssertionError
