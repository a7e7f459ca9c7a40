"""Nothing ends without its record: a ledger that is down, that forgets, and an operator who looks on."""

from __future__ import annotations

import asyncio
import json
import warnings
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowExecutionStatus

from placet.contracts.records import EndedEntry, RefusedEntry, RequestedEntry
from placet.runs import story
from placet_testing.approval_stage import ARGS, Stage, decision, send, until

CANCEL_REQUESTED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED


async def test_the_request_is_written_first_and_with_all_that_was_asked(stage: Stage) -> None:
    async with stage.worker():
        handle = await stage.ask(reason="r", metadata={"ticket": "T-1"})
        asked = (await stage.pending(handle)).asked
    first = stage.ledger.calls[0]
    assert (first.first, first.entries) == (0, (RequestedEntry(),))
    assert first.asked == asked
    assert (asked.reason, asked.metadata) == ("r", {"ticket": "T-1"})


async def test_what_was_asked_is_not_carried_again(stage: Stage) -> None:
    """History would grow by the arguments with each entry."""
    async with stage.worker():
        handle = await stage.ask(args={"k": "x" * 10_000})
        asked = (await stage.pending(handle)).asked
        await handle.signal("decide", decision(digest="sha256:other"))
        await send(handle, decision(digest=asked.args.digest))
        await stage.outcome(handle)
    assert [call.asked is not None for call in stage.ledger.calls] == [True] + [False] * (len(stage.ledger.calls) - 1)
    assert all(len(call.model_dump_json()) < 2_000 for call in stage.ledger.calls[1:])


async def test_the_content_of_a_decision_is_carried_once(stage: Stage) -> None:
    text = "x" * 50_000
    async with stage.worker():
        handle = await stage.ask()
        await stage.pending(handle)
        await handle.signal("decide", decision("edit", "stale", digest="sha256:other", args={"k": text}))
        await send(handle, decision("edit", "good", args={"k": text}, message=text))
        await stage.outcome(handle)
    refused, ended = stage.ledger.entry(handle, 1), stage.ledger.entry(handle, 2)
    assert isinstance(refused, RefusedEntry)
    assert isinstance(ended, EndedEntry)
    assert len(refused.model_dump_json()) < 1_000
    assert (refused.code, refused.decision.type, refused.decision.by.id) == ("stale_digest", "edit", "user:dana")
    assert ended.decision is not None
    assert ended.decision.message == text
    assert ended.winner is not None
    assert (ended.winner.id, ended.winner.args_text, ended.winner.message) == ("good", None, None)
    assert ended.winner.fingerprint


async def test_a_decision_stands_though_the_workflow_is_cancelled_before_it_is_recorded(stage: Stage) -> None:
    async with stage.worker():
        handle = await stage.ask()
        await stage.pending(handle)
        stage.ledger.open.clear()
        assert await send(handle, decision("approve", "d1")) == "approved"
        await until(lambda: stage.ledger.held == 1, "the record has begun")
        await handle.cancel()
        await stage.task_completed_after(handle, CANCEL_REQUESTED)
        assert stage.ledger.story(handle) == ["requested"]
        stage.ledger.open.set()
        assert (await stage.outcome(handle)).status == "approved"
        description = await handle.describe()
    assert description.status == WorkflowExecutionStatus.COMPLETED
    assert stage.ledger.story(handle) == ["requested", "ended approved d1"]


@pytest.mark.parametrize("first", ["the record", "the cancel"])
async def test_a_cancel_that_meets_the_last_records_completion_changes_nothing(real_stage: Stage, first: str) -> None:
    """Both are in one task: the cancel must not close as cancelled what has just been written."""
    async with real_stage.worker(workflows=False):
        async with real_stage.worker(activities=False):
            handle = await real_stage.ask()
            await real_stage.pending(handle)
            real_stage.ledger.open.clear()
            assert await send(handle, decision("approve", "d1")) == "approved"
            await until(lambda: real_stage.ledger.held == 1, "the record has begun")
        if first == "the cancel":
            await handle.cancel()
        real_stage.ledger.open.set()
        await real_stage.recorded(handle, EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED, 2)
        if first == "the record":
            await handle.cancel()
        async with real_stage.worker(activities=False):
            assert (await real_stage.outcome(handle)).status == "approved"
            described = await handle.describe()
    assert described.status == WorkflowExecutionStatus.COMPLETED
    assert real_stage.ledger.story(handle) == ["requested", "ended approved d1"]


async def test_a_cancel_before_the_request_is_recorded_still_writes_both(stage: Stage) -> None:
    stage.ledger.open.clear()
    async with stage.worker():
        handle = await stage.ask()
        await until(lambda: stage.ledger.held == 1, "the record has begun")
        await handle.cancel()
        await stage.task_completed_after(handle, CANCEL_REQUESTED)
        stage.ledger.open.set()
        assert (await stage.outcome(handle)).status == "cancelled"
    assert stage.ledger.story(handle) == ["requested", "ended cancelled"]


async def test_a_ledger_that_fails_twenty_times_delays_the_end_and_loses_nothing(skipping_stage: Stage) -> None:
    skipping_stage.ledger.failures = 20
    async with skipping_stage.worker():
        handle = await skipping_stage.ask()
        assert await send(handle, decision("approve", "d1")) == "approved"
        while skipping_stage.ledger.failures:
            await skipping_stage.skip(timedelta(seconds=30))
        assert (await skipping_stage.outcome(handle)).status == "approved"
    assert skipping_stage.ledger.story(handle) == ["requested", "ended approved d1"]


async def test_a_ledger_that_comes_back_finds_the_order_kept(real_stage: Stage) -> None:
    real_stage.ledger.failures = 3
    async with real_stage.worker():
        handle = await real_stage.ask()
        await handle.signal("decide", decision(digest="sha256:other", id="stale"))
        await handle.signal("decide", decision("reject", "d1"))
        assert (await real_stage.outcome(handle)).status == "rejected"
    assert real_stage.ledger.story(handle) == ["requested", "refused stale_digest stale", "ended rejected d1"]


async def test_while_the_ledger_is_down_a_decision_is_taken_and_the_second_is_told(real_stage: Stage) -> None:
    real_stage.ledger.open.clear()
    async with real_stage.worker():
        handle = await real_stage.ask()
        assert await send(handle, decision("approve", "d1")) == "approved"
        assert await send(handle, decision("reject", "d2")) == "already_decided"
        assert real_stage.ledger.calls == []
        real_stage.ledger.open.set()
        await real_stage.outcome(handle)


async def test_a_ledger_that_has_lost_the_row_gets_it_again(stage: Stage) -> None:
    """It was restored from a copy of yesterday: the request is written anew before the end."""
    async with stage.worker():
        handle = await stage.ask()
        asked = (await stage.pending(handle)).asked
        stage.ledger.forget()
        assert await send(handle, decision("approve", "d1")) == "approved"
        await stage.outcome(handle)
    assert stage.ledger.story(handle) == ["requested", "ended approved d1"]
    assert stage.ledger.asked == {asked.id: asked}


async def test_a_signal_that_comes_while_the_end_is_recorded_is_refused_in_the_record(stage: Stage) -> None:
    async with stage.worker():
        handle = await stage.ask()
        await stage.pending(handle)
        stage.ledger.open.clear()
        await send(handle, decision("approve", "d1"))
        await until(lambda: stage.ledger.held == 1, "the record has begun")
        await handle.signal("decide", decision("reject", "d2"))
        await stage.task_completed_after(handle, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED)
        stage.ledger.open.set()
        await stage.outcome(handle)
    assert stage.ledger.story(handle) == ["requested", "ended approved d1", "refused already_decided d2"]


async def test_a_worker_that_is_replaced_goes_on(real_stage: Stage) -> None:
    """Before the request, while pending, and while the end is being recorded."""
    real_stage.ledger.open.clear()
    async with real_stage.worker():
        handle = await real_stage.ask()
        await until(lambda: real_stage.ledger.held == 1, "the record has begun")
        real_stage.ledger.open.set()
    async with real_stage.worker():
        await real_stage.pending(handle)
    async with real_stage.worker():
        await handle.signal("decide", decision("approve", "stale", digest="sha256:other"))
        await until(lambda: len(real_stage.ledger.story(handle)) == 2, "the refusal")
    async with real_stage.worker():
        real_stage.ledger.failures = 1
        assert await send(handle, decision("approve", "d1")) == "approved"
    async with real_stage.worker():
        assert (await real_stage.outcome(handle)).status == "approved"
    assert real_stage.ledger.story(handle) == ["requested", "refused stale_digest stale", "ended approved d1"]


async def test_a_worker_that_remembers_nothing_gets_everything_right(real_stage: Stage) -> None:
    async with real_stage.worker(max_cached_workflows=0):
        handle = await real_stage.ask()
        await real_stage.pending(handle)
        assert await send(handle, decision(digest="sha256:other")) == "stale_digest"
        await handle.signal("decide", decision("reject", "stale", digest="sha256:other"))
        assert await send(handle, decision("approve", "d1")) == "approved"
        assert (await real_stage.outcome(handle)).status == "approved"
    assert real_stage.ledger.story(handle)[-1] == "ended approved d1"


@pytest.mark.parametrize("way", ["signal", "update", "cancel"])
async def test_no_handler_is_left_unfinished(real_stage: Stage, way: str) -> None:
    """An Update that waits in the queue gets its answer before the workflow closes."""
    real_stage.reader.may_read.clear()
    async with real_stage.worker():
        handle = await real_stage.ask()
        await real_stage.pending(handle)
        await handle.signal("decide", decision("approve", "stale", digest="sha256:other"))
        await real_stage.reader.came.wait()
        waits = [asyncio.create_task(send(handle, decision("reject", f"u{nth}"))) for nth in range(3)]
        await real_stage.recorded(handle, EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED, 3)
        if way == "signal":
            await handle.signal("decide", decision("approve", "s"))
        if way == "cancel":
            await handle.cancel()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            real_stage.reader.may_read.set()
            assert sorted(await asyncio.gather(*waits)) == ["already_decided", "already_decided", "rejected"]
            assert (await real_stage.outcome(handle)).status == "rejected"


async def test_an_operator_reads_it_in_the_ui_and_sees_no_arguments(real_stage: Stage) -> None:
    """Absolute times, who is waited for, what happens then; in details, summaries and search attributes."""
    secret = {"iban": "DE00-SECRET-ACCOUNT-NUMBER"}
    async with real_stage.worker():
        handle = await real_stage.ask(
            args=secret,
            title="Pay DE00-SECRET-ACCOUNT-NUMBER",
            risk="high",
            agent="billing",
            requester="user:lee",
            expires_after="3d",
        )
        asked = (await real_stage.pending(handle)).asked
        described = await handle.describe()
        attributes = described.typed_search_attributes
        assert [
            attributes.get(key) for key in (story.STATUS, story.TOOL, story.RISK, story.AGENT, story.REQUESTER)
        ] == [
            *("pending", "refund", "high", "billing", "user:lee"),
        ]
        assert attributes.get(story.EXPIRES_AT) == asked.expires_at
        details = await current_details(real_stage, handle.id)
        assert "Waits for a person" in details
        assert "role:approver" in details
        assert story.utc(asked.expires_at) in details
        await send(handle, decision("approve", "d1", digest=asked.args.digest, by="user:dana"))
        await real_stage.outcome(handle)
        ended = await current_details(real_stage, handle.id)
        assert "approved" in ended
        assert "user:dana" in ended
        history = (await handle.fetch_history()).to_json_dict()
        attributes = (await handle.describe()).typed_search_attributes
    assert attributes.get(story.STATUS) == "approved"
    summaries = [event["userMetadata"] for event in history["events"] if "userMetadata" in event]
    upserts = [event for event in history["events"] if "UPSERT" in event["eventType"]]
    assert len(summaries) >= 3
    shown = json.dumps([summaries, upserts, str(attributes), details, ended])
    assert "SECRET" not in shown
    assert not any(text in shown for text in encoded("SECRET-ACCOUNT-NUMBER"))
    assert secret != ARGS


async def current_details(stage: Stage, workflow_id: str) -> str:
    handle = stage.client.get_workflow_handle(workflow_id)
    metadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return metadata.current_details


def encoded(text: str) -> list[str]:
    """Returns what a text looks like inside base64, at each of the three places where it can start."""
    from base64 import b64encode  # noqa: PLC0415

    return [b64encode(b"x" * shift + text.encode()).decode()[4:-4] for shift in range(3)]
