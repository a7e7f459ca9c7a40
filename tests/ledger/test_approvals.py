"""An approval in the ledger: asked, decided, refused, ended, each told once."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from placet.contracts.approvals import Asked, decision_record
from placet.contracts.calls import Source
from placet.contracts.decisions import Person
from placet.contracts.questions import Answer, Option, Question
from placet.contracts.records import EndedEntry, RequestedEntry
from placet.ledger import ApprovalQuery, Ledger, UnknownTextError
from placet_testing.ledger_samples import (
    NOON,
    a_decision,
    a_message,
    a_run,
    after,
    an_approval,
    ended_by,
    expired,
    new_id,
    refused,
)

ASKED = (RequestedEntry(),)


async def types(ledger: Ledger) -> list[str]:
    return [event.type for event in await ledger.events_after(None)]


async def test_what_waits_is_read_in_one_statement(ledger: Ledger) -> None:
    """Whoever decides waits for it."""
    asked = an_approval()
    await ledger.record(asked, 0, ASKED)
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert await ledger.approval(asked.id, NOON) is not None
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len(said) == 1, said


async def test_what_is_asked_can_be_read_with_every_field(ledger: Ledger) -> None:
    asked = an_approval(
        args={"order_id": 2**70, "amount": 12.5, "note": "naïve ☕"},
        args_schema={"type": "object", "maximum": 2**64},
        context={"ticket": 9_007_199_254_740_993},
        reason="Above 100 finance decides",
        rule="large refunds",
        risk="high",
        says="The customer is angry.",
        approvers=("group:finance", "user:dana"),
        self_approval=True,
        requester="user:max",
        metadata={"deep": [[[{"a": None}]]]},
        agent="billing",
        call_id="call_0",
        source=Source(workflow_id="w", workflow_type="Checkout"),
        run_id="run-1",
        thread_id="t",
        turn=3,
        index=1,
    )
    await ledger.record(asked, 0, ASKED)
    approval = await ledger.approval(asked.id, NOON)
    assert approval is not None
    for name in set(type(asked).model_fields) & set(type(approval).model_fields) - {"args"}:
        assert getattr(approval, name) == getattr(asked, name), name
    assert approval.args == {"order_id": 2**70, "amount": 12.5, "note": "naïve ☕"}
    assert approval.digest == asked.args.digest
    assert (approval.status, approval.decision, approval.refused, approval.recorded) == ("pending", None, (), False)
    assert approval.temporal.workflow_id == asked.workflow_id
    assert await ledger.asked(asked.id) == asked
    assert await ledger.args_text(asked.id) == asked.args.text


async def test_what_nobody_asked_is_none(ledger: Ledger) -> None:
    assert await ledger.approval(new_id(), NOON) is None
    assert await ledger.asked(new_id()) is None
    assert await ledger.args_text(new_id()) is None
    assert await ledger.stored_decision(new_id(), "d") is None
    assert await ledger.decision_on_its_way(new_id()) is False


async def test_text_that_databases_refuse_is_kept(ledger: Ledger) -> None:
    """PostgreSQL takes no NUL in text, and neither takes half a surrogate pair."""
    asked = an_approval(title="zero \x00 here", reason="half \ud800 pair", args={"text": "a\x00b"}, agent="a\x00")
    await ledger.record(asked, 0, ASKED)
    approval = await ledger.approval(asked.id, NOON)
    assert approval is not None
    assert (approval.title, approval.reason, approval.agent) == (asked.title, asked.reason, asked.agent)
    assert approval.args == {"text": "a\x00b"}


async def test_json_as_deep_as_the_contract_lets_in_is_kept(ledger: Ledger) -> None:
    deep: object = None
    for _ in range(99):
        deep = [deep]
    asked = an_approval(metadata={"deep": deep}, args={"deep": deep})
    await ledger.record(asked, 0, ASKED)
    approval = await ledger.approval(asked.id, NOON)
    assert approval is not None
    assert approval.metadata == {"deep": deep}


@pytest.mark.parametrize("decision_type", ["approve", "reject", "respond"])
async def test_a_decision_ends_the_approval(ledger: Ledger, decision_type: str) -> None:
    asked = an_approval()
    decision = a_decision(asked, decision_type, message="as agreed")
    await ledger.record(asked, 0, (RequestedEntry(), ended_by(decision, asked)))
    approval = await ledger.approval(asked.id, NOON)
    assert approval is not None
    assert approval.decision is not None
    assert approval.status == {"approve": "approved", "reject": "rejected", "respond": "responded"}[decision_type]
    assert approval.ended_at == after(minutes=2)
    assert (approval.decision.id, approval.decision.by) == (decision.id, decision.by)
    assert approval.decision.received_at == decision.received_at
    assert await types(ledger) == ["approval.requested", "approval.decided"]
    stored = await ledger.stored_decision(asked.id, decision.id)
    assert stored is not None
    assert (stored.state, stored.fingerprint, stored.code) == ("won", decision.fingerprint, None)


async def test_an_edit_is_kept_beside_what_was_asked(ledger: Ledger) -> None:
    asked = an_approval(args={"amount": 250})
    edit = a_decision(asked, "edit", args_text='{"amount":123456789012345678901234567890}')
    record = decision_record(edit, "sha256:other")
    ended = EndedEntry(status="approved", winner=edit, decision=record, at=after(minutes=1))
    await ledger.record(asked, 0, (RequestedEntry(), ended))
    approval = await ledger.approval(asked.id, NOON)
    assert approval is not None
    assert approval.decision is not None
    assert approval.args == {"amount": 250}
    assert approval.decision.args == {"amount": 123456789012345678901234567890}
    assert (approval.digest, approval.decision.digest) == (asked.args.digest, "sha256:other")
    decided = (await ledger.events_after(None))[-1]
    assert decided.data["decision"]["args_text"] == edit.args_text


async def test_answers_keep_their_order(ledger: Ledger) -> None:
    question = Question(id="q2", question="Which?", options=(Option(id="b", label="B"), Option(id="a", label="A")))
    asked = an_approval(kind="question", tool="ask_human", questions=(question,), allowed_decisions=("answer",))
    answers = {"q2": Answer(options=("b", "a")), "q1": Answer(text="yes")}
    answer = a_decision(asked, "answer", answers=answers)
    record = decision_record(answer, asked.args.digest)
    ended = EndedEntry(status="answered", winner=answer, decision=record, at=NOON)
    await ledger.record(asked, 0, (RequestedEntry(), ended))
    approval = await ledger.approval(asked.id, NOON)
    assert approval is not None
    assert approval.decision is not None
    assert approval.decision.answers is not None
    assert list(approval.decision.answers.items()) == list(answers.items())
    assert approval.questions == (question,)


async def test_entries_sent_again_are_written_once(ledger: Ledger) -> None:
    asked = an_approval()
    entries = (RequestedEntry(), refused(a_decision(asked), "stale_digest"), ended_by(a_decision(asked), asked))
    for first, last in itertools.combinations_with_replacement(range(3), 2):
        await ledger.record(asked, first, entries[first : last + 1])
        await ledger.record(asked, first, entries[first : last + 1])
    assert await types(ledger) == ["approval.requested", "approval.refused", "approval.decided"]
    approval = await ledger.approval(asked.id, NOON)
    assert approval is not None
    assert len(approval.refused) == 1


async def test_eight_who_send_the_same_entries_at_once_write_them_once(ledger: Ledger) -> None:
    asked = an_approval()
    entries = (RequestedEntry(), refused(a_decision(asked)), ended_by(a_decision(asked), asked))
    await asyncio.gather(*(ledger.record(asked, 0, entries) for _ in range(8)))
    assert await types(ledger) == ["approval.requested", "approval.refused", "approval.decided"]


async def test_an_end_without_a_row_makes_the_row_and_tells_that_it_was_asked(ledger: Ledger) -> None:
    """The gateway died before it wrote, or the ledger was restored from a backup."""
    asked = an_approval()
    await ledger.record(asked, 4, (ended_by(a_decision(asked), asked),))
    assert await types(ledger) == ["approval.requested", "approval.decided"]
    await ledger.record(asked, 0, ASKED)
    assert await types(ledger) == ["approval.requested", "approval.decided"]
    approval = await ledger.approval(asked.id, NOON)
    assert approval is not None
    assert approval.status == "approved"


async def test_an_entry_that_comes_out_of_order_is_not_lost(ledger: Ledger) -> None:
    asked = an_approval()
    first, second = refused(a_decision(asked)), refused(a_decision(asked), "expired")
    await ledger.record(asked, 2, (second,))
    await ledger.record(asked, 1, (first,))
    approval = await ledger.approval(asked.id, NOON)
    assert approval is not None
    assert sorted(entry.code for entry in approval.refused) == ["already_decided", "expired"]


async def test_a_second_end_changes_nothing(ledger: Ledger) -> None:
    asked = an_approval()
    winner, loser = a_decision(asked), a_decision(asked, "reject", by=Person(id="user:eve", via="api"))
    await ledger.record(asked, 0, (RequestedEntry(), ended_by(winner, asked)))
    before = await ledger.approval(asked.id, NOON)
    await ledger.record(asked, 2, (ended_by(loser, asked, after(minutes=9)), expired(asked)))
    assert await ledger.approval(asked.id, NOON) == before
    assert await types(ledger) == ["approval.requested", "approval.decided"]
    assert await ledger.stored_decision(asked.id, loser.id) is None


async def test_a_clock_is_never_a_person(ledger: Ledger) -> None:
    asked = an_approval()
    await ledger.record(asked, 0, (RequestedEntry(), expired(asked)))
    event = (await ledger.events_after(None))[-1]
    assert (event.type, event.actor, event.at) == ("approval.expired", "system:timeout", asked.expires_at)
    approval = await ledger.approval(asked.id, NOON)
    assert approval is not None
    assert (approval.status, approval.decision, approval.ended_at) == ("expired", None, asked.expires_at)


@pytest.mark.parametrize("status", ["cancelled", "superseded"])
async def test_a_withdrawal_names_who_withdrew(ledger: Ledger, status: str) -> None:
    asked = an_approval()
    by = Person(id="user:max", via="api")
    ended = EndedEntry.model_validate({"status": status, "by": by, "reason": "paid already", "at": NOON})
    await ledger.record(asked, 0, (RequestedEntry(), ended))
    event = (await ledger.events_after(None))[-1]
    assert (event.type, event.actor) == (f"approval.{status}", "user:max")
    assert event.data == {"status": status, "reason": "paid already"}


async def test_who_is_not_verified_is_no_actor_of_a_known_kind(ledger: Ledger) -> None:
    """Whoever may write to the namespace may call themselves anything, a clock too."""
    for claimed in ("system:timeout", "bob", "system:reconciler"):
        asked = an_approval()
        decision = a_decision(asked, by=Person(id=claimed, via="temporal"))
        await ledger.record(asked, 0, (RequestedEntry(), ended_by(decision, asked)))
        assert (await ledger.events_after(None))[-1].actor == "operator"


async def test_the_last_twenty_refusals_are_shown_in_order(ledger: Ledger) -> None:
    asked = an_approval()
    refusals = tuple(refused(a_decision(asked, id=f"d{n:02}")) for n in range(25))
    await ledger.record(asked, 0, (RequestedEntry(), *refusals))
    approval = await ledger.approval(asked.id, NOON)
    assert approval is not None
    assert [entry.decision_id for entry in approval.refused] == [f"d{n:02}" for n in range(5, 25)]
    assert approval.refused[0].by == Person(id="user:dana", name="Dana Ito", via="api")
    page = await ledger.approvals(ApprovalQuery(), NOON)
    assert page.items == (approval,)


async def test_the_same_key_refused_twice_is_shown_twice(ledger: Ledger) -> None:
    asked = an_approval()
    reused = a_decision(asked, "reject", id="key", fingerprint="another body")
    entries = (refused(a_decision(asked, id="key"), "stale_digest"), refused(reused, "idempotency_key_reused"))
    await ledger.record(asked, 0, (RequestedEntry(), *entries))
    approval = await ledger.approval(asked.id, NOON)
    assert approval is not None
    assert [entry.code for entry in approval.refused] == ["stale_digest", "idempotency_key_reused"]
    stored = await ledger.stored_decision(asked.id, "key")
    assert stored is not None
    assert (stored.state, stored.code, stored.fingerprint) == ("refused", "stale_digest", "of a approve")


class TestDeadlineAtRead:
    """Reads apply the deadline: all workers may be down."""

    async def test_past_the_deadline_it_is_seen_as_expired(self, ledger: Ledger) -> None:
        asked = an_approval(expires_at=after(hours=1))
        await ledger.record(asked, 0, ASKED)
        moments = (timedelta(hours=1, microseconds=-1), timedelta(hours=1), timedelta(days=40))
        seen = [await ledger.approval(asked.id, NOON + moment) for moment in moments]
        assert [one.status for one in seen if one] == ["pending", "expired", "expired"]
        assert [one.ended_at for one in seen if one] == [None, asked.expires_at, asked.expires_at]

    async def test_unless_a_decision_is_on_its_way(self, ledger: Ledger) -> None:
        asked = an_approval(expires_at=after(hours=1))
        await ledger.record(asked, 0, ASKED)
        decision = a_decision(asked)
        await ledger.note_recorded(asked.id, decision)
        await ledger.note_recorded(asked.id, decision)
        for now in (NOON, after(hours=2)):
            approval = await ledger.approval(asked.id, now)
            assert approval is not None
            assert (approval.status, approval.recorded) == ("pending", True)
        assert await ledger.decision_on_its_way(asked.id)
        await ledger.record(asked, 1, (refused(decision, "stale_digest"),))
        assert not await ledger.decision_on_its_way(asked.id)
        approval = await ledger.approval(asked.id, after(hours=2))
        assert approval is not None
        assert (approval.status, approval.recorded) == ("expired", False)

    async def test_a_decision_is_on_its_way_also_where_the_row_came_later(self, ledger: Ledger) -> None:
        asked = an_approval(expires_at=after(hours=1))
        await ledger.note_recorded(asked.id, a_decision(asked))
        await ledger.record(asked, 0, ASKED)
        approval = await ledger.approval(asked.id, after(hours=2))
        assert approval is not None
        assert (approval.status, approval.recorded) == ("pending", True)

    async def test_two_on_their_way_of_which_one_wins(self, ledger: Ledger) -> None:
        asked = an_approval()
        first, second = a_decision(asked), a_decision(asked, "reject")
        await ledger.record(asked, 0, ASKED)
        await ledger.note_recorded(asked.id, first)
        await ledger.note_recorded(asked.id, second)
        await ledger.record(asked, 1, (ended_by(first, asked),))
        approval = await ledger.approval(asked.id, after(days=9))
        assert approval is not None
        assert (approval.status, approval.recorded) == ("approved", False)
        assert not await ledger.decision_on_its_way(asked.id)
        await ledger.record(asked, 2, (refused(second),))
        states = [await ledger.stored_decision(asked.id, one.id) for one in (first, second)]
        assert [one and one.state for one in states] == ["won", "refused"]

    async def test_a_note_that_comes_late_changes_nothing(self, ledger: Ledger) -> None:
        asked = an_approval()
        decision = a_decision(asked)
        await ledger.record(asked, 0, (RequestedEntry(), ended_by(decision, asked)))
        await ledger.note_recorded(asked.id, decision)
        stored = await ledger.stored_decision(asked.id, decision.id)
        assert stored is not None
        assert stored.state == "won"


class TestTextsByReference:
    """Long arguments, schemas and what the model said lie in the ledger once."""

    async def test_long_arguments_are_shown_whole(self, ledger: Ledger) -> None:
        asked = an_approval(args={"text": "x" * 500_000, "n": 2**80})
        text = asked.args.text or ""
        ref = await ledger.put_args(asked.tool, text)
        assert ref == await ledger.put_args(asked.tool, text) == asked.args.digest
        assert await ledger.get_args(ref) == text
        stored = asked.model_copy(update={"args": asked.args.model_copy(update={"text": None, "ref": ref})})
        await ledger.record(stored, 0, ASKED)
        approval = await ledger.approval(asked.id, NOON)
        assert approval is not None
        assert approval.args == {"text": "x" * 500_000, "n": 2**80}
        assert await ledger.args_text(asked.id) == text
        again = await ledger.asked(asked.id)
        assert again is not None
        assert again.args.ref == ref

    async def test_a_schema_is_kept_by_its_content(self, ledger: Ledger) -> None:
        schema = {"type": "object", "properties": {"amount": {"maximum": 2**64}}}
        ref = await ledger.put_schema(schema)
        assert ref == await ledger.put_schema(dict(reversed(schema.items())))
        assert await ledger.get_schema(ref) == schema
        asked = an_approval(args_schema_ref=ref)
        await ledger.record(asked, 0, ASKED)
        approval = await ledger.approval(asked.id, NOON)
        assert approval is not None
        assert approval.args_schema == schema

    async def test_what_nobody_put_there_is_an_error(self, ledger: Ledger) -> None:
        with pytest.raises(UnknownTextError):
            await ledger.get_args("sha256:none")
        with pytest.raises(UnknownTextError):
            await ledger.get_schema("none")

    async def test_what_the_model_said_is_read_from_its_message(self, ledger: Ledger) -> None:
        run = a_run()
        blocks = [{"type": "text", "text": "I will "}, {"type": "tool_use"}, {"type": "text", "text": "refund."}]
        for content, says in (("I refund.", "I refund."), (blocks, "I will refund."), ("", None)):
            message = a_message("", "ai")
            message["data"]["content"] = content
            message_id = new_id()
            await ledger.put_message(message_id, run.id, message)
            asked: Asked = an_approval(says_ref=message_id)
            await ledger.record(asked, 0, ASKED)
            approval = await ledger.approval(asked.id, NOON)
            assert approval is not None
            assert approval.says == says
