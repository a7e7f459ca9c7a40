"""The workflow `Approval`, decided, withdrawn and expired while a worker is up, on both servers."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from placet.contracts.canonical import digest
from placet.contracts.decisions import DecideResult, Person
from placet.contracts.questions import Answer
from placet.contracts.records import EndedEntry
from placet_testing.approval_stage import CALL, DIGEST, QUESTION, Stage, decision, refusal, send, task_failures, update

EDITED = '{"amount":5}'


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (decision("approve", "d1"), "approved"),
        (decision("edit", "d1", args={"amount": 5.0}, message="less"), "approved"),
        (decision("reject", "d1", message="no"), "rejected"),
        (decision("respond", "d1", message="It was refunded yesterday."), "responded"),
    ],
    ids=["approve", "edit", "reject", "respond"],
)
async def test_a_decision_ends_a_call(stage: Stage, given: dict[str, Any], status: str) -> None:
    async with stage.worker():
        handle = await stage.ask()
        answer = await update(handle, given)
        outcome = await stage.outcome(handle)
    assert isinstance(answer, DecideResult)
    assert (answer.status, answer.digest, answer.ended_at) == (status, DIGEST, outcome.ended_at)
    assert (outcome.status, outcome.digest, outcome.reason) == (status, DIGEST, None)
    assert outcome.decision is not None
    assert answer.decision == outcome.decision
    assert (outcome.decision.id, outcome.decision.type) == ("d1", given["type"])
    assert outcome.decision.message == given.get("message")
    assert outcome.decision.by == Person(id="user:dana", via="temporal")
    edited = given["type"] == "edit"
    assert outcome.decision.args_text == (EDITED if edited else None)
    assert outcome.decision.digest == (digest("refund", EDITED) if edited else DIGEST)
    assert stage.ledger.story(handle) == ["requested", f"ended {status} d1"]


@pytest.mark.parametrize(
    ("given", "status"),
    [({"type": "answer", "answers": {"q1": {"options": ["2", "1"]}}}, "answered"), ({"type": "skip"}, "skipped")],
    ids=["answer", "skip"],
)
async def test_a_decision_ends_a_question(stage: Stage, given: dict[str, Any], status: str) -> None:
    async with stage.worker():
        handle = await stage.ask(QUESTION, allow_skip=True)
        asked = (await stage.pending(handle)).asked
        assert await send(handle, {**given, "digest": asked.args.digest, "decision_id": "d1"}) == status
        outcome = await stage.outcome(handle)
    assert outcome.decision is not None
    assert outcome.digest == outcome.decision.digest == asked.args.digest
    assert outcome.decision.answers == ({"q1": Answer(options=("1", "2"))} if status == "answered" else None)
    assert stage.ledger.story(handle) == ["requested", f"ended {status} d1"]


async def test_who_decided_is_what_the_ledgers_side_has_verified(stage: Stage) -> None:
    """What the payload claims goes into the record activity; what that says goes into the outcome."""
    verified = Person(id="user:dana", name="Dana Ito", via="web")
    stage.ledger.decider = verified
    async with stage.worker():
        handle = await stage.ask()
        await send(handle, decision("approve", "d1", by="user:mallory"))
        outcome = await stage.outcome(handle)
    assert outcome.decision is not None
    assert outcome.decision.by == verified
    entry = stage.ledger.entry(handle, 1)
    assert isinstance(entry, EndedEntry)
    assert entry.winner is not None
    assert entry.winner.by == Person(id="user:mallory", via="temporal")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown type": (decision("bogus"), "invalid_decision"),
    "an edit without arguments": (decision("edit"), "invalid_decision"),
    "a blank response": (decision("respond", message=" "), "invalid_decision"),
    "arguments with an approve": (decision("approve", args={}), "invalid_decision"),
    "no digest": ({"type": "approve"}, "invalid_decision"),
    "no type": ({"digest": DIGEST}, "invalid_decision"),
    "a type that is not allowed": (decision("reject"), "decision_not_allowed"),
    "a question's type": (decision("skip"), "decision_not_allowed"),
    "another digest": (decision(digest="sha256:other"), "stale_digest"),
    "more than can be recorded": (decision("edit", args={"k": '"' * 800_000}), "too_large"),
}


async def test_a_refused_update_leaves_no_trace_and_the_approval_decidable(stage: Stage) -> None:
    async with stage.worker():
        handle = await stage.ask(decisions=["approve", "edit", "respond"])
        await stage.pending(handle)
        before = await stage.events(handle, tasks=False)
        for name, (given, code) in REFUSED.items():
            assert (await refusal(handle, given))["code"] == code, name
        assert (await stage.pending(handle)).status == "pending"
        assert await stage.events(handle, tasks=False) == before, "nothing of it is in history"
        assert await send(handle, decision()) == "approved"
        await stage.outcome(handle)
    assert stage.ledger.story(handle)[0] == "requested"
    assert len(stage.ledger.story(handle)) == 2


@pytest.mark.parametrize("payload", [None, [], [1], "approve", 5, True, {}, {"type": {}, "digest": []}])
@pytest.mark.parametrize("name", ["decide", "cancel"])
async def test_a_payload_that_is_none_is_refused(real_stage: Stage, name: str, payload: object) -> None:
    if name == "cancel" and payload == {}:
        payload = {"status": "approved"}  # an empty withdrawal is one
    if name == "cancel" and isinstance(payload, dict) and "type" in payload:
        payload = {"reason": []}
    async with real_stage.worker():
        handle = await real_stage.ask()
        assert await send(handle, payload, name) == "invalid_decision"
        assert await send(handle, decision()) == "approved"
        await real_stage.outcome(handle)


@pytest.mark.parametrize("payloads", [(), (decision(), 1), (decision(), decision())])
@pytest.mark.parametrize("name", ["decide", "cancel"])
async def test_an_update_of_none_or_two_payloads_is_refused(
    stage: Stage, name: str, payloads: tuple[object, ...]
) -> None:
    async with stage.worker():
        handle = await stage.ask()
        refused = await update(handle, *payloads, name=name)
        assert isinstance(refused, ApplicationError)
        assert (refused.type, refused.message) == ("invalid_decision", f"{name} takes one argument.")
        assert refused.details[0]["code"] == "invalid_decision"
        assert await send(handle, decision()) == "approved"
        await stage.outcome(handle)
        assert task_failures(await handle.fetch_history()) == []


async def test_the_second_is_told_who_was_first(stage: Stage) -> None:
    """While the end is being recorded the workflow still answers."""
    async with stage.worker():
        handle = await stage.ask()
        await stage.pending(handle)
        stage.ledger.open.clear()
        assert await send(handle, decision("reject", "d1", message="no")) == "rejected"
        told = await refusal(handle, decision("approve", "d2", by="user:lee"))
        assert told["code"] == "already_decided"
        assert told["message"] == "user:dana has decided: rejected."
        assert told["details"]["decision"]["id"] == "d1"
        assert told["details"]["decision"]["by"]["id"] == "user:dana"
        assert (await refusal(handle, {}, "cancel"))["code"] == "already_decided"
        stage.ledger.open.set()
        assert (await stage.outcome(handle)).status == "rejected"
    assert stage.ledger.story(handle) == ["requested", "ended rejected d1"], "an Update's refusal is told, not recorded"


async def test_an_update_repeated_gets_the_same_answer_also_from_a_closed_workflow(stage: Stage) -> None:
    async with stage.worker():
        handle = await stage.ask()
        await stage.pending(handle)
        stage.ledger.open.clear()
        first = await update(handle, decision("approve", "d1"), id="d1")
        under_another_id = await update(handle, decision("approve", "d1"), id="d1-again")
        assert first == under_another_id
        assert await send(handle, decision("reject", "d1"), id="d1-reused") == "idempotency_key_reused"
        stage.ledger.open.set()
        await stage.outcome(handle)
        assert await update(handle, decision("approve", "d1"), id="d1") == first
        assert await update(handle, decision("reject", "d1"), id="d1") == first, "Temporal knows an Update by its id"
    assert isinstance(first, DecideResult)
    assert first.fingerprint, "by which the gateway tells another body under the same id"


async def test_signals_count_like_updates(stage: Stage) -> None:
    async with stage.worker():
        handle = await stage.ask()
        await stage.pending(handle)
        await handle.signal("decide", decision("reject", "stale", digest="sha256:other"))
        await handle.signal("decide", decision("reject", "d1"))
        assert (await stage.outcome(handle)).status == "rejected"
    assert stage.ledger.story(handle) == ["requested", "refused stale_digest stale", "ended rejected d1"]


async def test_the_cancel_of_the_workflow_cancels_the_approval(stage: Stage) -> None:
    async with stage.worker():
        handle = await stage.ask()
        await stage.pending(handle)
        await handle.cancel()
        outcome = await stage.outcome(handle)
    assert (outcome.status, outcome.decision, outcome.digest) == ("cancelled", None, DIGEST)
    assert stage.ledger.story(handle) == ["requested", "ended cancelled"]


@pytest.mark.parametrize("way", ["update", "signal"])
@pytest.mark.parametrize("status", ["cancelled", "superseded"])
async def test_a_withdrawal_ends_it_and_says_who_and_why(stage: Stage, way: str, status: str) -> None:
    withdrawal = {"id": "w1", "status": status, "by": "user:lee", "reason": "not needed"}
    async with stage.worker():
        handle = await stage.ask()
        if way == "update":
            assert await send(handle, withdrawal, "cancel") == status
        else:
            await handle.signal("cancel", withdrawal)
        outcome = await stage.outcome(handle)
    assert (outcome.status, outcome.reason) == (status, "not needed")
    entry = stage.ledger.entry(handle, 1)
    assert isinstance(entry, EndedEntry)
    assert entry.by is not None
    assert (entry.status, entry.by.id, entry.reason) == (status, "user:lee", "not needed")


async def test_nobody_decides_and_the_clock_does(stage: Stage) -> None:
    async with stage.worker():
        handle = await stage.ask(expires_after="1s")
        outcome = await stage.outcome(handle)
        asked = stage.ledger.asked[handle.id.removeprefix("approval-")]
    assert (outcome.status, outcome.decision, outcome.ended_at) == ("expired", None, asked.expires_at)
    assert stage.ledger.story(handle) == ["requested", "ended expired"]


async def test_the_state_tells_what_is_asked_and_how_it_stands(stage: Stage) -> None:
    async with stage.worker():
        handle = await stage.ask(expires_after="never", context={"customer": None})
        state = await stage.pending(handle)
        assert (state.status, state.decision, state.ended_at) == ("pending", None, None)
        assert state.asked.id == handle.id.removeprefix("approval-")
        assert state.asked == stage.ledger.asked[state.asked.id]
        assert (state.asked.args.digest, state.asked.expires_at, state.asked.context) == (
            DIGEST,
            None,
            {"customer": None},
        )
        await send(handle, decision("reject", "d1"))
        await stage.outcome(handle)
        state = await stage.pending(handle)
    assert state.status == "rejected"
    assert state.decision is not None
    assert state.decision.id == "d1"


async def test_numbers_beyond_doubles_are_bound_digit_by_digit(stage: Stage) -> None:
    async with stage.worker():
        handle = await stage.ask(args={"order": 1}, args_text='{"order": 9007199254740993}')
        asked = (await stage.pending(handle)).asked
        assert asked.args.text == '{"order":9007199254740993}'
        edit = decision("edit", "d1", digest=asked.args.digest, args_text='{"order": 9007199254740995}')
        assert await send(handle, edit) == "approved"
        outcome = await stage.outcome(handle)
    assert outcome.decision is not None
    assert outcome.decision.args_text == '{"order":9007199254740995}'


WRONG: dict[str, tuple[object, ...]] = {
    "no input": (),
    "two inputs": (CALL, CALL),
    "three inputs": (CALL, 1, None),
    "null": (None,),
    "a list": ([CALL],),
    "a text": ("refund",),
    "an empty object": ({},),
    "another kind": ({**CALL, "kind": "call"},),
    "no tool": ({"kind": "tool_call", "title": "t"},),
    "arguments that are a list": ({**CALL, "args": [1]},),
    "arguments whose text is broken": ({**CALL, "args_text": '{"a":1,"a":2}'},),
    "arguments of 101 levels": ({**CALL, "args_text": '{"a":' * 101 + "1" + "}" * 101},),
    "a malformed question": ({**QUESTION, "questions": [{"question": "q"}]},),
    "nobody who may decide": ({**CALL, "approvers": []},),
    "an approver who is none": ({**CALL, "approvers": ["dana"]},),
    "a hundred thousand wrong approvers": ({**CALL, "approvers": [1] * 100_000},),
    "a deadline beyond all calendars": ({**CALL, "expires_after": "999999999w"},),
    "a digest of something else": ({**CALL, "digest": "sha256:other"},),
    "more than can be recorded": ({**CALL, "args": {"k": '"' * 800_000}},),
}


@pytest.mark.parametrize("inputs", WRONG.values(), ids=WRONG.keys())
async def test_wrong_input_fails_the_workflow_and_never_its_task(stage: Stage, inputs: tuple[object, ...]) -> None:
    async with stage.worker():
        handle = await stage.start(*inputs)
        error = await stage.failure(handle)
        assert error.type == "invalid_request"
        assert len(error.message) < 3_000
    assert stage.ledger.calls == []


@pytest.mark.parametrize(
    "id", ["approval-1", "approval-" + "A" * 32, "0123456789abcdef0123456789abcdef", "approval-" + "0" * 33, "x\n"]
)
async def test_another_workflow_id_is_wrong_input(real_stage: Stage, id: str) -> None:  # noqa: A002
    """Two workflows could be one approval: `approval-1…` and a bare `1…`, say."""
    async with real_stage.worker():
        handle = await real_stage.start(CALL, id=id)
        assert (await real_stage.failure(handle)).type == "invalid_request"


@pytest.mark.parametrize(
    "changed",
    [
        {"tool": "😀" * 200},
        {"agent": "x" * 3_000, "thread_id": "é" * 2_000, "requester": "user:" + "\u0000" * 1_000},
        {"title": "x" * 500, "reason": "\n" * 2_000, "metadata": {"k": "x" * 100_000}},
        {"approvers": [f"user:{n}" for n in range(10_000)]},
        {"args": {"k": "x" * 1_000_000}},
    ],
    ids=["tool", "names", "texts", "approvers", "arguments"],
)
async def test_long_names_and_texts_are_taken(real_stage: Stage, changed: dict[str, Any]) -> None:
    """Temporal ends a workflow whose search attribute or summary is too long."""
    async with real_stage.worker():
        handle = await real_stage.ask(**changed)
        asked = (await real_stage.pending(handle)).asked
        assert await send(handle, decision(digest=asked.args.digest)) == "approved"
        await real_stage.outcome(handle)
