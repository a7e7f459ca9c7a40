"""Days and weeks, in milliseconds: on the server that skips time."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType

from placet_testing.approval_stage import Stage, decision, send

MOMENT = timedelta(seconds=1)


async def test_after_three_days_it_expires(skipping_stage: Stage) -> None:
    began = time.monotonic()
    async with skipping_stage.worker():
        handle = await skipping_stage.ask(expires_after="3d")
        outcome = await skipping_stage.outcome(handle)
    asked = skipping_stage.ledger.asked[handle.id.removeprefix("approval-")]
    assert outcome.status == "expired"
    assert outcome.ended_at == asked.expires_at == asked.requested_at + timedelta(days=3)
    assert time.monotonic() - began < 10
    assert skipping_stage.ledger.story(handle) == ["requested", "ended expired"]


async def test_without_a_word_of_when_it_expires_after_a_week(skipping_stage: Stage) -> None:
    async with skipping_stage.worker():
        handle = await skipping_stage.ask()
        outcome = await skipping_stage.outcome(handle)
    asked = skipping_stage.ledger.asked[handle.id.removeprefix("approval-")]
    assert outcome.status == "expired"
    assert outcome.ended_at == asked.requested_at + timedelta(days=7)


@pytest.mark.parametrize("way", ["update", "signal"])
async def test_right_before_the_deadline_a_decision_counts(skipping_stage: Stage, way: str) -> None:
    async with skipping_stage.worker():
        handle = await skipping_stage.ask(expires_after="3d")
        asked = (await skipping_stage.pending(handle)).asked
        await skipping_stage.skip(timedelta(days=3) - 10 * MOMENT)
        if way == "update":
            assert await send(handle, decision("approve", "d1")) == "approved"
        else:
            await handle.signal("decide", decision("approve", "d1"))
        outcome = await skipping_stage.outcome(handle)
    assert outcome.status == "approved"
    assert outcome.ended_at is not None
    assert asked.expires_at is not None
    assert asked.expires_at - 10 * MOMENT <= outcome.ended_at < asked.expires_at


async def test_past_the_deadline_an_update_is_refused_and_not_kept(skipping_stage: Stage) -> None:
    """While the end is not in the ledger yet, the approval still answers."""
    async with skipping_stage.worker():
        handle = await skipping_stage.ask(expires_after="3d")
        await skipping_stage.pending(handle)
        skipping_stage.ledger.failures = 10_000
        await skipping_stage.skip(timedelta(days=3) + 10 * MOMENT)
        assert await send(handle, decision("approve", "d1")) == "expired"
        skipping_stage.ledger.failures = 0
        assert (await skipping_stage.outcome(handle)).status == "expired"
        accepted = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
        assert accepted not in await skipping_stage.events(handle)
    assert skipping_stage.ledger.story(handle) == ["requested", "ended expired"]


async def test_after_thirty_days_it_can_be_decided(skipping_stage: Stage) -> None:
    """With what came meanwhile still remembered."""
    async with skipping_stage.worker():
        handle = await skipping_stage.ask(expires_after="2w")
        longer = await skipping_stage.ask(expires_after="31d")
        await skipping_stage.pending(longer)
        assert await send(longer, decision("approve", digest="sha256:other")) == "stale_digest"
        await longer.signal("decide", decision("reject", "stale", digest="sha256:other"))
        await skipping_stage.skip(timedelta(days=30))
        assert await send(longer, decision("reject", "stale", digest="sha256:other")) == "stale_digest"
        assert await send(longer, decision("approve", "stale")) == "idempotency_key_reused"
        assert await send(longer, decision("approve", "d1")) == "approved"
        assert (await skipping_stage.outcome(longer)).status == "approved"
        assert (await skipping_stage.outcome(handle)).status == "expired"


async def test_what_never_expires_waits_for_eight_years(skipping_stage: Stage) -> None:
    async with skipping_stage.worker():
        handle = await skipping_stage.ask(expires_after="never")
        asked = (await skipping_stage.pending(handle)).asked
        await skipping_stage.skip(timedelta(days=3_000))
        assert asked.expires_at is None
        assert await send(handle, decision("approve", "d1")) == "approved"
        outcome = await skipping_stage.outcome(handle)
        assert EventType.EVENT_TYPE_TIMER_STARTED not in await skipping_stage.events(handle)
    assert outcome.ended_at is not None
    assert outcome.ended_at - asked.requested_at >= timedelta(days=3_000)
